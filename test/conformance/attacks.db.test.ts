import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import attacks from '../cases/attacks.json' with { type: 'json' };

type Attack = { readonly id: string; readonly attack: string; readonly test?: string; readonly pending?: string };

const list: readonly Attack[] = attacks;
const repository = join(import.meta.dirname, '..', '..');

test('every attack of the list is there once, with a test or with the reason why there is none yet', () => {
  expect(list.map(({ id }) => id)).toEqual(Array.from({ length: 133 }, (_, n) => `C${n + 1}`));
  for (const { id, test: name, pending } of list)
    expect(
      [name, pending].filter((each) => each !== undefined && each !== ''),
      id,
    ).toHaveLength(1);
});

test('every test that the list names exists by this name', async () => {
  for (const { id, test: name } of list) {
    if (name === undefined) continue;
    const [file = ''] = name.split(' › ', 1);
    const title = name.slice(file.length + ' › '.length);
    const source = (await readFile(join(repository, file), 'utf8')).replaceAll(/([([])\s+/g, '$1');
    // A test, or a row of a table of tests.
    expect(source.includes(`test('${title}'`) || source.includes(`['${title}',`), `${id}: ${name}`).toBe(true);
  }
});

test('what is pending is printed', () => {
  const pending = list.filter((attack) => attack.pending !== undefined);
  process.stdout.write(`${pending.length} of ${list.length} attacks pending:\n`);
  expect(pending.length).toBeLessThan(list.length);
  for (const { id, attack, pending: reason } of pending) process.stdout.write(`  ${id} ${attack}: ${reason}\n`);
});
