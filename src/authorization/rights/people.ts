import { parseFhirDate } from '../../fhir/dates.ts';
import { isRecord, textOf } from '../../search/sink.ts';
import { localTarget } from '../../search/types/reference.ts';
import { findAll, readOne, type RightsStore, type StoredResource } from './store.ts';

/** Who a user is, by what is stored of him. */
export type Person = {
  /** `Type/id` of all that he is and belongs to. */
  readonly identities: ReadonlySet<string>;
  /** Ids of the Patients he is himself. */
  readonly selves: readonly string[];
  /** Ids of the Patients he acts for. */
  readonly represented: readonly string[];
};

export const nobody: Person = { identities: new Set(), selves: [], represented: [] };

/** Links and roles of one person that are followed. */
const linksMax = 50;

/**
 * Finds out who `fhirUser` is. A Person counts for the Patients and RelatedPersons it is linked to, a RelatedPerson for his Patient: only
 * privileged writers link Persons, and only who may see the patient's record writes his RelatedPersons.
 *
 * @param fhirUser  `Practitioner/1`, or a URL of ours; anything else is nobody
 */
export async function personOf(store: RightsStore, fhirUser: string): Promise<Person> {
  const target = localTarget({ reference: fhirUser }, store.plan.base);
  if (target === undefined) return nobody;
  const { type, id } = target;
  switch (type) {
    case 'Patient':
      return { identities: new Set([`Patient/${id}`]), selves: [id], represented: [] };
    case 'RelatedPerson':
      return relatedPerson(store, id);
    case 'Person':
      return linkedPerson(store, id);
    case 'Practitioner':
      return practitioner(store, id, await findAll(store, 'PractitionerRole', [['practitioner', `Practitioner/${id}`]], linksMax));
    case 'PractitionerRole':
      return practitionerInRole(store, id);
    default:
      return { ...nobody, identities: new Set([`${type}/${id}`]) };
  }
}

async function relatedPerson(store: RightsStore, id: string): Promise<Person> {
  const found = await readOne(store, 'RelatedPerson', id);
  const identities = new Set([`RelatedPerson/${id}`]);
  if (found === undefined || !isInForce(found)) return { ...nobody, identities };
  return { ...nobody, identities, represented: targetsOf([found.patient], 'Patient', store) };
}

async function linkedPerson(store: RightsStore, id: string): Promise<Person> {
  const found = await readOne(store, 'Person', id);
  if (found === undefined || found.active === false) return { ...nobody, identities: new Set([`Person/${id}`]) };
  const targets = listOf(found.link)
    .slice(0, linksMax)
    .map((link) => (isRecord(link) ? link.target : undefined));
  const selves = targetsOf(targets, 'Patient', store);
  const related = await Promise.all(targetsOf(targets, 'RelatedPerson', store).map((each) => relatedPerson(store, each)));
  return {
    identities: new Set([
      `Person/${id}`,
      ...selves.map((each) => `Patient/${each}`),
      ...related.flatMap(({ identities }) => [...identities]),
    ]),
    selves,
    represented: related.flatMap(({ represented }) => represented),
  };
}

async function practitionerInRole(store: RightsStore, id: string): Promise<Person> {
  const role = await readOne(store, 'PractitionerRole', id);
  const [practitionerId] = role === undefined ? [] : targetsOf([role.practitioner], 'Practitioner', store);
  if (role === undefined || !isInForce(role)) return { ...nobody, identities: new Set([`PractitionerRole/${id}`]) };
  return practitioner(store, practitionerId, [role]);
}

/** A practitioner with those of his roles that are in force, and the organizations he has them at. */
function practitioner(store: RightsStore, id: string | undefined, roles: readonly StoredResource[]): Person {
  const held = roles.filter(isInForce);
  return {
    ...nobody,
    identities: new Set([
      ...(id === undefined ? [] : [`Practitioner/${id}`]),
      ...held.map((role) => `PractitionerRole/${String(role.id)}`),
      ...targetsOf(
        held.map(({ organization }) => organization),
        'Organization',
        store,
      ).map((each) => `Organization/${each}`),
    ]),
  };
}

/** Neither inactive nor outside its period; a period that can't be read has ended. */
export function isInForce({ active, period }: StoredResource): boolean {
  if (active === false) return false;
  if (!isRecord(period)) return true;
  const [start, end] = [period.start, period.end].map((text) => (text === undefined ? null : parseFhirDate(textOf(text) ?? '')));
  if (start === undefined || end === undefined) return false;
  const now = Date.now();
  return (start === null || start.from <= now) && (end === null || end.until > now);
}

function targetsOf(references: readonly unknown[], type: string, { plan }: RightsStore): string[] {
  const ids = references.flatMap((reference) => {
    const target = localTarget(reference, plan.base);
    return target?.type === type ? target.id : [];
  });
  return [...new Set(ids)];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
