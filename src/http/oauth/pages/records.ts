import { randomUUID } from 'node:crypto';
import type { Access } from '../../../authorization/access.ts';
import { originNow } from '../../../authorization/security-events.ts';
import { FhirError } from '../../../fhir/error.ts';
import { isId } from '../../../fhir/references.ts';
import type { Call, Context } from '../../../interactions/context.ts';
import { queryAsked, settled } from '../../../interactions/leaving.ts';
import { read } from '../../../interactions/read.ts';
import { type Pairs, search } from '../../../interactions/search.ts';
import type { Account } from '../interaction.ts';
import type { EncounterLine, PatientLine } from './choices.ts';
import type { Records } from './visit.ts';

const patientsShown = 20;
const encountersShown = 50;

/**
 * Patients and encounters to choose from, by the same searches and the same restriction as the API's: what the user may not see is not
 * there.
 *
 * @param accessOf  what the user himself may read, whatever the app
 */
export function recordsOf(ctx: Context, accessOf: (account: Account) => Promise<Access>): Records {
  const issuer = `${new URL(ctx.config.baseUrl).origin}/oauth`;
  /** What he is shown here he has seen: it is recorded as whatever he asks of the API. */
  async function callFor(account: Account): Promise<Call> {
    const { requestId = randomUUID(), ...origin } = originNow();
    const { id, fhirUser, roles } = account;
    const user = { issuer, subject: id, roles, ...(fhirUser === undefined ? {} : { fhirUser }) };
    const trail = { requestId, agent: { ...origin, user, client: 'pages', purposes: [] }, asked: { kind: 'read' } } as const;
    return { access: await accessOf(account), lenient: false, trail };
  }

  async function found(account: Account, type: string, pairs: Pairs): Promise<Bundle> {
    const line = `${type}?${new URLSearchParams(pairs.map(([name, value]) => [name, value])).toString()}`;
    const names = pairs.map(([name]) => name);
    const asked = { kind: 'search-type', data: { type }, query: queryAsked(line, names) } as const;
    const searching = settled(ctx, await callFor(account), asked, (call) => search(ctx, call, type, pairs));
    const answer = await unlessForbidden(searching, undefined);
    return answer === undefined ? {} : (JSON.parse(String(answer.body)) as Bundle);
  }

  return {
    async patients(account, { name, birthDate }, next) {
      const asked: Pairs = [
        ...name.split(/\s+/).flatMap((word): Pairs => (word === '' ? [] : [['name', escaped(word)]])),
        ...(birthDate === '' ? [] : [['birthdate', birthDate] as const]),
        ['_count', String(patientsShown)],
        ...(next === undefined ? [] : [['_page', next] as const]),
      ];
      const bundle = await found(account, 'Patient', asked);
      const more = nextOf(bundle);
      return { found: resourcesOf(bundle, 'Patient').map(patientLine), ...(more === undefined ? {} : { next: more }) };
    },
    async patient(account, id) {
      if (!isId(id)) return undefined;
      const asked = { kind: 'read', data: { type: 'Patient', id } } as const;
      const reading = settled(ctx, await callFor(account), asked, (call) => read(ctx, call, 'Patient', id));
      const answer = await unlessForbidden(reading, undefined);
      return answer?.body === undefined ? undefined : patientLine(JSON.parse(String(answer.body)) as Resource);
    },
    async encounters(account, patient) {
      if (!isId(patient)) return [];
      const asked: Pairs = [
        ['patient', `Patient/${patient}`],
        ['_sort', '-date'],
        ['_count', String(encountersShown)],
      ];
      return resourcesOf(await found(account, 'Encounter', asked), 'Encounter').map(encounterLine);
    },
    async isEncounterOf(account, patient, encounter) {
      const asked: Pairs = [
        ['patient', `Patient/${patient}`],
        ['_id', encounter],
      ];
      return isId(encounter) && isId(patient) && resourcesOf(await found(account, 'Encounter', asked), 'Encounter').length === 1;
    },
  };
}

type Coded = { readonly text?: string; readonly coding?: readonly { readonly display?: string }[] };
type Resource = {
  readonly resourceType?: string;
  readonly id?: string;
  readonly name?: readonly {
    readonly use?: string;
    readonly text?: string;
    readonly family?: string;
    readonly given?: readonly string[];
  }[];
  readonly birthDate?: string;
  readonly gender?: string;
  readonly type?: readonly Coded[];
  readonly class?: { readonly display?: string; readonly code?: string };
  readonly period?: { readonly start?: string; readonly end?: string };
};
type Bundle = {
  readonly entry?: readonly { readonly resource?: Resource }[];
  readonly link?: readonly { readonly relation: string; readonly url: string }[];
};

function resourcesOf({ entry = [] }: Bundle, type: string): Resource[] {
  return entry.flatMap(({ resource }) => (resource?.resourceType === type ? [resource] : []));
}

/** The sealed place of the next page: it is bound to the search and the user. */
function nextOf({ link = [] }: Bundle): string | undefined {
  const next = link.find(({ relation }) => relation === 'next');
  return next === undefined ? undefined : (new URL(next.url).searchParams.get('_page') ?? undefined);
}

function patientLine({ id = '', name = [], birthDate, gender }: Resource): PatientLine {
  const best = name.find(({ use }) => use === 'official' || use === 'usual') ?? name[0];
  const text = best?.text ?? [...(best?.given ?? []), best?.family ?? ''].join(' ').trim();
  return { id, name: text, ...(birthDate === undefined ? {} : { birthDate }), ...(gender === undefined ? {} : { gender }) };
}

function encounterLine({ id = '', type = [], class: ofClass, period }: Resource): EncounterLine {
  const kind = type[0]?.text ?? type[0]?.coding?.[0]?.display ?? ofClass?.display ?? ofClass?.code ?? '';
  const [start, end] = [period?.start?.slice(0, 10), period?.end?.slice(0, 10)];
  return { id, kind, ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
}

/** What a search would read as its own signs. @see https://hl7.org/fhir/R4/search.html#escaping */
function escaped(word: string): string {
  return word.replaceAll(/[\\,$|]/g, (sign) => `\\${sign}`);
}

/** What he may not ask for, or asks wrongly, is what isn't there; a fault of the server stays one. */
async function unlessForbidden<T, U>(work: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof FhirError && error.status < 500) return otherwise;
    throw error;
  }
}
