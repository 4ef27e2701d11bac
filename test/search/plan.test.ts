import { describe, expect, test } from 'vitest';
import { makeTokenKey, token } from '../../src/encryption/token.ts';
import { FhirError } from '../../src/fhir/error.ts';
import { compartmentParts } from '../../src/search/extract.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { type Plan, planSearch } from '../../src/search/plan.ts';
import { type From, type Position, segmentsOf } from '../../src/search/position.ts';
import { countStatement, groupsStatement, matchesStatement, pageStatement, type Statement } from '../../src/search/statements.ts';
import { isShort, type Way, wayOf } from '../../src/search/way.ts';
import { noRows, type RowFilter } from '../../src/storage/filter.ts';
import { limits, smallRegistry } from './small-registry.ts';

const registry = smallRegistry();
const key = makeTokenKey(Buffer.alloc(16, 3), 'siphash');
const context = { key, base: 'http://x/fhir', now: Date.UTC(2024, 0, 1) };

function plan(type: string, query: string, filter: RowFilter = 'all'): Plan {
  const { query: parsed } = parseSearch(type, [...new URLSearchParams(query)], registry, limits, false);
  return planSearch(parsed, () => filter, registry, context);
}

const flat = (text: string): string => text.replace(/\s+/g, ' ');
const page = (of: Plan): string => flat(pageStatement(of, undefined, 11).text);
const at = (values: readonly (string | null)[], rid: number): Position => ({ values, rid });

function groups(of: Plan, from: From | undefined, limit: number, rowsMax: number): Statement {
  const [segment] = segmentsOf(of.sort);
  if (segment === undefined) throw new Error('an order has a segment');
  return groupsStatement(of, segment, from, { limit, rowsMax });
}

describe('the caller’s filter', () => {
  const bound: RowFilter = { anyOf: [[[7n]]] };

  test.each<[string, (of: Plan) => Statement]>([
    ['a page', (of) => pageStatement(of, undefined, 10)],
    ['a later page', (of) => pageStatement(of, { position: at([null], 5) }, 10)],
    ['a page of groups', (of) => groups(of, undefined, 10, 20)],
    ['the total', (of) => countStatement(of)],
    ['a bounded total', (of) => countStatement(of, 10)],
    ['the estimate', (of) => matchesStatement(of)],
  ])('binds %s', (_, statement) => {
    const of = (filter: RowFilter): string => statement(plan('Patient', 'gender=male&_sort=family', filter)).text;
    expect(of('all')).toContain('and true');
    expect(of(bound)).toMatch(/and \(r\.tokens && \$\d+::int8\[\]\)/);
    expect(of(noRows)).toContain('and false');
  });

  test.each<Way>([{ kind: 'free' }, { kind: 'gather' }, { kind: 'walk', rows: 100, otherwise: 'gather' }])(
    'binds each part of a page found by $kind',
    (way) => {
      const text = flat(pageStatement(plan('Observation', 'code=x&_sort=-date', noRows), undefined, 10, way).text);
      expect(text.match(/and false/g)).toHaveLength(way.kind === 'walk' ? 3 : 2);
      expect(text.match(/r\.tokens @> /g)).toHaveLength(way.kind === 'walk' ? 3 : 2);
    },
  );

  test('binds both phases of a sorted page', () => {
    const { text } = pageStatement(plan('Observation', '_sort=date', noRows), undefined, 10);
    expect(text.match(/and false/g)).toHaveLength(2);
  });
});

