import { describe, expect, test } from 'vitest';
import { FhirError } from '../../src/fhir/error.ts';
import type { JsonObject } from '../../src/fhir/json.ts';
import { compileInvariant } from '../../src/fhirpath/compile-invariant.ts';
import { typesFrom } from '../../src/fhirpath/evaluate/item.ts';
import { ask, askOf, scopeOf } from './invariant-schema.ts';
import { miniSchema } from './mini-schema.ts';

const extension = { extension: [{ url: 'urn:a', valueString: 'x' }] };

describe('compileInvariant', () => {
  describe('what a result means', () => {
    test.each<[string, JsonObject, boolean | undefined]>([
      ['true', {}, true],
      ['false', {}, false],
      ['{}', {}, false],
      ['status', {}, false],
      ['status', { status: 'a' }, true],
      ['given', { given: ['a', 'b'] }, true],
      ['flag', { flag: false }, false],
      ['flag', { _flag: extension }, false],
      ['1', {}, true],
    ])('%s of %j is %s', (expression, members, expected) => {
      expect(ask(expression, members)).toBe(expected);
    });
  });

  describe('logic with three values', () => {
    const values: Record<string, boolean | undefined> = { true: true, false: false, flag: undefined };
    const names = Object.keys(values);
    const rules: Record<string, (a: boolean | undefined, b: boolean | undefined) => boolean | undefined> = {
      and: (a, b) => (a === false || b === false ? false : a === undefined || b === undefined ? undefined : true),
      or: (a, b) => (a === true || b === true ? true : a === undefined || b === undefined ? undefined : false),
      xor: (a, b) => (a === undefined || b === undefined ? undefined : a !== b),
      implies: (a, b) => (a === false || b === true ? true : a === undefined || b === undefined ? undefined : b),
    };
    const table = Object.keys(rules).flatMap((operator) => names.flatMap((a) => names.map((b) => [a, operator, b] as const)));
    test.each(table)('%s %s %s', (a, operator, b) => {
      const expected = rules[operator]?.(values[a], values[b]);
      expect(ask(`(${a} ${operator} ${b}) = true`)).toBe(expected === true);
      expect(ask(`(${a} ${operator} ${b}) = false`)).toBe(expected === false);
      expect(ask(`(${a} ${operator} ${b}).empty()`)).toBe(expected === undefined);
    });

    test('what can’t be told matters only if the other side leaves it open', () => {
      const unknown = "status.memberOf('urn:vs')";
      const members = { status: 'a' };
      expect(ask(unknown, members)).toBe(undefined);
      expect(ask(`${unknown} or true`, members)).toBe(true);
      expect(ask(`true or ${unknown}`, members)).toBe(true);
      expect(ask(`${unknown} or false`, members)).toBe(undefined);
      expect(ask(`${unknown} and false`, members)).toBe(false);
      expect(ask(`${unknown} and true`, members)).toBe(undefined);
      expect(ask(`${unknown} implies true`, members)).toBe(true);
    });
  });

  describe('equality and order', () => {
    test.each<[string, JsonObject, boolean | 'empty' | undefined]>([
      ['given = given', { given: ['a', 'b'] }, true],
      ["given = ('a' | 'b')", { given: ['b', 'a'] }, false],
      ["given ~ ('a' | 'b')", { given: ['B ', 'a'] }, true],
      ["given = 'a'", { given: ['a', 'b'] }, false],
      ["status = 'a'", {}, 'empty'],
      ["status != 'a'", {}, 'empty'],
      ["status != 'a'", { status: 'b' }, true],
      // An element and a text: never equal.
      ["concept = 'a'", { concept: [{ text: 'a' }] }, false],
      [
        'concept[0] = concept[1]',
        {
          concept: [
            { text: 'a', coding: [{ system: 's', code: 'c' }] },
            { coding: [{ code: 'c', system: 's' }], text: 'a' },
          ],
        },
        true,
      ],
      ["born = '1974-12-25'", { born: '1974-12-25' }, true],
      ['start = end', { start: '2020-01-01T10:00:00Z', end: '2020-01-01T12:00:00+02:00' }, true],
      ['start = end', { start: '2020-01-01T10:00:00Z', end: '2020-01-01T10:00:00.000Z' }, true],
      ['start = end', { start: '2020-01-01', end: '2020-01-01T10:00:00Z' }, 'empty'],
      ['start = end', { start: '2020', end: '2021-01' }, false],
      ['start <= end', { start: '2020-01-01', end: '2020-01-02' }, true],
      ['start <= end', { start: '2020-01-01', end: '2020-01-01' }, true],
      ['start < end', { start: '2020-01', end: '2020-01-02' }, 'empty'],
      ['start < end', { start: '2020-01-01T23:00:00-05:00', end: '2020-01-02T03:59:59Z' }, false],
      ['born < @2000-01-01', { born: '1999-12-31' }, true],
      ['start < @2000-01-01T10:00:00Z', { start: '2000-01-01T09:00:00Z' }, true],
      ['at > @T09:30', { at: '09:45:00' }, true],
      ['count > 2', { count: 3 }, true],
      ['count > 2', {}, 'empty'],
      ['-count < 0', { count: 3 }, true],
      ["status > 'a'", { status: 'b' }, true],
      ['part.low <= part.high', { part: [{ low: { value: 1, unit: 'm' }, high: { value: 2, unit: 'm' } }] }, true],
      ['part.low <= part.high', { part: [{ low: { value: 3, code: 'm' }, high: { value: 2, code: 'm' } }] }, false],
      ['part.low <= part.high', { part: [{ low: { unit: 'm' }, high: { value: 2, unit: 'm' } }] }, 'empty'],
      // Nobody knows how these compare.
      ['part.low <= part.high', { part: [{ low: { value: 1, unit: 'ells' }, high: { value: 2, unit: 'feet' } }] }, undefined],
      ["'a' in given", { given: ['b', 'a'] }, true],
      ["given contains 'c'", { given: ['b', 'a'] }, false],
      ["status in ('a' | 'b')", {}, 'empty'],
      ["status in 'a' | 'b'", { status: 'b' }, true],
    ])('%s of %j is %s', (expression, members, expected) => {
      expect(ask(expression, members)).toBe(expected === 'empty' ? false : expected);
      if (expected !== undefined) expect(ask(`(${expression}).empty()`, members)).toBe(expected === 'empty');
    });

    test('quantities of different units are compared in base units', () => {
      const part = [
        {
          low: { value: 900, system: 'http://unitsofmeasure.org', code: 'mg' },
          high: { value: 1, system: 'http://unitsofmeasure.org', code: 'g' },
        },
      ];
      const factors: Record<string, number> = { g: 1, mg: 0.001 };
      const inCanonical = (value: number, code: string) => ({
        value: value * (factors[code] ?? 0),
        unit: code === 'm' ? 'm' : 'g',
        error: 1e-12,
      });
      expect(ask('part.low <= part.high', { part }, { inCanonical })).toBe(true);
      expect(ask('part.low >= part.high', { part }, { inCanonical })).toBe(false);
      expect(ask('part.low <= part.high', { part })).toBe(undefined);
    });
  });

  describe('functions', () => {
    test.each<[string, JsonObject, boolean | undefined]>([
      ['given.exists()', { given: [] }, false],
      ["given.exists($this = 'b')", { given: ['a', 'b'] }, true],
      ['given.all(length() < 2)', { given: ['a', 'bc'] }, false],
      ['given.all(false)', {}, true],
      ['given.empty()', {}, true],
      ['flag.not()', { flag: false }, true],
      ['flag.not()', {}, false],
      ['given.count() = 2', { given: ['a', 'b'] }, true],
      ['given.isDistinct()', { given: ['a', 'a'] }, false],
      ['given.distinct().count() = 1', { given: ['a', 'a'] }, true],
      ["given.first() = 'a' and given.last() = 'c' and given.tail().count() = 2", { given: ['a', 'b', 'c'] }, true],
      ["given[1] = 'b' and given[count] = 'c' and given[9].empty()", { given: ['a', 'b', 'c'], count: 2 }, true],
      ["given.skip(1).take(1) = 'b'", { given: ['a', 'b', 'c'] }, true],
      ['given.single().exists()', { given: ['a', 'b'] }, undefined],
      ['given.where($index = 1).count() = 1', { given: ['a', 'b', 'c'] }, true],
      ["given.select($this & '!') contains 'b!'", { given: ['a', 'b'] }, true],
      ['(given | given).count() = 2', { given: ['a', 'a', 'b'] }, true],
      ['given.combine(given).count() = 4', { given: ['a', 'b'] }, true],
      ["given.intersect('b' | 'c') = 'b'", { given: ['a', 'b'] }, true],
      ["given.exclude('b') = 'a'", { given: ['a', 'b'] }, true],
      ["('a' | 'b').subsetOf(given) and given.supersetOf('a')", { given: ['a', 'b'] }, true],
      ["given.subsetOf('a' | 'b') and ('a' | 'b').supersetOf(given)", { given: ['a', 'a', 'b'] }, true],
      ['number.all($this > 1)', { number: [2, 3] }, true],
      ['number.select($this > 2).allFalse()', { number: [1, 2] }, true],
      ['number.select($this > 1).anyTrue()', { number: [1, 2] }, true],
      ['part.repeat(part).name.count() = 3', { part: [{ name: 'a', part: [{ name: 'b', part: [{ name: 'c' }] }, { name: 'd' }] }] }, true],
      ['descendants().name.count() = 2', { part: [{ name: 'a', part: [{ name: 'b' }] }] }, true],
      ['children().count() = 3', { given: ['a', 'b'], status: 'c' }, true],
      ['iif(status.exists(), true, false)', { status: 'a' }, true],
      ['status.iif(empty(), true, length() > 1)', {}, true],
      ['status.iif(empty(), true, length() > 1)', { status: 'ab' }, true],
      ["status.trace('x').exists()", { status: 'a' }, true],
      // Texts
      ["status.startsWith('ab') and status.endsWith('bc') and status.contains('b')", { status: 'abc' }, true],
      ["status.startsWith('a').empty()", {}, true],
      ["status.substring(1) = 'bc' and status.substring(1, 1) = 'b' and status.substring(3).empty()", { status: 'abc' }, true],
      ["status.indexOf('c') = 2 and status.length() = 3", { status: 'abc' }, true],
      ["status.replace('b', 'x') = 'axc' and status.upper().lower() = 'abc'", { status: 'abc' }, true],
      ["status.replaceMatches('[bc]', 'x') = 'axx'", { status: 'abc' }, true],
      ["status.split('.').last() = 'c'", { status: 'a.b.c' }, true],
      ["given.join('-') = 'a-b' and 'ab'.toChars().count() = 2", { given: ['a', 'b'] }, true],
      ["status.matches('b')", { status: 'abc' }, true],
      ["status.matches('^b$')", { status: 'abc' }, false],
      ["given.startsWith('a')", { given: ['a', 'b'] }, undefined],
      ["'12'.toInteger() = 12 and 'x'.toInteger().empty() and '1.5'.toDecimal() = 1.5 and 'true'.toBoolean()", {}, true],
      ["price.toString() = '1.5' and flag.toString() = 'true'", { price: 1.5, flag: true }, true],
      // Numbers
      ['count + 1 = 4 and count - 1 = 2 and count * 2 = 6 and count / 2 = 1.5 and count div 2 = 1 and count mod 2 = 1', { count: 3 }, true],
      ['(count / 0).empty() and (count + {}).empty()', { count: 3 }, true],
      ["'a' + 'b' = 'ab' and 'a' & {} = 'a'", {}, true],
      ["count + 'a' = 1", { count: 3 }, undefined],
      ['price.floor() = 1 and price.ceiling() = 2 and (-price).abs() = price and price.truncate() = 1', { price: 1.5 }, true],
      // Types
      ['value is Quantity', { valueQuantity: { value: 1 } }, true],
      ['value is string', { valueQuantity: { value: 1 } }, false],
      ['value is Boolean', { valueBoolean: false }, true],
      ['value is string', {}, false],
      [
        'value.ofType(Quantity).value = 1 and (value as Quantity).value = 1 and value.as(string).empty()',
        { valueQuantity: { value: 1 } },
        true,
      ],
      ['valueQuantity.exists()', { valueQuantity: { value: 1 } }, true],
      ['Sample.status.exists() and Other.status.empty()', { status: 'a' }, true],
      ['status is string', { status: 'a' }, true],
      ['contained.first() is Other and contained.who.exists()', { contained: [{ resourceType: 'Other', who: { reference: '#' } }] }, true],
      ['contained.all($this is DomainResource)', { contained: [{ resourceType: 'Other' }, { resourceType: 'Sample' }] }, true],
      // Variables
      [
        "%resource.status = 'a' and part.all(%resource.status = 'a' and %context.status = 'a')",
        { status: 'a', part: [{ name: 'x' }] },
        true,
      ],
      ["%ucum = 'http://unitsofmeasure.org' and %loinc = 'http://loinc.org' and %sct.exists()", {}, true],
      ["%`vs-a-b` = 'http://hl7.org/fhir/ValueSet/a-b' and %'ext-c' = 'http://hl7.org/fhir/StructureDefinition/c'", {}, true],
      // Comments
      ["status /* that is */ = 'a' // so", { status: 'a' }, true],
      ['htmlChecks()', {}, true],
    ])('%s of %j is %s', (expression, members, expected) => {
      expect(ask(expression, members)).toBe(expected);
    });
  });

  describe('primitives with extensions', () => {
    test.each<[string, JsonObject, boolean]>([
      ["born.extension('urn:a').exists()", { born: '2000-01-01', _born: extension }, true],
      ["born.extension('urn:a').value = 'x'", { _born: extension }, true],
      ["born.extension.where(url = 'urn:a').value = 'x'", { _born: extension }, true],
      ["born.extension('urn:b').exists()", { _born: extension }, false],
      ['born.exists() and born.hasValue().not()', { _born: extension }, true],
      ['born.hasValue()', { born: '2000-01-01' }, true],
      ['part.hasValue()', { part: [{ name: 'x' }] }, false],
      ['(born < @2000-01-01).empty()', { _born: extension }, true],
      [
        'given.count() = 3 and given[1].extension.exists() and given[2].hasValue()',
        { given: ['a', null, 'b'], _given: [null, extension] },
        true,
      ],
      ['children().count() = 2', { born: '2000-01-01', _born: extension, status: 'a' }, true],
      ["descendants().where(url = 'urn:a').exists()", { _born: extension }, true],
      ["born.hasExtension('urn:a')", { _born: extension }, true],
    ])('%s of %j is %s', (expression, members, expected) => {
      expect(ask(expression, members)).toBe(expected);
    });

    test('an invariant of a primitive itself sees what stands beside it', () => {
      const scope = scopeOf({ resourceType: 'Sample' });
      const ele1 = 'hasValue() or (children().count() > id.count())';
      expect(askOf('date', ele1, '2000-01-01', scope)).toBe(true);
      expect(askOf('date', ele1, undefined, scope, extension)).toBe(true);
      expect(askOf('date', ele1, undefined, scope, { id: 'a' })).toBe(false);
      expect(askOf('Sample.part', ele1, { name: 'a' }, scope)).toBe(true);
      expect(askOf('Sample.part', ele1, {}, scope)).toBe(false);
      expect(askOf('dateTime', '($this as dateTime).toString().length() >= 8', '2020-01-01', scope)).toBe(true);
      expect(askOf('dateTime', '($this as dateTime).toString().length() >= 8', '2020', scope)).toBe(false);
    });
  });

  test('what has another shape than its type says isn’t there', () => {
    expect(ask('status.empty() and given.empty() and part.empty()', { status: 1, given: 'a', part: [1] })).toBe(true);
    expect(ask('status.empty()', { status: null })).toBe(true);
  });

  test('numbers are texts as they were written, where that is known', () => {
    const literal = (): string => '1.0';
    expect(ask("price.toString().contains('.')", { price: 1 }, { literal })).toBe(true);
    expect(ask("price.toString().contains('.')", { price: 1 })).toBe(false);
  });

  describe('resolve()', () => {
    const other = { resourceType: 'Other', id: 'o', who: { reference: 'Sample/1' } };
    const resolve = (reference: string): JsonObject | undefined => (reference === '#o' ? other : undefined);
    test.each<[string, string, boolean | undefined]>([
      ['who.resolve() is Other', '#o', true],
      ['who.resolve().who.exists()', '#o', true],
      ['who.resolve() is Sample', '#o', false],
      // It isn't here, but what it is is known.
      ['who.resolve() is Sample', 'Sample/1', true],
      ['who.resolve() is Other', 'https://example.org/fhir/Sample/1/_history/2', false],
      ['who.resolve().ofType(Sample).exists()', 'Sample/1', true],
      ['who.resolve().status.exists()', 'Sample/1', undefined],
      ['who.resolve().empty()', 'urn:uuid:6a6b6c6d-0000-4000-8000-000000000000', true],
      ['who.resolve().iif(empty(), true, ofType(Other).exists())', 'Sample/1', false],
    ])('%s of %s is %s', (expression, reference, expected) => {
      expect(ask(expression, { who: { reference } }, { resolve })).toBe(expected);
    });

    test('the type given with a reference counts where its text tells none', () => {
      expect(ask('who.resolve() is Sample', { who: { reference: 'urn:uuid:1', type: 'Sample' } })).toBe(true);
    });
  });

  describe('memberOf() and conformsTo()', () => {
    const memberOf = (valueSet: string, system: string | undefined, code: string): boolean | undefined =>
      valueSet === 'urn:vs' ? code === 'in' && system !== 'urn:unknown' : undefined;
    test.each<[string, JsonObject, boolean | undefined]>([
      ["status.memberOf('urn:vs')", { status: 'in' }, true],
      ["status.memberOf('urn:vs')", { status: 'out' }, false],
      ["status.memberOf('urn:vs')", {}, false],
      ["status.memberOf('urn:other')", { status: 'in' }, undefined],
      [
        "concept.memberOf('urn:vs')",
        {
          concept: [
            {
              coding: [
                { system: 'a', code: 'out' },
                { system: 'a', code: 'in' },
              ],
            },
          ],
        },
        true,
      ],
      ["concept.memberOf('urn:vs')", { concept: [{ text: 'a' }] }, false],
      ["concept.coding.where(memberOf('urn:vs')).exists()", { concept: [{ coding: [{ code: 'in' }] }] }, true],
      // As HL7's validator: of several items it is not asked.
      ["concept.memberOf('urn:vs').empty()", { concept: [{ coding: [{ code: 'in' }] }, { coding: [{ code: 'in' }] }] }, true],
      ["conformsTo('urn:profile')", {}, true],
      ["conformsTo('urn:unknown')", {}, undefined],
      ["subsumes('a')", {}, undefined],
    ])('%s of %j is %s', (expression, members, expected) => {
      const conformsTo = (profile: string): boolean | undefined => (profile === 'urn:profile' ? true : undefined);
      expect(ask(expression, members, { memberOf, conformsTo })).toBe(expected);
    });
  });

  test('what begins at a variable is found once for all items', () => {
    const part = Array.from({ length: 3000 }, (_, index) => ({ name: `n${index}` }));
    const start = performance.now();
    expect(ask('part.all(%resource.descendants().name.count() = 3000)', { part })).toBe(true);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test('what would take too long can’t be told', () => {
    const part = Array.from({ length: 3000 }, (_, index) => ({ name: `n${index}` }));
    const start = performance.now();
    expect(ask('part.all(%resource.part.skip($index).name.count() > 0)', { part })).toBe(undefined);
    expect(ask('part.all(name in %resource.part.name)', { part })).toBe(true);
    expect(performance.now() - start).toBeLessThan(3000);
  });

  test.each([
    "status.repeat($this & 'a').empty()",
    'status.repeat($this & $this).empty()',
    "status.replace('', status.replace('', status.replace('', status))).length() > 0",
    "status.replaceMatches('a', status.replaceMatches('a', status)).length() > 0",
    'status.toChars().select(%resource.status.toChars().select(%resource.status)).join().length() > 0',
    "status.matches('(a?){500}(a?){500}$')",
  ])('%s comes to an end', (expression) => {
    const start = performance.now();
    expect(ask(expression, { status: 'a'.repeat(2000) })).not.toBe(false);
    expect(performance.now() - start).toBeLessThan(3000);
  });

  test('what a resource has beyond its type is no child', () => {
    expect(ask('children().count() = 3', { status: 'a', unknown: 1, _other: {} })).toBe(true); // counted without looking
    expect(ask('children().select($this).count() = 1', { status: 'a', unknown: 1, _other: {} })).toBe(true);
    const schema = miniSchema({ Sample: { kind: 'resource', elements: { status: 'string' } }, string: { kind: 'primitive' } });
    const resource = { resourceType: 'Sample', ...Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`x${index}`, 1])) };
    compileInvariant('descendants().exists()', 'Sample', schema)?.(resource, scopeOf(resource));
    expect(typesFrom(schema).of('Sample').members.size).toBe(0);
  });

  test('all invariants of a scope draw on one budget', () => {
    const budget = { left: 20_000 };
    const part = Array.from({ length: 3000 }, (_, index) => ({ name: `n${index}` }));
    expect(ask('part.name.count() = 3000', { part }, { budget })).toBe(true);
    expect(budget.left).toBeLessThan(15_000);
    expect(ask('part.name.count() = 3000', { part }, { budget })).toBe(true);
    expect(ask('part.all(name.exists())', { part }, { budget })).toBe(true);
    expect(ask('part.name.count() = 3000', { part }, { budget })).toBe(undefined);
    expect(budget.left).toBeLessThan(0);
    expect(ask('true', {}, { budget })).toBe(undefined);
  });

  test.each([
    ['parentheses', '('.repeat(4000) + 'status' + ')'.repeat(4000)],
    ['conditions', `${'part.where('.repeat(200)}true${')'.repeat(200)}`],
    ['length', `status = '${'a'.repeat(6000)}'`],
  ])('an expression of too much %s is refused', (_, expression) => {
    expect(() => ask(expression)).toThrow(FhirError);
  });

  test.each([
    ['members', `part${'.part'.repeat(990)}.exists()`],
    ['signs', `${'-'.repeat(4900)}1 = 1`],
    ['operators', `true${' and true'.repeat(500)}`],
  ])('one of many %s is evaluated', (_, expression) => {
    expect(ask(expression)).toBe(!expression.startsWith('part'));
  });

  test('what is no FHIRPath is left to the library, which isn’t loaded', () => {
    const schema = () => undefined;
    expect(compileInvariant('a b', 'Sample', schema)).toBe(undefined);
    expect(compileInvariant("value > 4 'mg'", 'Sample', schema)).toBe(undefined);
    expect(compileInvariant('unknownFunction()', 'Sample', schema)).toBe(undefined);
  });
});
