import { describe, expect, test } from 'vitest';
import { type Include, impliedSystems } from '../../src/definitions/implied-systems.ts';

const systemOf = (valueSets: Record<string, readonly Include[]>, name = 'vs'): string | undefined =>
  impliedSystems(new Map(Object.entries(valueSets)))[name];

const from = (system: string): Include => ({ system, valueSets: [] });
const importing = (...valueSets: string[]): Include => ({ valueSets });

describe('impliedSystems', () => {
  test.each<[string, Record<string, readonly Include[]>, string | undefined]>([
    ['one system', { vs: [from('a')] }, 'a'],
    ['one system twice', { vs: [from('a'), from('a')] }, 'a'],
    ['two systems', { vs: [from('a'), from('b')] }, undefined],
    ['an import of one system', { vs: [importing('other')], other: [from('a')] }, 'a'],
    ['an import of another system', { vs: [from('b'), importing('other')], other: [from('a')] }, undefined],
    ['a system narrowed by an import', { vs: [{ system: 'a', valueSets: ['other'] }], other: [from('b')] }, 'a'],
    ['an import that is not known', { vs: [from('a'), importing('nowhere')] }, undefined],
    ['nothing included', { vs: [] }, undefined],
    ['a circle with one system', { vs: [importing('other'), from('a')], other: [importing('vs')] }, 'a'],
    ['only itself', { vs: [importing('vs')] }, undefined],
  ])('%s', (_what, valueSets, expected) => {
    expect(systemOf(valueSets)).toBe(expected);
  });
});