describe('conditions', () => {
  test('values joined by AND become one containment, alternatives one overlap', () => {
    expect(page(plan('Observation', 'status=final&code=a&code=b'))).toContain('r.tokens @> $1::int8[] and true');
    expect(page(plan('Observation', 'status=final,amended'))).toContain('r.tokens && $1::int8[] and true');
  });

  test('nothing of a value stands in the text of a statement', () => {
    const text = page(plan('Patient', "family=O'Brien;--&birthdate=1970&identifier=a|b%27&_id=x'y"));
    expect(text).not.toMatch(/brien|1970|x'y/i);
  });

  test('an id is found by its key and proved by itself', () => {
    const { values, text } = pageStatement(plan('Patient', '_id=a,b'), undefined, 10);
    expect(text).toContain('r.ref_key = any($1::int8[]) and r.id = any($2::text[])');
    expect(values[1]).toEqual(['a', 'b']);
  });

  test('a deleted row never matches', () => {
    expect(page(plan('Patient', ''))).toContain('not r.deleted');
    expect(countStatement(plan('Patient', '')).text).toContain('not r.deleted');
  });
});

describe('a search for one patient', () => {
  const patient = token(key, 'ref', 'Patient', '1');

  test.each([
    ['Observation', 'patient=1', true],
    ['Observation', 'patient=Patient/1', true],
    ['Observation', 'subject=Patient/1', true],
    ['Observation', 'subject:Patient=1', true],
    ['Observation', 'subject=1', false],
    ['Observation', 'subject=Device/1', false],
    ['Observation', 'patient=1,2', false],
    ['Observation', 'patient:missing=true', false],
    ['Observation', 'performer=Patient/1', false],
    ['Observation', 'patient:identifier=1', false],
    // An account may be several patients': its column is empty then.
    ['Account', 'patient=1', false],
    ['Account', 'subject=Patient/1', false],
    ['Patient', 'link=Patient/1', false],
  ])('%s?%s rides the patient column: %s', (type, query, rides) => {
    expect(plan(type, query).patient).toBe(rides ? patient : undefined);
  });

  const own = token(key, ...compartmentParts('Patient', '1'));
  const other = token(key, ...compartmentParts('Patient', '2'));
  test.each<[string, RowFilter, boolean]>([
    ['everything', 'all', true],
    ['everything but some', { anyOf: [[]], noneOf: [[[7n]]] }, true],
    ['what holds none of some tokens', { anyOf: [[{ without: [7n] }]] }, true],
    ['his record', { anyOf: [[[own]]] }, true],
    ['part of his record', { anyOf: [[[other]], [[other, own], [7n]]] }, true],
    ['another’s record', { anyOf: [[[other]]] }, false],
    ['another’s record, and of some tokens what there is', { anyOf: [[[other], { without: [own] }]] }, false],
    ['nothing', noRows, false],
  ])('rides his column for who may see %s: %s', (_, filter, rides) => {
    expect(plan('Observation', 'patient=1', filter).patient).toBe(rides ? patient : undefined);
  });

  test('is fenced, so that no plan walks the posting list of a frequent code', () => {
    expect(page(plan('Observation', 'patient=1&code=x'))).toContain('offset 0) r');
  });
});

describe('a contains of fewer than three letters', () => {
  test.each([
    'family:contains=ab',
    'family:contains=a',
    'family:contains=ab&gender:not=male',
    'family:contains=ab&active:missing=false',
    'family:contains=abc,ab',
  ])('is refused alone: %s', (query) => {
    expect(() => plan('Patient', query)).toThrow(FhirError);
  });

  test.each(['family:contains=ab&gender=male', 'family:contains=ab&birthdate=1970', 'family:contains=ab&_id=1'])(
    'is taken beside %s',
    (query) => {
      expect(plan('Patient', query).rechecks).toHaveLength(1);
    },
  );
});

describe('order', () => {
  test('without _sort is by row, and a position continues after its row', () => {
    expect(page(plan('Patient', ''))).toMatch(/order by r\.rid asc limit \$1::int$/);
    const later = flat(pageStatement(plan('Patient', ''), { position: at([], 41) }, 10).text);
    expect(later).toContain('and r.rid > $1::int8 order by r.rid asc');
    const before = flat(pageStatement(plan('Patient', ''), { position: at([], 41), backwards: true }, 10).text);
    expect(before).toContain('and r.rid < $1::int8 order by r.rid desc');
  });

  test('without _sort is by update where that is asked about: an index has those one after the other', () => {
    expect(page(plan('Patient', '_lastUpdated=ge2024'))).toContain('order by r.last_updated asc, r.rid asc');
    expect(page(plan('Patient', '_lastUpdated=ge2024&_sort=_id'))).toContain('order by r.id asc, r.rid asc');
  });

  test.each([
    ['_sort=_lastUpdated', 'order by r.last_updated asc, r.rid asc'],
    ['_sort=-_lastUpdated', 'order by r.last_updated desc, r.rid desc'],
    ['_sort=_id', 'order by r.id asc, r.rid asc'],
    ['_sort=date', 'order by r.clinical_at asc, r.rid asc'],
    ['_sort=-date', 'order by r.clinical_at desc, r.rid desc'],
    ['_sort=value-quantity', 'order by f.lo asc, r.rid asc'],
    ['_sort=-date,_id', 'order by r.clinical_at desc, r.id asc, r.rid desc'],
    ['_sort=_lastUpdated,-date', 'order by r.last_updated asc, r.clinical_at desc nulls last, r.rid asc'],
    ['_sort=-date,value-quantity', 'order by r.clinical_at desc, s1.value asc nulls last, r.rid desc'],
  ])('%s: %s', (query, order) => {
    expect(page(plan('Observation', query))).toContain(order);
  });

  test('read backwards is turned round in every part, rows without a value first', () => {
    const before = pageStatement(plan('Observation', '_sort=-date,value-quantity'), { position: at([null, '3'], 9), backwards: true }, 10);
    const text = flat(before.text);
    expect(text).toMatch(/r\.clinical_at is null .* order by s1\.value desc nulls first, r\.rid desc .* union all/);
    expect(text).toMatch(/union all .* r\.clinical_at is not null order by r\.clinical_at asc, s1\.value desc nulls first, r\.rid asc/);
  });

  test('rows without a value come after those with one, in a part of their own', () => {
    const sorted = plan('Observation', '_sort=-date');
    expect(page(sorted)).toMatch(/r\.clinical_at is not null .* union all .* r\.clinical_at is null order by r\.rid/);
    const later = flat(pageStatement(sorted, { position: at([null], 9) }, 10).text);
    expect(later).not.toContain('union all');
    expect(later).toMatch(/r\.clinical_at is null and r\.rid > /);
  });

  test('a place among several terms is spelled out, and its first value begins an index', () => {
    const sorted = plan('Observation', '_sort=-date,_id');
    const { text, values } = pageStatement(sorted, { position: at(['2024-01-01 00:00:00+00', 'x'], 9) }, 10);
    expect(flat(text)).toMatch(
      /\(r\.clinical_at <= (\$\d+)::timestamptz and \(r\.clinical_at < \1::timestamptz or \(r\.clinical_at = \1::timestamptz and \(r\.id > (\$\d+)::text or \(r\.id = \2::text and r\.rid < \$\d+::int8\)\)\)\)\)/,
    );
    expect(values).toContain('2024-01-01 00:00:00+00');
  });

  test('a page of groups ends with a whole group and is bounded', () => {
    const { text, values } = groups(plan('Patient', '_sort=family'), { position: at(['5'], 1) }, 11, 2012);
    expect(flat(text)).toMatch(/\(f\.low >= (\$\d+)::int8 and \(f\.low > \1::int8 or \(f\.low = \1::int8 and false\)\)\)/);
    expect(flat(text)).toMatch(/order by f\.low asc fetch first \(\$\d+::int\) rows with ties\) b limit \$\d+::int$/);
    expect(values.at(-1)).toBe(2012);
    const again = groups(plan('Patient', '_sort=-family'), { position: at(['5'], 1), inclusive: true }, 11, 2012);
    expect(flat(again.text)).toMatch(/f\.high < (\$\d+)::int8 or \(f\.high = \1::int8 and true\)/);
  });

  test('what no index knows is one group', () => {
    const { text } = groups(plan('Observation', '_sort=status'), undefined, 11, 2012);
    expect(text).not.toMatch(/order by|ties/);
  });
});

