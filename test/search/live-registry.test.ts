import { expect, test } from 'vitest';
import { makeTokenKey } from '../../src/encryption/token.ts';
import type { SearchParameterDef } from '../../src/fhir/schema.ts';
import { readParameter } from '../../src/search/added-parameter.ts';
import { liveRegistry } from '../../src/search/live-registry.ts';
import { parseSearch } from '../../src/search/parse.ts';
import type { AddedParameter } from '../../src/search/registry.ts';
import { limits, smallDefinitions } from './small-registry.ts';

const key = makeTokenKey(Buffer.alloc(16, 3), 'siphash');
const numbers = () => 7;

function live() {
  const made = liveRegistry(smallDefinitions, numbers, { key, base: 'http://x/fhir', fullText: false });
  made.setKnown(true);
  return made;
}

const birthPlace: SearchParameterDef = {
  url: 'http://example.org/link-type',
  code: 'link-type',
  base: ['Patient'],
  type: 'token',
  expression: 'Patient.link.type',
  targets: [],
  components: [],
};
const added: AddedParameter = { id: 'p', version: 1, definition: birthPlace };
const parse = (registry: ReturnType<ReturnType<typeof live>['current']>) =>
  parseSearch('Patient', [['link-type', 'seealso']], registry, limits, false);

test('a parameter that is building is extracted and not searched by', () => {
  const { current, replace } = live();
  const before = current();
  replace([{ ...added, building: () => ({ done: 3, total: 9 }) }], numbers);
  const { elements, params } = current().of('Patient');
  expect(elements.map(({ path }) => path)).toContain('Patient.link.type');
  expect(params.has('link-type')).toBe(false);
  expect(() => parse(current())).toThrow('"link-type" is being built: 3 of 9 resources are done');
  expect(() => parse(before)).toThrow('no search parameter "link-type"');
});

test('what a change doesn’t concern is shared with the registry before', () => {
  const { current, replace, standard } = live();
  replace([added], numbers);
  expect(current().of('Observation')).toBe(standard.of('Observation'));
  expect(current().of('Patient')).not.toBe(standard.of('Patient'));
  expect(parse(current()).query.clauses).toHaveLength(1);
  replace([], numbers);
  expect(current().of('Patient')).toBe(standard.of('Patient'));
});

test('one that replaces a standard’s leaves compartments and the patient column as they are', () => {
  const { current, replace } = live();
  const url = 'http://example.org/SearchParameter/Account-subject';
  replace(
    [
      {
        id: 'q',
        version: 1,
        definition: { ...birthPlace, url, code: 'subject', base: ['Account'], type: 'string', expression: 'Account.name' },
      },
    ],
    numbers,
  );
  const account = current().of('Account');
  expect(account.params.get('subject')?.type).toBe('string');
  expect(account.compartments.map(({ element }) => element.path)).toEqual(['Account.subject']);
  expect(account.patientElements.map(({ path }) => path)).toEqual(['Account.subject']);
});

test('it is drained once what began before has ended', async () => {
  const { beginWrite, replace, drained } = live();
  const [end, other] = [beginWrite(), beginWrite()];
  replace([], numbers);
  beginWrite();
  let done = false;
  const waiting = drained().then(() => (done = true));
  end();
  end();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(done).toBe(false);
  other();
  await waiting;
});

test('nothing is extracted while it isn’t known which parameters are in force', () => {
  const { setKnown, extract } = live();
  setKnown(false);
  expect(() => extract({ resourceType: 'Patient' }, 'Patient', 'x')).toThrow('which search parameters are in force');
});

test('only so many are taken', async () => {
  const { standard } = live();
  const resource = { status: 'active', ...birthPlace, code: 'other', url: 'http://example.org/other' };
  const read = (addedMax: number) => readParameter(resource, 'other', smallDefinitions, standard, [added], addedMax);
  await expect(read(1)).rejects.toThrow('takes 1 active search parameters');
  expect(await read(2)).toMatchObject({ code: 'other' });
});
