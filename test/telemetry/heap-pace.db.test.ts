import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** Makes garbage of which much outlives some collections, as the batches of an import do, and tells how many MiB the young generation got. */
const work = `
  let held = [];
  let largest = 0;
  for (let turn = 0; turn < 1500; turn++) {
    if (turn % 40 === 0) held = [];
    for (let at = 0; at < 2000; at++) held.push({ at, text: turn + ' ' + at });
    heap?.look();
    largest = Math.max(largest, getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size);
  }
  console.log(Math.round(largest / 2 ** 20));`;

const module = new URL('../../src/telemetry/heap-pace.ts', import.meta.url).href;

/** MiB that the young generation of a process had at most: now and then V8 has a few pages more than its halves. */
async function largest(begins: string, ends = ''): Promise<number> {
  const head = `import { getHeapSpaceStatistics } from 'node:v8'; import { beFrugal, collectGarbage, holdYoungGeneration } from '${module}'; let heap; ${begins};`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--max-semi-space-size=16',
    '--input-type=module',
    '-e',
    `${head}${work}${ends}`,
  ]);
  return Number(stdout.trim().split('\n').at(-1));
}

test('the young generation grows as V8 has it, but not while it is held, and little while something frugal goes on', async () => {
  expect(await largest('')).toBeGreaterThanOrEqual(32);
  expect(await largest('holdYoungGeneration(true)')).toBeLessThanOrEqual(16);
  expect(await largest('heap = beFrugal()')).toBeLessThanOrEqual(28);
});

test('of several frugal works the last that ends lets it grow again', async () => {
  expect(await largest('heap = beFrugal(); const other = beFrugal(); other.end(); other.end()')).toBeLessThanOrEqual(28);
  expect(await largest('const first = beFrugal(); first.look(); first.end(); first.look()')).toBeGreaterThanOrEqual(32);
});

test('what is collected all at once leaves a young generation that is small, however large it was', async () => {
  const ends = `
    held = [];
    collectGarbage();
    console.log(Math.round(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 2 ** 20));`;
  expect(await largest('', ends)).toBeLessThanOrEqual(12);
});

test('what passes many buffers on keeps few of them, and many more where nobody sweeps', async () => {
  const passing = (sweep: string): string => `
    import { sweeper } from '${module}';
    const sweep = ${sweep};
    let most = 0;
    for (let n = 0; n < 3000; n++) {
      sweep(Buffer.allocUnsafeSlow(65_536).length);
      most = Math.max(most, process.memoryUsage().arrayBuffers);
    }
    console.log(Math.round(most / 2 ** 20));`;
  const most = async (sweep: string): Promise<number> => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--max-semi-space-size=16',
      '--input-type=module',
      '-e',
      passing(sweep),
    ]);
    return Number(stdout);
  };
  const swept = await most('sweeper()');
  expect(swept).toBeLessThanOrEqual(16);
  expect(await most('() => undefined')).toBeGreaterThan(2 * swept);
});
