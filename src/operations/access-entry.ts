import { inWords, sentenceOf } from '../audit/words.ts';

/** Of an event what the patient may know: who, what, when, why, whether. Not from which address, with which token, by which words. */
export function accessEntry(event: object, { version, lastUpdated }: { readonly version: number; readonly lastUpdated: string }): object {
  const whole = event as Readonly<Record<string, unknown>>;
  const agents = listOf(whole.agent).map((agent) => only(agent, ['type', 'role', 'who', 'name', 'requestor', 'purposeOfUse']));
  const entities = listOf(whole.entity).flatMap((entity) => {
    const shown = only(entity, ['what', 'type', 'role']);
    return 'what' in shown && isResource(shown.what) ? [shown] : [];
  });
  return {
    resourceType: 'AuditEvent',
    id: whole.id,
    meta: { versionId: String(version), lastUpdated, tag: [subsetted] },
    text: narrativeOf(sentenceOf(inWords(whole))),
    ...only(whole, ['type', 'subtype', 'action', 'recorded', 'outcome', 'purposeOfEvent']),
    agent: agents,
    source: only(whole.source, ['observer', 'type']),
    ...(entities.length === 0 ? {} : { entity: entities }),
  };
}

/** Not all of the resource. */
const subsetted = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function only(value: unknown, names: readonly string[]): Record<string, unknown> {
  const object = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  return Object.fromEntries(names.flatMap((name) => (object[name] === undefined ? [] : [[name, object[name]]])));
}

const isResource = (what: unknown): boolean => typeof what === 'object' && what !== null && ('reference' in what || 'type' in what);

const narrativeOf = (text: string): object => ({
  status: 'generated',
  div: `<div xmlns="http://www.w3.org/1999/xhtml"><p>${text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)}</p></div>`,
});
