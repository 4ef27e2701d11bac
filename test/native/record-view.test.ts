import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Kind, parseRecordId, recordIdOf, recordKinds } from '../../src/native/records/kinds.ts';
import { type RecordInput, recordOf, viewOf } from '../../src/native/records/record-view.ts';
import type { Resource } from '../../src/native/view.ts';
import { sensitivityOf, withSensitivity } from '../../src/native/records/sensitivity.ts';

const words = fc
  .string({ minLength: 1, maxLength: 40, unit: 'grapheme' })
  .map((text) => text.trim())
  .filter((text) => text !== '');
const id = fc.stringMatching(/^[A-Za-z0-9.-]{1,64}$/);
const time = fc.date({ min: new Date('1950-01-01'), max: new Date('2026-01-01'), noInvalidDate: true }).map((date) => date.toISOString());

const saying: Readonly<Record<Kind, fc.Arbitrary<object>>> = {
  diagnosis: fc.record({ diagnosis: words, text: words }, { requiredKeys: ['diagnosis'] }),
  allergy: fc.record({ text: words }),
  note: fc.record({ text: words }),
  document: fc.record(
    {
      text: words,
      attachment: fc.record({
        url: id.map((each) => `https://example.org/${each}`),
        title: words,
        content_type: fc.constant('application/pdf'),
      }),
    },
    { requiredKeys: ['attachment'] },
  ),
};

const inputOf = (kind: Kind): fc.Arbitrary<RecordInput> =>
  fc
    .tuple(
      saying[kind],
      fc.record(
        { provider_id: id, patient_id: id, recorded_at: time, sensitivity: fc.constantFrom('normal', 'restricted') },
        { requiredKeys: ['patient_id', 'recorded_at', 'sensitivity'] },
      ),
    )
    .map(([said, known]) => ({ kind, ...said, ...known }));

describe.each(recordKinds)('a record of the kind %s', (kind) => {
  const view = viewOf(kind);

  test('is shown as it was written', () => {
    fc.assert(
      fc.property(inputOf(kind), (input) => {
        const resource = view.toResource(input);
        expect(view.isShown(resource)).toBe(true);
        expect(view.toView({ ...resource, id: 'x' })).toEqual({
          ...input,
          record_id: `${kind}-x`,
          updated_at: '1970-01-01T00:00:00.000Z',
          version: 1,
        });
      }),
    );
  });

  test('is shown as it was written over another one, and keeps what the view does not know', () => {
    const unknown = { identifier: [{ value: '7' }], extension: [{ url: 'urn:x', valueCode: 'y' }] };
    const tag = [{ system: 'urn:x', code: 'y' }];
    fc.assert(
      fc.property(inputOf(kind), inputOf(kind), (first, second) => {
        const before: Resource = { ...view.toResource(first), ...unknown };
        const label = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' };
        const meta = {
          ...(before.meta as object),
          tag,
          security: [label, ...((before.meta as { security?: object[] } | undefined)?.security ?? [])],
        };
        const same = { ...second, patient_id: first.patient_id, provider_id: second.provider_id ?? first.provider_id };
        const after = view.toResource(same as RecordInput, { ...before, meta } as never);
        expect(after).toMatchObject(unknown);
        expect(after.meta).toMatchObject({ tag, security: expect.arrayContaining([label]) });
        const { text = kind === 'diagnosis' || kind === 'document' ? undefined : first.text, ...shown } = recordOf(after);
        const { text: sent, provider_id: provider, ...rest } = same;
        expect({ text, ...shown }).toMatchObject({ ...rest, ...(provider === undefined ? {} : { provider_id: provider }) });
        expect(text).toBe(sent);
      }),
    );
  });

  test('has an id that names its resource', () => {
    fc.assert(
      fc.property(id, (each) => {
        expect(parseRecordId(recordIdOf(kind, each))).toMatchObject({ kind, type: view.type, id: each });
      }),
    );
  });
});

test('an id without a kind names no record', () => {
  for (const each of ['', 'x', 'diagnosis', 'diagnosis-', 'patient-1', 'note-a/b', `note-${'x'.repeat(65)}`])
    expect(parseRecordId(each)).toBeUndefined();
});

test('a label that is stronger than ours stays while the record is restricted', () => {
  const very = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'V' };
  expect(withSensitivity({ security: [very] }, 'restricted')).toEqual({ security: [very] });
  expect(withSensitivity({ security: [very] }, 'normal')).toBeUndefined();
  expect(sensitivityOf({ resourceType: 'Condition', meta: { security: [very] } })).toBe('restricted');
  expect(sensitivityOf({ resourceType: 'Condition', meta: { security: [{ code: 'R' }] } })).toBe('restricted');
});
