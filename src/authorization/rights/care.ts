import { isInForce } from './people.ts';
import { findAll, patientsOf, type RightsStore } from './store.ts';
import type { Params } from './token-groups.ts';

export type CareOptions = {
  /** How long after its end an encounter, an appointment or a place in a care team still counts. */
  readonly careRelationshipDays: number;
  readonly carePatientsMax: number;
};

/** Whom somebody cares for. */
export type Care = {
  /** Ids; those with whom he has had to do last, where there are more than count. */
  readonly patients: readonly string[];
  readonly isCut: boolean;
};

export const noCare: Care = { patients: [], isCut: false };

const dayMs = 86_400_000;
const teamsMax = 200;

/**
 * The patients whom a practitioner has a care relationship with: by an encounter, an appointment or a care team that he, one of his roles
 * or his organization takes part in, or as their general practitioner. What was cancelled or entered in error makes none, nor what is
 * about more than one patient.
 *
 * @param identities  `Practitioner/1`, and what he is beside
 */
export async function careOf(store: RightsStore, identities: ReadonlySet<string>, options: CareOptions): Promise<Care> {
  const persons = namesOf(identities, personTypes);
  if (persons === '') return noCare;
  const all = namesOf(identities, memberTypes);
  const since: Params[number] = ['date', `ge${new Date(Date.now() - options.careRelationshipDays * dayMs).toISOString().slice(0, 10)}`];
  const limit = options.carePatientsMax + 1;
  const inTeam = membership(all);
  const found = await Promise.all([
    patientsOf(store, 'Encounter', [['participant', persons], ['status:not', 'cancelled,entered-in-error'], since], limit),
    patientsOf(store, 'Appointment', [['actor', persons], ['status:not', 'cancelled,entered-in-error,proposed,noshow'], since], limit),
    // A team without a period is in force.
    patientsOf(store, 'CareTeam', [...inTeam, ['date:missing', 'true']], limit),
    patientsOf(store, 'CareTeam', [...inTeam, since], limit),
    patientsOf(store, 'Patient', [['general-practitioner', all]], limit),
  ]);
  const patients = [...new Set(found.flat())];
  return {
    patients: patients.slice(0, options.carePatientsMax),
    isCut: patients.length > options.carePatientsMax,
  };
}

/** The care teams in force that a practitioner is in, as `CareTeam/id`: consents may name them. */
export async function teamsOf(store: RightsStore, identities: ReadonlySet<string>): Promise<readonly string[]> {
  const all = namesOf(identities, memberTypes);
  if (all === '') return [];
  const teams = await findAll(store, 'CareTeam', membership(all), teamsMax);
  return teams.filter(isInForce).map(({ id }) => `CareTeam/${String(id)}`);
}

const personTypes = ['Practitioner', 'PractitionerRole'];
const memberTypes = [...personTypes, 'Organization'];

const namesOf = (identities: ReadonlySet<string>, types: readonly string[]): string =>
  [...identities].filter((each) => types.includes(each.split('/')[0] ?? '')).join(',');

const membership = (members: string): Params => [
  ['participant', members],
  ['status:not', 'proposed,suspended,inactive,entered-in-error'],
];
