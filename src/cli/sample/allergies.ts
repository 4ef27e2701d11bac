import { dateOf, dateTimeOf, YEAR_MS } from './calendar.ts';
import { coding, concept, type Resource, SYSTEM } from './coding.ts';
import { clinicianReference } from './directory.ts';
import { narrative } from './narrative.ts';
import type { Person } from './person.ts';
import type { Random } from './random.ts';

type Allergen = {
  readonly weight: number;
  readonly code: string;
  readonly display: string;
  readonly category: 'food' | 'medication' | 'environment';
  readonly type: 'allergy' | 'intolerance';
  readonly isDangerous: boolean;
  readonly reactions: readonly Reaction[];
};

type Reaction = 'hives' | 'rash' | 'anaphylaxis' | 'breathless' | 'itching' | 'nausea';

const REACTIONS: Readonly<Record<Reaction, readonly [code: string, display: string]>> = {
  hives: ['247472004', 'Hives'],
  rash: ['271807003', 'Eruption of skin'],
  anaphylaxis: ['39579001', 'Anaphylaxis'],
  breathless: ['267036007', 'Dyspnea'],
  itching: ['418363000', 'Itching of skin'],
  nausea: ['422587007', 'Nausea'],
};

const ALLERGENS: readonly Allergen[] = [
  {
    weight: 8,
    code: '764146007',
    display: 'Penicillin',
    category: 'medication',
    type: 'allergy',
    isDangerous: true,
    reactions: ['rash', 'hives', 'anaphylaxis'],
  },
  {
    weight: 3,
    code: '387458008',
    display: 'Aspirin',
    category: 'medication',
    type: 'intolerance',
    isDangerous: false,
    reactions: ['nausea', 'breathless'],
  },
  {
    weight: 4,
    code: '762952008',
    display: 'Peanut',
    category: 'food',
    type: 'allergy',
    isDangerous: true,
    reactions: ['hives', 'anaphylaxis', 'breathless'],
  },
  { weight: 3, code: '102263004', display: 'Eggs', category: 'food', type: 'allergy', isDangerous: false, reactions: ['hives', 'itching'] },
  { weight: 3, code: '3718001', display: "Cow's milk", category: 'food', type: 'intolerance', isDangerous: false, reactions: ['nausea'] },
  {
    weight: 2,
    code: '111088007',
    display: 'Latex',
    category: 'environment',
    type: 'allergy',
    isDangerous: false,
    reactions: ['itching', 'rash'],
  },
  {
    weight: 6,
    code: '256277009',
    display: 'Grass pollen',
    category: 'environment',
    type: 'allergy',
    isDangerous: false,
    reactions: ['itching', 'breathless'],
  },
];

/** What a person must not have; for some that there is nothing of the kind, for others that nobody asked (no resource). */
export function allergies(person: Person, patient: string, random: Random): Resource[] {
  const count = random.weighted([
    { weight: 55, count: 0 },
    { weight: 30, count: 1 },
    { weight: 12, count: 2 },
    { weight: 3, count: 3 },
  ]).count;
  if (count === 0) return random.chance(0.3) ? [noneKnown(person, patient)] : [];
  const chosen = new Set(Array.from({ length: count }, () => random.weighted(ALLERGENS)));
  return [...chosen].map((allergen) => allergy(person, allergen, patient, random));
}

function allergy(person: Person, allergen: Allergen, patient: string, random: Random): Resource {
  const onset = person.birth + random.float() * (person.until - person.birth) * 0.8;
  const isOutgrown = allergen.category === 'food' && person.until - onset > 8 * YEAR_MS && random.chance(0.3);
  const clinical = isOutgrown ? coding(SYSTEM.allergyClinical, 'resolved', 'Resolved') : coding(SYSTEM.allergyClinical, 'active', 'Active');
  const manifestation = random.pick(allergen.reactions);
  const severity = manifestation === 'anaphylaxis' ? 'severe' : random.pick(['mild', 'moderate'] as const);
  const isCertain = random.chance(0.85);
  return {
    resourceType: 'AllergyIntolerance',
    text: narrative(`${allergen.display}: ${allergen.type}`, [
      ['Status', clinical.display],
      ['Since', dateOf(onset).slice(0, 4)],
      ['Reaction', `${REACTIONS[manifestation][1]} (${severity})`],
    ]),
    clinicalStatus: { coding: [clinical] },
    verificationStatus: {
      coding: [
        isCertain
          ? coding(SYSTEM.allergyVerification, 'confirmed', 'Confirmed')
          : coding(SYSTEM.allergyVerification, 'unconfirmed', 'Unconfirmed'),
      ],
    },
    type: allergen.type,
    category: [allergen.category],
    criticality: allergen.isDangerous ? 'high' : 'low',
    code: concept(SYSTEM.snomed, allergen.code, allergen.display),
    patient: { reference: patient },
    onsetDateTime: dateOf(onset).slice(0, 4),
    recordedDate: dateTimeOf(Math.max(person.from, onset), person.site.offset),
    recorder: clinicianReference(person.physician),
    reaction: [{ manifestation: [concept(SYSTEM.snomed, ...REACTIONS[manifestation])], severity }],
  };
}

function noneKnown(person: Person, patient: string): Resource {
  return {
    resourceType: 'AllergyIntolerance',
    text: narrative('No known allergies', []),
    clinicalStatus: { coding: [coding(SYSTEM.allergyClinical, 'active', 'Active')] },
    verificationStatus: { coding: [coding(SYSTEM.allergyVerification, 'confirmed', 'Confirmed')] },
    code: concept(SYSTEM.snomed, '716186003', 'No known allergy'),
    patient: { reference: patient },
    recordedDate: dateTimeOf(person.from, person.site.offset),
  };
}
