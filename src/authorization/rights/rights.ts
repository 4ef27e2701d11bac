import { LRUCache } from 'lru-cache';
import { atMost } from '../../fhir/at-most.ts';
import type { Grant } from '../grant.ts';
import { type Care, type CareOptions, careOf, noCare, teamsOf } from './care.ts';
import type { PatientConsent } from './consent.ts';
import { type Consents, holdConsents } from './consents.ts';
import { type Fresh, keepFresh } from './keep-fresh.ts';
import { nobody, type Person, personOf } from './people.ts';
import type { RightsStore } from './store.ts';

/** What a user may by who he is, whatever his token's scopes. */
export type Rights = {
  /** `Type/id` of all that he is; undefined: the token doesn't tell who he is. */
  readonly identities: ReadonlySet<string> | undefined;
  readonly selves: readonly string[];
  readonly represented: readonly string[];
  /** The patients he cares for. */
  readonly care: 'all' | readonly string[];
  readonly isCareCut: boolean;
  readonly consents: readonly PatientConsent[];
  /** When provisions of consents begin or end, in ascending order: epoch ms. */
  readonly turns: readonly number[];
  /** Equal for rights that are the same. */
  readonly fingerprint: string;
};

export type RightsOptions = CareOptions & {
  readonly careRelationships: 'all' | 'related';
  readonly consentsMax: number;
};

/** Of somebody who isn't known, and of clients that need no rights beside their scopes. */
export const noRights: Rights = {
  identities: undefined,
  selves: [],
  represented: [],
  care: [],
  isCareCut: false,
  consents: [],
  turns: [],
  fingerprint: '',
};

export type RightsOf = {
  readonly of: (grant: Grant) => Promise<Rights> | Rights;
  /** Resources of these types were written here: whoever asks from now on is judged by what is stored now. */
  readonly written: (types: readonly string[]) => void;
};

/** Rights are looked up again after this time: what others wrote counts within a second. */
const freshMs = 700;
const principalsMax = 10_000;
/** The types that rights follow from, beside Consent. */
const relationTypes = new Set(['Appointment', 'CareTeam', 'Encounter', 'Patient', 'Person', 'PractitionerRole', 'RelatedPerson']);

export function makeRights(store: RightsStore, options: RightsOptions): RightsOf {
  const consents = holdConsents(store, freshMs, options.consentsMax);
  const principals = new LRUCache<string, Fresh<Standing>>(atMost(principalsMax));
  const known = new WeakMap<Standing, { readonly edition: number; readonly rights: Rights }>();

  function standingOf(grant: Grant): Promise<Standing> | Standing {
    const name = JSON.stringify([grant.fhirUser, grant.roles, grant.patient]);
    let fresh = principals.get(name);
    if (fresh === undefined) {
      fresh = keepFresh(freshMs, () => standing(store, grant, options));
      principals.set(name, fresh);
    }
    return fresh.get();
  }

  function together(standing: Standing, { all, turns, edition }: Consents): Rights {
    const found = known.get(standing);
    if (found?.edition === edition) return found.rights;
    const { person, care, teams, isKnown } = standing;
    const rights: Rights = {
      identities: isKnown ? new Set([...person.identities, ...teams]) : undefined,
      selves: person.selves,
      represented: person.represented,
      care: standing.caresForAll ? 'all' : care.patients,
      isCareCut: care.isCut,
      consents: all,
      turns,
      fingerprint: JSON.stringify([edition, [...person.identities], person.selves, person.represented, care, teams]),
    };
    known.set(standing, { edition, rights });
    return rights;
  }

  return {
    of(grant) {
      if (grant.scopes.every(({ level }) => level === 'system')) return noRights;
      const [person, inForce] = [standingOf(grant), consents.get()];
      if (!(person instanceof Promise) && !(inForce instanceof Promise)) return together(person, inForce);
      return Promise.all([person, inForce]).then(([each, all]) => together(each, all));
    },
    written(types) {
      if (types.includes('Consent')) consents.changed();
      if (types.some((type) => relationTypes.has(type))) for (const fresh of principals.values()) fresh.changed();
    },
  };
}

/** Who the user is and whom he cares for. */
type Standing = {
  readonly person: Person;
  readonly care: Care;
  /** `CareTeam/id` */
  readonly teams: readonly string[];
  readonly caresForAll: boolean;
  readonly isKnown: boolean;
};

async function standing(store: RightsStore, grant: Grant, options: RightsOptions): Promise<Standing> {
  const { roles, fhirUser } = grant;
  const person = await whoIs(store, grant);
  const cares = roles.includes('provider') || roles.includes('viewer');
  const caresForAll = cares && options.careRelationships === 'all';
  const [care, teams] = await Promise.all([
    cares && !caresForAll ? careOf(store, person.identities, options) : noCare,
    teamsOf(store, person.identities),
  ]);
  return { person, care, teams, caresForAll, isKnown: fhirUser !== undefined || roles.length > 0 };
}

/** A user of the role patient whose record isn't named otherwise is the patient of his token. */
async function whoIs(store: RightsStore, { roles, fhirUser, patient }: Grant): Promise<Person> {
  if (fhirUser !== undefined) return personOf(store, fhirUser);
  if (patient === undefined || !roles.includes('patient') || roles.length > 1) return nobody;
  return { identities: new Set([`Patient/${patient}`]), selves: [patient], represented: [] };
}
