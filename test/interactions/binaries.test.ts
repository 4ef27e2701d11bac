import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/fhir/json.ts';
import { binariesNamed } from '../../src/interactions/binaries.ts';

const base = 'http://127.0.0.1:8080/fhir/R4';
const named = (value: JsonObject & { readonly resourceType: string }): string[] =>
  binariesNamed({ type: value.resourceType, value, decimals: new Map() }, base);
const report = (...urls: string[]) => named({ resourceType: 'DiagnosticReport', presentedForm: urls.map((url) => ({ url })) });

describe('the Binaries that a resource names', () => {
  test('are those of the attachments of three types', () => {
    const attachment = { url: 'Binary/1' };
    expect(named({ resourceType: 'DocumentReference', content: [{ attachment }, { attachment: { url: 'Binary/2' } }] })).toEqual([
      '1',
      '2',
    ]);
    expect(named({ resourceType: 'Media', content: attachment })).toEqual(['1']);
    expect(named({ resourceType: 'DiagnosticReport', presentedForm: [attachment] })).toEqual(['1']);
    expect(named({ resourceType: 'Patient', photo: [attachment] })).toEqual([]);
    expect(named({ resourceType: 'DocumentReference' })).toEqual([]);
  });

  test.each([
    'Binary/1',
    'Binary/1/_history/7',
    `${base}/Binary/1`,
    `${base}/Binary/1/_history/2`,
    'Binary/1#page=3',
    'Binary/1?_format=json',
  ])('are ours where the url is %s', (url) => expect(report(url)).toEqual(['1']));

  test.each(['http://elsewhere.example/Binary/1', 'Patient/1', '#1', 'urn:uuid:0b1ad3a5-6f0e-4b0c-9d43-7f4d5d9a1c11', 'Binary?x=1', ''])(
    'are not ours where the url is %j',
    (url) => expect(report(url)).toEqual([]),
  );

  test('come once each', () => {
    expect(report('Binary/1', `${base}/Binary/1`, 'Binary/2')).toEqual(['1', '2']);
  });
});
