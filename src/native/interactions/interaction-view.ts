import type { components } from '../api-types.ts';
import { type Extension, extensionOf, own, withExtensions } from '../extensions.ts';
import {
  filled,
  given,
  idIn,
  keptOf,
  partOf,
  partsOf,
  referenceTo,
  resourceFrom,
  stampOf,
  textOf,
  utcOf,
  wordOfCode,
  wordsOf,
} from '../parts.ts';
import { escaped } from '../patients/patient-view.ts';
import type { Resource, View } from '../view.ts';
import { outcomeSystem } from './outcome-view.ts';

type Schemas = components['schemas'];
/** As sent, with the label of its outcome. */
export type InteractionInput = Schemas['InteractionInput'] & { readonly outcomeLabel?: string | undefined };
export type Interaction = Schemas['Interaction'];

const outcomeUrl = `${own}StructureDefinition/interaction-outcome`;
const noteUrl = `${own}StructureDefinition/interaction-note`;
const classSystem = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';

const settings: Readonly<Record<Schemas['InteractionSetting'], readonly [code: string, display: string]>> = {
  in_person: ['AMB', 'ambulatory'],
  virtual: ['VR', 'virtual'],
  home: ['HH', 'home health'],
  emergency: ['EMER', 'emergency'],
  inpatient: ['IMP', 'inpatient encounter'],
};
const settingWords = new Map(Object.entries(settings).map(([word, [code]]) => [code, word]));

/** `/interactions`: an Encounter, by our profile. */
export const interactionView: View<InteractionInput, Interaction> = {
  type: 'Encounter',
  name: 'interaction',
  shows: [],
  isShown: () => true,
  toView,
  toResource,
  queries: {
    patient_id: (value) => [['patient', `Patient/${value}`]],
    provider_id: (value) => [['practitioner', `Practitioner/${value}`]],
    from: (value) => [['date', `ge${new Date(value).toISOString()}`]],
    to: (value) => [['date', `lt${new Date(value).toISOString()}`]],
    outcome: (value) => [['interaction-outcome', `${outcomeSystem}|${escaped(value)}`]],
  },
  sort: '-date',
  path: (id) => `/interactions/${id}`,
};

function toView(resource: Resource): Interaction {
  const period = partOf(resource.period);
  const outcome = partOf(extensionOf(resource, outcomeUrl)?.valueCoding);
  const setting = textOf(partOf(resource.class)?.code);
  return filled({
    interaction_id: textOf(resource.id) ?? '',
    patient_id: idIn(resource.subject, 'Patient'),
    provider_id: partsOf(resource.participant)
      .map(({ individual }) => idIn(individual, 'Practitioner'))
      .find((id) => id !== undefined),
    type: wordsOf(partsOf(resource.type)[0]),
    setting: setting === undefined ? undefined : (settingWords.get(setting) ?? setting),
    started_at: utcOf(period?.start),
    ended_at: utcOf(period?.end),
    note: textOf(extensionOf(resource, noteUrl)?.valueMarkdown),
    outcome: textOf(outcome?.code),
    outcome_label: textOf(outcome?.display),
    status: wordOfCode(resource.status),
    ...stampOf(resource),
  }) as Interaction;
}

function toResource(input: InteractionInput, before: Resource | undefined): Resource {
  const [code, display] = settings[input.setting ?? 'in_person'];
  const note = given(input.note);
  const extensions: (Extension | undefined)[] = [
    input.outcome == null
      ? undefined
      : {
          url: outcomeUrl,
          valueCoding: filled({ system: outcomeSystem, code: input.outcome, display: input.outcomeLabel }) as Record<string, string>,
        },
    note === undefined ? undefined : { url: noteUrl, valueMarkdown: note },
  ];
  return resourceFrom({
    ...keptOf(before),
    resourceType: 'Encounter',
    extension: withExtensions(before, [outcomeUrl, noteUrl], extensions),
    status: input.ended_at == null ? 'in-progress' : 'finished',
    class: { system: classSystem, code, display },
    type: [{ text: input.type.trim() }],
    subject: referenceTo('Patient', input.patient_id),
    participant: input.provider_id == null ? undefined : [{ individual: referenceTo('Practitioner', input.provider_id) }],
    period: {
      start: new Date(input.started_at).toISOString(),
      end: input.ended_at == null ? undefined : new Date(input.ended_at).toISOString(),
    },
  });
}