describe('a way', () => {
  const coded = plan('Observation', 'code=x&_sort=-date');

  test('that gathers puts what matches in order behind a fence', () => {
    const text = flat(pageStatement(coded, undefined, 11, { kind: 'gather' }).text);
    expect(text).toMatch(
      /from \(select \* from resource_observation r where .*r\.tokens @> .* offset 0\) r where r\.clinical_at is not null order by/,
    );
  });

  test('that walks ends after its rows, and gathers where that did not fill the page', () => {
    const { text, values } = pageStatement(coded, undefined, 11, { kind: 'walk', rows: 777, otherwise: 'gather' });
    expect(flat(text)).toMatch(/r\.clinical_at is not null order by r\.clinical_at desc, r\.rid desc limit \$\d+::int\) r where/);
    expect(flat(text)).toMatch(/from walked where \(select count\(\*\) from walked\) >= .* union all .* offset 0\) r .* from walked\) < /);
    expect(values).toContain(777);
  });

  test('leaves facts to a look at what was gathered', () => {
    const facts = plan('Observation', 'code=x&value-quantity=5&_sort=-date');
    expect(page(facts)).not.toContain('offset 0');
    const walk = flat(pageStatement(facts, undefined, 11, { kind: 'walk', rows: 500, otherwise: 'gather' }).text);
    expect(walk).toMatch(/limit \$\d+::int\) r where .*fact_quantity f .* offset 0\)/);
    expect(walk).toMatch(
      /\(select \* from resource_observation r where .*r\.tokens @> [^f]* offset 0\) r where exists \(select from fact_quantity/,
    );
    expect(flat(pageStatement(facts, undefined, 11, { kind: 'walk', rows: 500, otherwise: 'free' }).text)).not.toMatch(
      /offset 0\) r where exists/,
    );
  });

  test('of facts walks those of one element', () => {
    const text = flat(
      pageStatement(plan('Observation', 'code=x&_sort=-value-quantity'), undefined, 11, { kind: 'walk', rows: 5, otherwise: 'gather' })
        .text,
    );
    expect(text).toMatch(
      /from \(select r\.\*, f\.lo as walked from resource_observation r join fact_quantity f on .* order by f\.lo desc, r\.rid desc limit/,
    );
    expect(text).toMatch(/order by r\.walked desc, r\.rid desc limit/);
  });
});

