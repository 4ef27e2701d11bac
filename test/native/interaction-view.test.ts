import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type InteractionInput, interactionView } from '../../src/native/interactions/interaction-view.ts';
import { type OutcomeInput, outcomesOf, outcomeView, withOutcome } from '../../src/native/interactions/outcome-view.ts';

const words = fc.stringMatching(/^[A-Za-z][A-Za-z \n]{0,30}[a-z]$/);
const time = fc.date({ min: new Date('1990-01-01'), max: new Date('2025-01-01'), noInvalidDate: true }).map((date) => date.toISOString());
const input: fc.Arbitrary<InteractionInput> = fc.record(
  {
    patient_id: fc.constant('p1'),
    provider_id: fc.constantFrom('d1', 'd2'),
    type: fc.stringMatching(/^[A-Z][a-z ]{0,30}[a-z]$/),
    setting: fc.constantFrom('in_person', 'virtual', 'home', 'emergency', 'inpatient'),
    started_at: time,
    ended_at: time,
    note: words,
    outcome: fc.constantFrom('healthy', 'monitor'),
    outcomeLabel: fc.constant('Label'),
  },
  { requiredKeys: ['patient_id', 'type', 'started_at'] },
) as fc.Arbitrary<InteractionInput>;

test('an interaction comes back from FHIR as sent', () => {
  fc.assert(
    fc.property(input, ({ outcomeLabel, ...sent }) => {
      expect(interactionView.toView(interactionView.toResource({ outcomeLabel, ...sent }))).toEqual({
        setting: 'in_person',
        ...sent,
        ...(sent.outcome === undefined || outcomeLabel === undefined ? {} : { outcome_label: outcomeLabel }),
        status: sent.ended_at === undefined ? 'in_progress' : 'finished',
        interaction_id: '',
        version: 1,
        updated_at: '1970-01-01T00:00:00.000Z',
      });
    }),
  );
});

const outcome: fc.Arbitrary<readonly [string, OutcomeInput]> = fc.tuple(
  fc.constantFrom('a', 'b', 'c', 'd'),
  fc.record(
    {
      label: fc.constantFrom('One', 'Two'),
      severity: fc.constantFrom('none', 'low', 'moderate', 'high', 'critical'),
      is_active: fc.boolean(),
    },
    { requiredKeys: ['label'] },
  ) as fc.Arbitrary<OutcomeInput>,
);

test('a list of outcomes says what was written last of each, in the order in which they came, and counts its versions', () => {
  fc.assert(
    fc.property(fc.array(outcome, { minLength: 1, maxLength: 20 }), (changes) => {
      const expected = new Map<string, object>();
      let system: ReturnType<typeof withOutcome> | undefined;
      for (const [code, change] of changes) {
        system = withOutcome(system, code, change);
        expected.set(code, { is_active: true, ...change, code });
        expect(outcomeView(code).toView(system)).toEqual(expected.get(code));
      }
      expect(outcomesOf(system ?? {})).toEqual([...expected.values()]);
      expect(system?.version).toBe(String(changes.length));
    }),
  );
});

test('an outcome keeps what an administrator said of it by FHIR', () => {
  const designation = [{ language: 'de', value: 'Gesund' }];
  const before = {
    resourceType: 'CodeSystem',
    publisher: 'The hospital',
    version: '2026-a',
    property: [{ code: 'colour', type: 'string' }],
    concept: [{ code: 'a', display: 'A', designation, property: [{ code: 'colour', valueString: 'green' }] }],
  };
  const after = withOutcome(before, 'a', { label: 'B', is_active: false });
  expect(after).toMatchObject({
    publisher: 'The hospital',
    version: '2026-a',
    concept: [
      {
        display: 'B',
        designation,
        property: [
          { code: 'colour', valueString: 'green' },
          { code: 'inactive', valueBoolean: true },
        ],
      },
    ],
  });
});
