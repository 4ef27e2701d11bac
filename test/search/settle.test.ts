import { describe, expect, test } from 'vitest';
import { makeTokenKey } from '../../src/encryption/token.ts';
import { FhirError } from '../../src/fhir/error.ts';
import { criterionText } from '../../src/search/criterion.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { type Plan, planSearch } from '../../src/search/plan.ts';
import { settlePlan } from '../../src/search/settle.ts';
import { pageStatement } from '../../src/search/statements.ts';
import type { Queryable } from '../../src/storage/database.ts';
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
    const rows = rowMode === 'array' ? [] : Array.from({ length: candidates }, (_, rid) => ({ rid: String(rid), ref_key: '1' }));
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