describe('a bound on the date that a search sorts by', () => {
  test.each(['le2024', 'ge2024', '2024-05'])('is asked of the facts that it sorts by: %s', (date) => {
    const bounded = plan('Observation', `code=x&date=${date}&_sort=-date`);
    const text = page(bounded);
    expect(text).toMatch(/join fact_date f on f\.rid = r\.rid and f\.param = .* order by f\.lo desc, r\.rid desc/);
    expect(text).not.toMatch(/union all|clinical_at|exists/);
  });

  test.each([
    'date=le2024,ge2025&_sort=-date',
    'date:missing=false&_sort=date',
    'date=ne2024&_sort=date',
    'date=ge2024&_sort=_id',
    'date=ge2024',
    'patient=1&date=ge2024&_sort=date',
  ])('is a condition as any other: %s', (query) => {
    expect(page(plan('Observation', query))).not.toContain('join fact_date');
  });
});

describe('the way to a page', () => {
  const statistics = (share: number, rows = 1_000_000) => ({ rows, shareOf: () => share });
  const way = (query: string, share: number | undefined, filter: RowFilter = 'all') =>
    wayOf(plan('Observation', query, filter), 11, share === undefined ? undefined : statistics(share));

  test('is a walk where tokens are frequent and an index has the order', () => {
    for (const order of ['', '&_sort=-date', '&_sort=_lastUpdated', '&_sort=-value-quantity', '&_sort=-date,_id'])
      expect(way(`code=x${order}`, 0.2), order).toEqual({ kind: 'walk', rows: 10_000, otherwise: 'gather' });
    expect(way('code=x&_sort=-date', 0.01)).toEqual({ kind: 'walk', rows: 4400, otherwise: 'gather' });
    for (const order of ['_id', 'status', '_id,-date', '-date,value-quantity', 'value-string'])
      expect(way(`code=x&_sort=${order}`, 0.2)).toEqual({ kind: 'free' });
  });

  test('gathers what is rare, whatever the order', () => {
    for (const order of ['', '&_sort=-date', '&_sort=_id', '&_sort=value-string', '&_sort=status'])
      expect(way(`code=x${order}`, 0.0001), order).toEqual({ kind: 'gather' });
    expect(way('code=x&date=ge2020&_sort=-date', 0.0001)).toEqual({ kind: 'gather' });
  });

  test('is PostgreSQL’s choice where no token selects', () => {
    for (const query of ['', '_sort=-date', 'value-quantity=gt5&_sort=-date', 'patient=1&code=x', 'code=x&_id=1'])
      expect(way(query, 0.2), query).toEqual({ kind: 'free' });
  });

  test('is a short walk where a range of facts alone selects', () => {
    expect(way('date=ge2020', 0.2)).toEqual({ kind: 'walk', rows: 1000, otherwise: 'gather' });
  });

  test('counts the caller’s filter among the tokens', () => {
    const bound: RowFilter = { anyOf: [[[7n]]] };
    expect(way('_sort=-date', 0.0001, bound)).toEqual({ kind: 'gather' });
    expect(way('_sort=-date', 0.5, bound).kind).toBe('walk');
  });

  test('begins with a short walk where nothing is known', () => {
    expect(way('code=x&_sort=-date', undefined)).toEqual({ kind: 'walk', rows: 1000, otherwise: 'gather' });
    expect(way('code=x&_sort=_id', undefined)).toEqual({ kind: 'free' });
  });

  test('leaves many candidates with facts to PostgreSQL after a walk in vain', () => {
    expect(way('code=x&value-quantity=5&_sort=-date', 0.2)).toEqual({ kind: 'walk', rows: 10_000, otherwise: 'free' });
    expect(way('code=x&value-quantity=5&_sort=-date', 0.03)).toMatchObject({ kind: 'walk', otherwise: 'gather' });
  });
});

