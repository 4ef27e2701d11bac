import { describe, expect, test } from 'vitest';
import { compareVersions, isVersion, splitCanonical } from '../../src/fhir/version.ts';

describe('versions', () => {
  test('are ordered by their numbers, releases after what came before them', () => {
    const ordered = [
      undefined,
      '0.9',
      '1.0.0-alpha',
      '1.0.0-alpha.2',
      '1.0.0-alpha.10',
      '1.0.0-ballot',
      '1.0.0',
      '1.2',
      '1.10.0',
      '6.1.0',
      '7.0.0-ballot',
      '7.0.0',
      '10.0.0',
      '2018-08-12',
      '2019-01-02',
      'draft',
    ];
    const shuffled = ordered.toReversed().sort((a, b) => compareVersions(a, b));
    // `sort` puts undefined last whatever the comparison says.
    expect(shuffled).toEqual([...ordered.slice(1), undefined]);
    expect(compareVersions(undefined, '0.1')).toBeLessThan(0);
    expect(compareVersions('0.1', undefined)).toBeGreaterThan(0);
  });

  test('are told apart even where nothing orders them', () => {
    expect(compareVersions('1.0.0', '1.0.0')).toBe(0);
    expect(compareVersions('1.0.0', '1.0')).not.toBe(0);
    expect(compareVersions('1.0.0+a', '1.0.0+b')).not.toBe(0);
  });

  test('may be asked for by their beginning', () => {
    expect(['4.0.1', '4.0'].map((version) => isVersion(version, '4.0'))).toEqual([true, true]);
    expect(['4.10.1', '4', undefined].map((version) => isVersion(version, '4.1'))).toEqual([false, false, false]);
    expect(isVersion('4.0.1', '4.0.1')).toBe(true);
  });

  test('stand behind the bar of a canonical', () => {
    expect(splitCanonical('http://a.org/b|1.0')).toEqual({ url: 'http://a.org/b', version: '1.0' });
    expect(splitCanonical('http://a.org/b')).toEqual({ url: 'http://a.org/b', version: undefined });
  });
});
