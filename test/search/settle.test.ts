import { describe, expect, test } from 'vitest';
import { makeTokenKey } from '../../src/encryption/token.ts';
import { FhirError } from '../../src/fhir/error.ts';
import { criterionText } from '../../src/search/criterion.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { type Plan, planSearch } from '../../src/search/plan.ts';
import { settlePlan } from '../../src/search/settle.ts';
import { pageStatement } from '../../src/search/statements.ts';
import type { Queryable } from '../../src/storage/database.ts';
import type { Statistics } from '../../src/storage/statistics.ts';
import { limits, smallRegistry } from './small-registry.ts';

const registry = smallRegistry();
const context = { key: makeTokenKey(Buffer.alloc(16, 3), 'siphash'), base: 'http://x/fhir', now: Date.UTC(2024, 0, 1) };

function plan(type: string, text: string): Plan {
  const { query } = parseSearch(type, [...new URLSearchParams(text)], registry, limits, false);
  return planSearch(query, () => 'all', registry, context);
}

/** A database that finds so many candidates, and no row of theirs any more. */
function database(candidates: number): { db: Queryable; asked: string[] } {
  const asked: string[] = [];
  const query = ({ text, rowMode }: { text: string; rowMode?: string }) => {
    asked.push(text);
    const rows =
      rowMode === 'array' ? [] : Array.from({ length: candidates }, (_, rid) => ({ rid: String(rid), ref_key: '1', target: '1' }));
    return Promise.resolve({ rows });
  };
  return { db: { query } as unknown as Queryable, asked };
}

const open = () => Promise.resolve([]);

describe('what must be opened to follow a reference', () => {
  test('is found before, and then stands in the statement', async () => {
    const asking = plan('Observation', 'patient.family:contains=abcd');
    expect(() => pageStatement(asking, undefined, 10)).toThrow('found before');
    const { db, asked } = database(3);
    const settled = await settlePlan(db, asking, open);
    expect(asked).toHaveLength(2);
    // None of the candidates was there any more.
    expect(pageStatement(settled, undefined, 10).text).toContain('and (false) and');
  });

  test('is refused where it is too much, with advice', async () => {
    for (const text of ['patient.family:contains=abcd', '_filter=patient.family co "abcd" or code eq x']) {
      const failure: unknown = await settlePlan(database(10_001).db, plan('Observation', text), open).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(FhirError);
      expect((failure as FhirError).issues[0]).toMatchObject({ code: 'too-costly', id: 'search-too-many-candidates' });
      expect((failure as FhirError).message).toContain('Patient');
    }
  });

  test('is nothing where tokens tell', async () => {
    const { db, asked } = database(3);
    for (const text of ['patient.family=abcd', 'patient.gender=male&code=x', 'code=x', 'code-value-string=x$y']) {
      const asking = plan('Observation', text);
      expect(await settlePlan(db, asking, open)).toEqual(asking);
    }
    expect(asked).toEqual([]);
  });
});

describe('equal criteria', () => {
  const texts = (text: string): string[] => {
    const { query } = parseSearch('Observation', [...new URLSearchParams(text)], registry, limits, false);
    return query.criteria.map(criterionText);
  };

  test('have equal texts, whatever the order of their values', () => {
    expect(texts('patient.family=a,b')).toEqual(texts('patient.family=b,a,b'));
    expect(texts('patient.family=a')).toEqual(texts('subject:Patient.family=a'));
  });

  test('differ by way, parameter, modifier and value', () => {
    const all = [
      'patient.family=a',
      'patient.family=b',
      'patient.family:exact=a',
      'patient.name=a',
      'performer:Patient.family=a',
      'patient.link.family=a',
    ];
    expect(new Set(all.flatMap(texts)).size).toBe(all.length);
    expect(texts('_filter=not (patient.family sw a)')).not.toEqual(texts('patient.family=a'));
  });
});

describe('where a search begins', () => {
  /** So many rows of both types, and what share of them each token of a clause has. */
  const statistics = (patients: number, ofPatients: number, ofObservations: number): Statistics => ({
    of: (relation) =>
      relation === 'resource_patient'
        ? { rows: patients, shareOf: () => ofPatients }
        : { rows: 40 * patients, shareOf: () => ofObservations },
    refresh: () => Promise.resolve(),
  });
  const asking = () => plan('Patient', 'family=abc&_has:Observation:patient:code=x');

  test('is its own rows, where what refers to them is less than what is asked of all that refer', async () => {
    for (const patients of [200, 20_000]) {
      const { db, asked } = database(3);
      const settled = await settlePlan(db, asking(), open, statistics(patients, 0.02, 0.1));
      expect(asked).toEqual([]);
      expect(settled.condition).toMatchObject({ kind: 'and', of: [{ kind: 'all-tokens' }, { kind: 'referred', each: true }] });
      expect(pageStatement(settled, undefined, 10).text).toMatch(
        /from \(select \* from resource_observation rh where .*rh\.patient = r\.ref_key offset 0\) rh/,
      );
    }
  });

  test('is the other end, where that is less', async () => {
    const { db, asked } = database(3);
    const settled = await settlePlan(db, asking(), open, statistics(200, 0.02, 0.01));
    expect(asked).toHaveLength(2);
    expect(settled.condition).toMatchObject({ kind: 'and', of: [{ kind: 'all-tokens' }, { kind: 'placed' }] });
  });

  test('is PostgreSQL’s choice, where both are many', async () => {
    const { db, asked } = database(3);
    const settled = await settlePlan(db, asking(), open, statistics(1_000_000, 0.2, 0.1));
    expect(asked).toEqual([]);
    expect(settled.condition).toEqual(asking().condition);
  });

  test('is the one patient that was found, as if he had been named', async () => {
    const { db } = database(1);
    const settled = await settlePlan(db, plan('Observation', 'patient.gender=male&code=x'), open, statistics(200, 0.001, 0.1));
    expect(settled.patient).toBe(1n);
    expect(settled.condition).toMatchObject({ kind: 'all-tokens', tokens: { length: 1 } });
    expect(pageStatement(settled, undefined, 10).text).toContain('p.patient = ');
    const several = await settlePlan(database(2).db, plan('Observation', 'patient.gender=male&code=x'), open, statistics(200, 0.001, 0.1));
    expect(several.patient).toBeUndefined();
  });

  test('is the search’s own rows, where they are fewer than those it may refer to', async () => {
    const { db, asked } = database(3);
    await settlePlan(db, plan('Observation', 'patient.gender=male&code=x'), open, statistics(200, 0.5, 0.001));
    expect(asked).toEqual([]);
  });
});
