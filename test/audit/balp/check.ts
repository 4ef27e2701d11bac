import { balpRules, type Code, type SliceRules, tokenUseRules } from './rules.ts';

type Json = Readonly<Record<string, unknown>>;

const profileBase = 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/';

/** What an AuditEvent breaks of the profiles that it says it meets, and of what holds for all of ours. */
export function balpFaults(event: Json): string[] {
  const profiles = ((event.meta as { profile?: string[] }).profile ?? []).map((url) => url.slice(profileBase.length));
  return [...commonFaults(event), ...profiles.flatMap((id) => profileFaults(event, id))];
}

function commonFaults(event: Json): string[] {
  const agents = listOf(event.agent);
  const requestors = agents.filter(({ requestor }) => requestor === true).length;
  const source = event.source as Json;
  const server = agents.find(({ who }) => JSON.stringify(who) === JSON.stringify(source.observer));
  const requests = listOf(event.entity).filter(
    (entity) =>
      sliceHas(entity, { type: [['https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType', 'XrequestId']], min: 0, max: 1 }) ||
      listOf(entity.detail).some(({ type }) => type === 'X-Request-Id'),
  );
  return [
    ...(requestors === 1 ? [] : [`${requestors} requestors`]),
    ...(server === undefined ? ['the source is none of the agents'] : []),
    ...(requests.length === 1 ? [] : [`${requests.length} entities tell the request`]),
    ...(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(event.recorded)) ? [] : ['recorded has no milliseconds']),
  ];
}

function profileFaults(event: Json, id: string): string[] {
  if (id === 'IHE.BasicAudit.OAUTHaccessTokenUse.Minimal') return sliceFaults(id, 'user', listOf(event.agent), tokenUseRules);
  const rules = balpRules[id];
  if (rules === undefined) return [`${id} is no profile of BALP that is known here`];
  const entities = listOf(event.entity);
  const named = Object.entries(rules.entities).flatMap(([name, slice]) => sliceFaults(id, name, entities, slice));
  const others = entities.filter((entity) => !Object.values(rules.entities).some((slice) => sliceHas(entity, slice)));
  return [
    ...(isCode(event.type, rules.type) ? [] : [`${id}: type`]),
    ...rules.subtypes
      .filter((code) => !listOf(event.subtype).some((each) => isCode(each, code)))
      .map(([, code]) => `${id}: subtype ${code}`),
    ...(event.action === rules.action ? [] : [`${id}: action`]),
    ...(event.outcome === '0' ? [] : [`${id}: of a failure`]),
    ...Object.entries(rules.agents).flatMap(([name, slice]) => sliceFaults(id, name, listOf(event.agent), slice)),
    ...named,
    ...(rules.closed === true && others.length > 0 ? [`${id}: other entities`] : []),
  ];
}

function sliceFaults(profile: string, name: string, all: readonly Json[], slice: SliceRules): string[] {
  const members = all.filter((each) => sliceHas(each, slice));
  const within = members.length >= slice.min && members.length <= slice.max;
  return [
    ...(within ? [] : [`${profile}: ${members.length} of ${name}`]),
    ...members.flatMap((member) => [
      ...(slice.has ?? []).filter((path) => !has(member, path)).map((path) => `${profile}: ${name} without ${path}`),
      ...(slice.lacks ?? []).filter((path) => has(member, path)).map((path) => `${profile}: ${name} with ${path}`),
      ...(slice.requestor !== undefined && member.requestor !== slice.requestor ? [`${profile}: ${name}.requestor`] : []),
    ]),
  ];
}

/** An agent's type is a CodeableConcept, an entity's type and role are Codings. */
function sliceHas(member: Json, { type, role }: SliceRules): boolean {
  const codes = (value: unknown): readonly Json[] => {
    const coding = (value as { coding?: Json[] } | undefined)?.coding;
    return coding ?? (value === undefined ? [] : [value as Json]);
  };
  const fits = (value: unknown, wanted: readonly Code[] | undefined): boolean =>
    wanted === undefined || codes(value).some((each) => wanted.some((code) => isCode(each, code)));
  return fits(member.type, type) && fits(member.role, role);
}

const isCode = (value: unknown, [system, code]: Code): boolean => {
  const coding = value as Json | undefined;
  return coding?.system === system && coding.code === code;
};

/** A primitive counts as there where only its extensions are. */
function has(member: Json, path: string): boolean {
  let at: unknown = member;
  for (const name of path.split('.')) {
    const object = at as Json;
    at = object[name] ?? object[`_${name}`];
    if (at === undefined) return false;
  }
  return true;
}

const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as Json[]) : []);
