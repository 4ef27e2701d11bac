import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeTables } from '../../src/storage/terminology.ts';
import { listSystems, LoadUnderWay, loadSystem, removeSystem, type TermRow } from '../../src/storage/terminology-load.ts';
import { codeSystemJson } from '../../src/terminology/load/code-system-json.ts';
import { csv } from '../../src/terminology/load/csv.ts';
import type { Format, Said } from '../../src/terminology/load/format.ts';
import { loinc } from '../../src/terminology/load/loinc.ts';
import { snomed } from '../../src/terminology/load/snomed.ts';
import { openRelease } from '../../src/terminology/load/sources.ts';
import { UnreadableFile } from '../../src/terminology/load/tables.ts';
import { makeTerminology, type Terminology } from '../../src/terminology/terminology.ts';
import { openStore, type Store } from '../support/store.ts';
import { conformanceOf } from './conformance-of.ts';
import { loincFiles, snomedFiles, writeFolder, writeZip } from './releases.ts';

let store: Store;
let folder: string;

beforeAll(async () => {
  [store, folder] = await Promise.all([openStore(), mkdtemp(join(tmpdir(), 'anamnesis-releases-'))]);
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

async function loadFrom(format: Format, path: string, said: Said = {}): Promise<number> {
  const release = await openRelease(path);
  try {
    expect(format.recognises(release)).toBe(true);
    const { head, rows } = await format.read(release, said);
    return await loadSystem(store.pool, head, rows, () => {});
  } finally {
    release.close();
  }
}

const sct = 'http://snomed.info/sct';
const vs = (name: string, include: readonly object[], exclude: readonly object[] = []): object => ({
  resourceType: 'ValueSet',
  url: `http://x.org/vs/${name}`,
  compose: { include, exclude },
});
const filter = (property: string, op: string, value: string): object => ({ property, op, value });

const valueSets = [
  vs('findings', [{ system: sct, filter: [filter('concept', 'is-a', '404684003')] }]),
  vs('below-diabetes', [{ system: sct, filter: [filter('concept', 'descendent-of', '73211009')] }]),
  vs(
    'disorders-without-diabetes',
    [{ system: sct, filter: [filter('concept', 'is-a', '64572001')] }],
    [{ system: sct, filter: [filter('concept', 'is-a', '73211009')] }],
  ),
  vs('ecl', [{ system: sct, filter: [filter('constraint', '=', '<< 73211009 |Diabetes| OR 195967001')] }]),
  vs('ecl-minus', [{ system: sct, filter: [filter('constraint', '=', '< 64572001 MINUS (<< 73211009)')] }]),
  vs('ecl-attributes', [{ system: sct, filter: [filter('constraint', '=', '< 64572001 : 363698007 = *')] }]),
  vs('chemistry', [{ system: 'http://loinc.org', filter: [filter('CLASS', '=', 'CHEM')] }]),
  vs('quantitative-chemistry', [{ system: 'http://loinc.org', filter: [filter('CLASS', '=', 'CHEM'), filter('SCALE_TYP', '=', 'Qn')] }]),
  vs('classes', [{ system: 'http://loinc.org', filter: [filter('CLASS', 'in', 'HRTRATE.ATOM,BDYTMP.ATOM')] }]),
  vs('glucose', [{ system: 'http://loinc.org', filter: [filter('ancestor', '=', 'LP14635-4')] }]),
  vs('child-of-glucose', [{ system: 'http://loinc.org', filter: [filter('parent', '=', 'LP14635-4')] }]),
];

describe('SNOMED CT and LOINC', () => {
  let terminology: Terminology;

  beforeAll(async () => {
    await loadFrom(snomed, await writeZip(join(folder, 'SnomedCT_InternationalRF2_PRODUCTION_20240101T120000Z.zip'), snomedFiles));
    await loadFrom(loinc, await writeZip(join(folder, 'Loinc_2.77.zip'), loincFiles));
    terminology = makeTerminology({ conformance: conformanceOf(valueSets), tables: codeTables(store.pool) });
  });

  test('are listed with what their files say of themselves', async () => {
    const systems = await listSystems(store.pool);
    expect(systems.map(({ url, version, name, concepts }) => [url, version, name, concepts])).toEqual([
      ['http://loinc.org', '2.77', 'LOINC', 11],
      [sct, 'http://snomed.info/sct/900000000000207008/version/20240101', 'SNOMED CT', 7],
    ]);
  });

  test.each([
    ['http://x.org/vs/findings', '44054006', 'in'],
    ['http://x.org/vs/findings', '404684003', 'in'],
    ['http://x.org/vs/findings', '138875005', 'out'],
    ['http://x.org/vs/findings', '999999999', 'out'],
    ['http://x.org/vs/below-diabetes', '44054006', 'in'],
    ['http://x.org/vs/below-diabetes', '73211009', 'out'],
    ['http://x.org/vs/disorders-without-diabetes', '195967001', 'in'],
    ['http://x.org/vs/disorders-without-diabetes', '44054006', 'out'],
    ['http://x.org/vs/ecl', '195967001', 'in'],
    ['http://x.org/vs/ecl', '64572001', 'out'],
    ['http://x.org/vs/ecl-minus', '195967001', 'in'],
    ['http://x.org/vs/ecl-minus', '44054006', 'out'],
    ['http://x.org/vs/ecl-attributes', '44054006', 'unchecked'],
    ['http://snomed.info/sct?fhir_vs', '44054006', 'in'],
    ['http://snomed.info/sct?fhir_vs=isa/73211009', '44054006', 'in'],
    ['http://snomed.info/sct?fhir_vs=isa/73211009', '195967001', 'out'],
    ['http://snomed.info/sct?fhir_vs=ecl/%3C%2064572001', '195967001', 'in'],
    ['http://snomed.info/sct?fhir_vs=refset/723264001', '195967001', 'out'],
    [undefined, '44054006', 'in'],
    [undefined, '1', 'out'],
  ])('in %s of SNOMED CT, %s is %s', async (valueSet, code, kind) => {
    const [verdict] = await terminology.checker.later([{ valueSet, system: sct, code }]);
    expect(verdict?.kind).toBe(kind);
  });

  test.each([
    ['chemistry', '15074-8', 'in'],
    ['chemistry', '8867-4', 'out'],
    ['quantitative-chemistry', '35192-4', 'out'],
    ['classes', '8310-5', 'in'],
    ['glucose', '15074-8', 'in'],
    ['child-of-glucose', '15074-8', 'in'],
    ['glucose', '8867-4', 'out'],
    ['http://loinc.org/vs', '8867-4', 'in'],
    ['http://loinc.org/vs/LL2201-3', 'LA18978-9', 'in'],
    ['http://loinc.org/vs/LL9999-9', 'LA18976-3', 'out'],
    ['http://loinc.org/vs/LP29693-6', '15074-8', 'in'],
  ])('in %s of LOINC, %s is %s', async (name, code, kind) => {
    const valueSet = name.includes(':') ? name : `http://x.org/vs/${name}`;
    const [verdict] = await terminology.checker.later([{ valueSet, system: 'http://loinc.org', code }]);
    expect(verdict?.kind).toBe(kind);
  });

  test('are called by their preferred names', async () => {
    const [asthma, old] = await terminology.checker.later(
      ['195967001', '111111111'].map((code) => ({ valueSet: undefined, system: sct, code })),
    );
    expect(asthma).toEqual({ kind: 'in', displays: ['Asthma "proper"', 'Asthma (disorder)'] });
    expect(old).toEqual({ kind: 'in', displays: ['Outdated (finding)'], inactive: true });
  });

  async function expanded(request: Parameters<Terminology['expand']>[0]): Promise<{ codes: string; total: unknown }> {
    const { expansion } = (await terminology.expand(request)) as unknown as {
      expansion: { total?: number; contains?: readonly { code: string }[] };
    };
    return { codes: (expansion.contains ?? []).map(({ code }) => code).join(' '), total: expansion.total };
  }

  test.each([
    [{ url: 'http://x.org/vs/findings' }, '195967001 404684003 44054006 64572001 73211009', 5],
    [{ url: 'http://x.org/vs/disorders-without-diabetes' }, '195967001 64572001', 2],
    [{ url: 'http://x.org/vs/ecl-minus' }, '195967001', 1],
    [{ url: 'http://x.org/vs/findings', filter: 'diab' }, '44054006 73211009', 2],
    [{ url: 'http://x.org/vs/findings', filter: 'mell 2' }, '44054006', 1],
    [{ url: 'http://x.org/vs/findings', filter: '4405' }, '44054006', 1],
    [{ url: 'http://x.org/vs/findings', count: 2, offset: 1 }, '404684003 44054006', 5],
    [{ url: 'http://x.org/vs/chemistry' }, '15074-8 35192-4', 2],
    [{ url: 'http://x.org/vs/chemistry', activeOnly: true }, '15074-8', 1],
    [{ url: 'http://loinc.org/vs/LL2201-3' }, 'LA18976-3 LA18978-9', 2],
  ])('expand: %j', async (request, codes, total) => {
    expect(await expanded(request)).toEqual({ codes, total });
  });

  test('have hierarchies that searches and $subsumes ask', async () => {
    expect(await terminology.descendants(sct, '73211009')).toEqual(['73211009', '44054006']);
    expect(await terminology.ancestors(sct, '73211009')).toEqual(['73211009', '64572001', '404684003', '138875005']);
    expect(await terminology.expandCodes('http://x.org/vs/below-diabetes')).toEqual([{ system: sct, code: '44054006' }]);
    const outcome = await terminology.subsumes({ system: sct, codeA: '64572001', codeB: '44054006' });
    expect(outcome).toMatchObject({ parameter: [{ name: 'outcome', valueCode: 'subsumes' }] });
  });

  test('are looked up with their properties', async () => {
    const { parameter } = await terminology.lookup({ system: 'http://loinc.org', code: '15074-8', property: ['CLASS', 'parent'] });
    expect(parameter).toEqual([
      { name: 'name', valueString: 'LOINC' },
      { name: 'version', valueString: '2.77' },
      { name: 'display', valueString: 'Glucose [Moles/volume] in Blood' },
      {
        name: 'property',
        part: [
          { name: 'code', valueCode: 'parent' },
          { name: 'value', valueCode: 'LP14635-4' },
          { name: 'description', valueString: 'Glucose' },
        ],
      },
      {
        name: 'property',
        part: [
          { name: 'code', valueCode: 'CLASS' },
          { name: 'value', valueString: 'CHEM' },
        ],
      },
    ]);
  });
});

describe('a table and a resource', () => {
  test('a CSV file has its parents, languages and properties', async () => {
    const path = join(folder, 'wards.csv');
    await writeFile(
      path,
      'code,display,parent,active,abstract,display:de,floor\nall,All wards,,,true,,\nicu,Intensive care,all,,,Intensivstation,2\nold,Old ward,all|icu,false,,,\n',
    );
    expect(await loadFrom(csv, path, { url: 'http://x.org/wards', version: '1' })).toBe(3);
    const terminology = makeTerminology({ conformance: conformanceOf([]), tables: codeTables(store.pool) });
    expect(await terminology.descendants('http://x.org/wards', 'all')).toEqual(['all', 'icu', 'old']);
    const verdicts = await terminology.checker.later(
      ['icu', 'old', 'all', 'x'].map((code) => ({ valueSet: undefined, system: 'http://x.org/wards', code })),
    );
    expect(verdicts).toMatchObject([
      { displays: ['Intensive care', 'Intensivstation'] },
      { inactive: true },
      { abstract: true },
      { kind: 'out', unknown: true },
    ]);
  });

  test('a CodeSystem is read with all that it says', async () => {
    const path = join(folder, 'colours.json');
    const concept = [{ code: 'red', display: 'Red', property: [{ code: 'wave', valueInteger: 700 }], concept: [{ code: 'crimson' }] }];
    await writeFile(
      path,
      JSON.stringify({
        resourceType: 'CodeSystem',
        url: 'http://x.org/c',
        version: '3',
        content: 'complete',
        property: [{ code: 'wave', type: 'integer' }],
        concept,
      }),
    );
    expect(await loadFrom(codeSystemJson, path)).toBe(2);
    const terminology = makeTerminology({ conformance: conformanceOf([]), tables: codeTables(store.pool) });
    const found = await terminology.lookup({ system: 'http://x.org/c', code: 'red', property: ['wave'] });
    expect(JSON.stringify(found)).toContain('"valueInteger":700');
    expect(await terminology.ancestors('http://x.org/c', 'crimson')).toEqual(['crimson', 'red']);
  });

  test.each([
    ['no-code.csv', 'name\nx\n', csv, /no column code/],
    ['odd.csv', 'code,display\na\n', csv, /odd\.csv/],
    ['truth.csv', 'code,active\na,yes\n', csv, /true or false/],
    ['text.json', 'not json', codeSystemJson, /no JSON/],
    ['other.json', '{"resourceType":"ValueSet"}', codeSystemJson, /no CodeSystem/],
    ['part.json', '{"resourceType":"CodeSystem","content":"fragment"}', codeSystemJson, /not "complete"/],
  ])('%s is refused, and nothing stays behind', async (name, text, format, reason) => {
    const path = join(folder, name);
    await writeFile(path, text);
    const refused = loadFrom(format, path, { url: 'http://x.org/refused' });
    await expect(refused).rejects.toThrow(reason);
    await expect(refused).rejects.toBeInstanceOf(UnreadableFile);
    expect(await store.sql("select from code_system where url = 'http://x.org/refused'")).toEqual([]);
  });

  test('a release without its descriptions is refused', async () => {
    const concepts = Object.fromEntries(Object.entries(snomedFiles).slice(0, 1));
    await expect(loadFrom(snomed, await writeFolder(join(folder, 'cut'), concepts))).rejects.toThrow(/no snapshot of descriptions/);
  });
});

describe('a load', () => {
  const head = { url: 'http://x.org/again', version: '1', name: undefined, subsumes: true, properties: {} };
  function* rows(...codes: readonly string[]): Generator<TermRow> {
    for (const code of codes) yield { kind: 'concept', code };
  }
  const codes = (): Promise<readonly object[]> =>
    store.sql(
      "select code from concept where system in (select id from code_system where url = 'http://x.org/again' and ready) order by 1",
    );
  const ids = (): Promise<readonly object[]> =>
    store.sql('select distinct system from concept except select id from code_system where ready');

  test('replaces the same version when it is whole, and another not', async () => {
    await loadSystem(store.pool, head, rows('a', 'b'), () => {});
    expect(await loadSystem(store.pool, head, rows('c', 'c'), () => {})).toBe(1);
    expect(await codes()).toEqual([{ code: 'c' }]);
    await loadSystem(store.pool, { ...head, version: '2' }, rows('d'), () => {});
    expect(await codes()).toEqual([{ code: 'c' }, { code: 'd' }]);
    expect(await codeTables(store.pool).system(head.url, undefined)).toMatchObject({ version: '2' });
    expect(await codeTables(store.pool).system(head.url, '1')).toMatchObject({ version: '1' });
    expect(await ids()).toEqual([]);
  });

  test('that breaks off changes nothing', async () => {
    function* broken(): Generator<TermRow> {
      yield* rows(...Array.from({ length: 3_000 }, (_, at) => `x${at}`));
      throw new UnreadableFile('the file ends here');
    }
    await expect(loadSystem(store.pool, head, broken(), () => {})).rejects.toThrow('the file ends here');
    expect(await codes()).toEqual([{ code: 'c' }, { code: 'd' }]);
    expect(await ids()).toEqual([]);
  });

  test('goes alone', async () => {
    async function* meanwhile(): AsyncGenerator<TermRow> {
      await expect(loadSystem(store.pool, head, rows('y'), () => {})).rejects.toBeInstanceOf(LoadUnderWay);
      await expect(removeSystem(store.pool, head)).rejects.toBeInstanceOf(LoadUnderWay);
      yield* rows('z');
    }
    await loadSystem(store.pool, head, meanwhile(), () => {});
    expect(await codes()).toEqual([{ code: 'd' }, { code: 'z' }]);
  });

  test('can be taken back', async () => {
    expect(await removeSystem(store.pool, head)).toBe(true);
    expect(await removeSystem(store.pool, head)).toBe(false);
    expect(await codes()).toEqual([{ code: 'd' }]);
    expect(await ids()).toEqual([]);
  });
});

test('a page of very many kinds of a code is found by looking up from each', async () => {
  const head = { url: 'http://x.org/broad', version: undefined, name: undefined, subsumes: true, properties: {} };
  function* rows(): Generator<TermRow> {
    const code = (at: number): string => `k${String(at).padStart(5, '0')}`;
    for (let at = 0; at < 12_000; at++) yield { kind: 'concept', code: code(at) };
    yield { kind: 'concept', code: 'a-stranger' };
    for (let at = 1; at < 12_000; at++) yield { kind: 'link', parent: code(Math.floor((at - 1) / 10)), child: code(at) };
  }
  await loadSystem(store.pool, head, rows(), () => {});
  const terminology = makeTerminology({ conformance: conformanceOf([]), tables: codeTables(store.pool) });
  const page = async (op: string, offset: number): Promise<unknown> => {
    const valueSet = vs('broad', [{ system: head.url, filter: [filter('concept', op, 'k00000')] }]);
    const { expansion } = (await terminology.expand({ valueSet, count: 2, offset })) as unknown as {
      expansion: { total?: number; contains?: readonly { code: string }[] };
    };
    return [expansion.total, ...(expansion.contains ?? []).map(({ code }) => code)];
  };
  expect(await page('is-a', 0)).toEqual([undefined, 'k00000', 'k00001']);
  expect(await page('descendent-of', 0)).toEqual([undefined, 'k00001', 'k00002']);
  expect(await page('is-a', 11_999)).toEqual([12_000, 'k11999']);
  expect(await terminology.descendants(head.url, 'k00000')).toEqual({ untold: expect.stringContaining('More than 5000') });
});
