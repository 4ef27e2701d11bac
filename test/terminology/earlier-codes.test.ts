import { expect, test } from 'vitest';
import { makeTerminology } from '../../src/terminology/terminology.ts';
import { conformanceOf } from './conformance-of.ts';

const url = 'http://terminology.hl7.org/CodeSystem/colours';
const copy = {
  resourceType: 'CodeSystem',
  url,
  version: '4.0.1',
  content: 'complete',
  concept: [
    {
      code: 'warm',
      display: 'Warm',
      concept: [
        { code: 'red', display: 'Red' },
        { code: 'gone', display: 'Gone' },
      ],
    },
  ],
};
const published = {
  ...copy,
  version: '1.0.0',
  concept: [
    {
      code: 'warm',
      display: 'Warm',
      concept: [
        { code: 'red', display: 'Crimson' },
        { code: 'new', display: 'New' },
      ],
    },
  ],
};
const valueSet = {
  resourceType: 'ValueSet',
  url: 'http://x.org/vs',
  compose: { include: [{ system: url, filter: [{ property: 'concept', op: 'is-a', value: 'warm' }] }] },
};

test("what R4's copy of a code system alone has is right too: its codes as retired, its displays", async () => {
  const { checker } = makeTerminology({ conformance: conformanceOf([copy, published, valueSet]) });
  const codes = ['red', 'new', 'gone', 'never'];
  expect(await checker.later(codes.map((code) => ({ valueSet: valueSet.url, system: url, code })))).toMatchObject([
    { kind: 'in', displays: ['Crimson', 'Red'] },
    { kind: 'in', displays: ['New'] },
    { kind: 'in', displays: ['Gone'], inactive: true },
    { kind: 'out', unknown: true },
  ]);
});

test('but not where a value set names the version', async () => {
  const only = (version: string): object => ({
    ...valueSet,
    url: `http://x.org/${version}`,
    compose: { include: [{ system: url, version }] },
  });
  const { checker } = makeTerminology({ conformance: conformanceOf([copy, published, only('4.0.1'), only('1.0.0')]) });
  const kinds = async (version: string): Promise<string[]> => {
    const verdicts = await checker.later(['new', 'gone'].map((code) => ({ valueSet: `http://x.org/${version}`, system: url, code })));
    return verdicts.map(({ kind }) => kind);
  };
  expect(await kinds('4.0.1')).toEqual(['out', 'in']);
  expect(await kinds('1.0.0')).toEqual(['in', 'out']);
});
