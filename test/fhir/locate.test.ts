import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { issue } from '../../src/fhir/error.ts';
import { withPositions } from '../../src/fhir/locate.ts';

const patient = `{
  "resourceType": "Patient",
  "id": "1",
  "name": [
    { "family": "A", "given": ["B", "C"], "_given": [null, { "id": "x" }] },
    {"family": "D \\" } ] ,", "period": {"start": "2020"}}
  ],
  "birthDate": "1970-01-01",
  "_birthDate": { "extension": [{ "url": "http://example.org/time" }] },
  "deceasedBoolean": false,
  "contact": []
}`;

const at = (expression: string, text = patient, prefix = ''): string => {
  const [found] = withPositions([issue('value', 'any', 'Any.', expression)], text, prefix);
  return found?.position === undefined ? 'nowhere' : `${found.position.line}:${found.position.column}`;
};

describe('the position of a fault', () => {
  test.each([
    ['the resource', 'Patient', '1:1'],
    ['a member, at its name', 'Patient.id', '3:3'],
    ['an item, at its start', 'Patient.name[1]', '6:5'],
    ['a member of an item', 'Patient.name[1].period.start', '6:41'],
    ['an item among primitives', 'Patient.name[0].given[1]', '5:37'],
    ['what is missing, at what should hold it', 'Patient.name[1].period.end', '6:30'],
    ['what is missing at the top, at the resource', 'Patient.gender', '1:1'],
    ['an item beyond the end, at the array', 'Patient.contact[3].name', '11:3'],
    ['an extension of a primitive', 'Patient.birthDate.extension[0].url', '9:35'],
    ['an extension of an item among primitives', 'Patient.name[0].given[1].id', '5:62'],
    ['a choice by its name alone', 'Patient.deceased', '10:3'],
    ['a path without indices, at the first that has it', 'Patient.name.period', '6:30'],
    ['a path behind functions', 'Patient.ofType(Patient).name[0].family', '5:7'],
    ['a function, at what it is applied to', "Patient.name[1].where(use = 'old').family", '6:5'],
  ])('%s', (_, expression, position) => {
    expect(at(expression)).toBe(position);
  });

  test('is told within a Bundle, through the type of the entry', () => {
    const bundle = '{"resourceType":"Bundle","entry":[\n{"resource":{"resourceType":"Patient","name":[{}]}}]}';
    expect(at('Bundle.entry[0].resource.ofType(Patient).name[0]', bundle)).toBe('2:47');
  });

  test('is told within the parameter that the resource is', () => {
    const parameters =
      '{"resourceType":"Parameters","parameter":[{"name":"resource",\n"resource":{"resourceType":"Patient",\n"name":[{}]}}]}';
    expect(at('Patient.name[0]', parameters, 'Parameters.parameter[0].resource')).toBe('3:9');
    expect(at('Patient.gender', parameters, 'Parameters.parameter[0].resource')).toBe('2:1');
  });

  test('stays what it was where it is known, and absent where the issue has no expression', () => {
    const known = { ...issue('value', 'any', 'Any.', 'Patient.id'), position: { line: 7, column: 8 } };
    const bare = issue('value', 'any', 'Any.');
    expect(withPositions([known, bare], patient)).toEqual([known, bare]);
  });

  test('is told of many in one pass, each for itself', () => {
    const issues = ['Patient.id', 'Patient.name[0].family', 'Patient.contact'].map((expression) =>
      issue('value', 'any', 'Any.', expression),
    );
    expect(withPositions(issues, patient).map(({ position }) => position?.line)).toEqual([3, 5, 11]);
  });

  test('is where the value stands, for every value of any document', () => {
    const name = fc.stringMatching(/^[a-z]{1,3}$/);
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        fc.string(),
        fc.integer(),
        fc.constant(null),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(name, tie('tree'), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(name, tree, { minKeys: 1, maxKeys: 4 }), fc.constantFrom(undefined, 1, '\t'), (document, indent) => {
        const text = JSON.stringify(document, undefined, indent);
        const lines = text.split('\n');
        for (const { path, value } of placesIn(document, 'Any')) {
          const [found] = withPositions([issue('value', 'any', 'Any.', path)], text);
          const { line = 0, column = 0 } = found?.position ?? {};
          const rest = [lines[line - 1]?.slice(column - 1), ...lines.slice(line)].join('\n');
          const expected = JSON.stringify(value);
          const packed = JSON.stringify(firstValue(rest, path.endsWith(']')));
          if (packed !== expected) throw new Error(`${path} in ${text}: ${packed} is not ${expected}`);
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** Every member and item with its path. An array right within an array has no path in FHIRPath. */
function placesIn(value: unknown, path: string): { path: string; value: unknown }[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Array.isArray(value)
    ? value.map((item, index): [string, unknown] => [`${path}[${index}]`, item])
    : Object.entries(value).map(([name, member]): [string, unknown] => [`${path}.${name}`, member]);
  return inner.flatMap(([place, member]) => [{ path: place, value: member }, ...placesIn(member, place)]);
}

/** The JSON value at the start of a text, behind its name unless it is an item. */
function firstValue(text: string, isItem: boolean): unknown {
  const behindName = isItem ? text : text.slice(text.indexOf(':') + 1);
  for (let end = 1; end <= behindName.length; end++) {
    const next = behindName.charAt(end);
    if (!/[,\]}\s]/.test(next) && next !== '') continue;
    try {
      return JSON.parse(behindName.slice(0, end));
    } catch {
      // Not yet the end of the value.
    }
  }
  throw new Error('no value');
}