describe('a short search', () => {
  const short = (query: string, share: number | undefined): boolean => {
    const known = share === undefined ? undefined : { rows: 1_000_000, shareOf: () => share };
    return isShort(plan('Observation', query), 11, known);
  };

  test.each(['patient=1', 'patient=1&code=x&_sort=-date', 'patient=1&date=ge2020'])('is one of a patient’s rows: %s', (query) => {
    expect([short(query, 0.5), short(query, undefined)]).toEqual([true, true]);
  });

  test.each(['code=x', 'code=x&_sort=-date', 'code=x&_sort=_id', 'code=x&date=ge2020', 'code=urn:x|y&value-quantity=gt5'])(
    'is one of rare tokens: %s',
    (query) => {
      expect([short(query, 0.0001), short(query, 0.05)]).toEqual([true, false]);
    },
  );

  test.each([
    '',
    '_sort=-date',
    'date=ge2020',
    'value-quantity=gt5',
    'status:not=x',
    'code=x&_sort=value-quantity',
    'code=x&_sort=status',
    'subject:Patient.gender=male',
  ])('is none without: %s', (query) => {
    expect(short(query, 0.0001)).toBe(false);
  });
});

describe('candidates from a range of facts', () => {
  const driven = (of: Plan): boolean => /from \(select distinct f\.rid|from fact_(?:quantity|date) f where f\.param/.test(page(of));

  test.each(['code=urn:a|x&value-quantity=gt5', 'code-value-quantity=urn:a|x$gt5', 'date=ge2020'])(
    'are for a caller who may see every row, and not for a restricted one, whose search would take time by the rows of others: %s',
    (query) => {
      expect(driven(plan('Observation', query))).toBe(true);
      expect(driven(plan('Observation', query, { anyOf: [[[7n]]] }))).toBe(false);
    },
  );
});
