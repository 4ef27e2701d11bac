import type { TestServer } from '../support/server.ts';

/** What one event of the audit trail says, in short. */
export type Told = {
  readonly kind: string;
  readonly outcome: string;
  /** Who asked: a user's reference, else his or the client's id, else the address. */
  readonly by: string;
  readonly data?: string;
  readonly patient?: string;
  /** The text of the query as it was received. */
  readonly query?: string;
  readonly operation?: string;
  readonly entry?: string;
};

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into arbitrary resources
type Json = any;

export type Trail = {
  /** The events of a request, as stored; each reading of them leaves an event of its own, under an id of its own. */
  readonly events: (requestId: string) => readonly Json[];
  readonly told: (requestId: string) => readonly Told[];
};

/** All that was recorded since, read as an administrator reads it. */
export async function readTrail(server: TestServer, since: string): Promise<Trail> {
  const byRequest = new Map<string, Json[]>();
  let url: string | undefined = `/AuditEvent?_lastUpdated=ge${since}&_sort=_lastUpdated&_count=200`;
  while (url !== undefined) {
    const { status, json, text }: { status: number; json: Json; text: string } = await server.request('GET', url);
    if (status !== 200) throw new Error(`the audit trail was answered with ${status}: ${text}`);
    for (const { resource } of json.entry ?? []) {
      const id = requestIdOf(resource);
      byRequest.set(id, [...(byRequest.get(id) ?? []), resource]);
    }
    url = json.link.find(({ relation }: Json) => relation === 'next')?.url;
  }
  const events = (requestId: string): readonly Json[] => byRequest.get(requestId) ?? [];
  return { events, told: (requestId) => events(requestId).map(tellOf).sort(inOrder) };
}

function requestIdOf({ entity = [] }: Json): string {
  const named = entity.find(({ type }: Json) => type?.code === 'XrequestId')?.what.identifier.value;
  return named ?? entity.flatMap(({ detail = [] }: Json) => detail).find(({ type }: Json) => type === 'X-Request-Id')?.valueString ?? '';
}

export function tellOf({ subtype, outcome, agent, entity = [] }: Json): Told {
  const asking = agent.find(({ requestor }: Json) => requestor);
  const { reference, identifier } = asking.who;
  const inRole = (role: string): Json => entity.find((each: Json) => each.role?.code === role);
  const query = inRole('24')?.query;
  const told = {
    data: inRole('4')?.what.reference ?? inRole('4')?.what.type,
    patient: inRole('1')?.what.reference ?? inRole('1')?.what.identifier?.value,
    query: query === undefined ? undefined : Buffer.from(query, 'base64').toString(),
    operation: inRole('20')?.description,
    entry: entity.flatMap(({ detail = [] }: Json) => detail).find(({ type }: Json) => type === 'entry')?.valueString,
  };
  return {
    kind: subtype?.[0]?.code,
    outcome,
    by: reference ?? identifier?.value ?? asking.network?.address,
    ...(Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined)) as Partial<Told>),
  };
}

const inOrder = (a: Told, b: Told): number => (keyOf(a) < keyOf(b) ? -1 : 1);
const keyOf = ({ entry = '', patient = '', kind }: Told): string => `${entry.padStart(4)} ${patient} ${kind}`;
