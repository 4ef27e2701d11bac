import { randomUUID } from 'node:crypto';
import type { TestServer } from './server.ts';

export const roles = ['admin', 'system', 'carer', 'viewer', 'self', 'stranger', 'other', 'key'] as const;
/**
 * Who asks: `carer` is a provider and `viewer` a viewer who are the patient's general practitioners, `stranger` a provider who isn't,
 * `self` the patient, `other` another one, `key` an API key of the carer's that reads Observations.
 */
export type Role = (typeof roles)[number];

/** What a role may, by a row of a table as long as there are roles. */
export type Row = { readonly role: Role; readonly may: string };
export const rowsOf = (row: string): Row[] => row.split(/ +/).map((may, at) => ({ role: roles[at] as Role, may }));

/** A patient of a ward's, and who asks for him. */
export type Ward = {
  readonly patient: string;
  /** A provider who asks for nothing. */
  readonly author: string;
  readonly as: Readonly<Record<Role, Readonly<Record<string, string>>>>;
  /** What the agents of this caller's events say of him. */
  readonly agent: Readonly<Record<Role, string>>;
};

type Staff = Pick<Ward, 'author' | 'agent'> & { readonly carer: string; readonly viewer: string; readonly as: Partial<Ward['as']> };

const everything = 'user/*.cruds';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function made(server: TestServer, body: { readonly resourceType: string }): Promise<string> {
  const { status, json, text } = await server.request('POST', `/${body.resourceType}`, { body });
  if (status !== 201) throw new Error(`${body.resourceType}: ${status} ${text}`);
  return json.id as string;
}

/** Those who are there for all patients. The server has to go by care relationships. */
export async function staffOf(server: TestServer): Promise<Staff> {
  const practitioner = (family: string) => made(server, { resourceType: 'Practitioner', name: [{ family }] } as never);
  const [author, carer, viewer, stranger] = await Promise.all(['Author', 'Carer', 'Viewer', 'Stranger'].map(practitioner));
  const other = await made(server, { resourceType: 'Patient', name: [{ family: 'Other' }] } as never);
  const token = async (user: string, role: string) => bearer(await server.token({ scope: everything, user, roles: [role] }));
  const admin = await token('Practitioner/boss', 'admin');
  const response = await fetch(`${server.origin}/api/v1/api-keys`, {
    method: 'POST',
    headers: { ...admin, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'lab', scopes: ['user/Observation.rs'], roles: ['provider'], fhir_user: `Practitioner/${carer}` }),
  });
  const key = (await response.json()) as { readonly api_key_id: string; readonly secret: string };
  return {
    author: String(author),
    carer: String(carer),
    viewer: String(viewer),
    as: {
      admin,
      system: bearer(await server.token()),
      carer: await token(`Practitioner/${carer}`, 'provider'),
      viewer: await token(`Practitioner/${viewer}`, 'viewer'),
      stranger: await token(`Practitioner/${stranger}`, 'provider'),
      other: await token(`Patient/${other}`, 'patient'),
      key: { 'x-api-key': key.secret },
    },
    agent: {
      admin: '"Practitioner/boss"',
      // A development token without a user is the developer's.
      system: '"developer"',
      carer: `"Practitioner/${carer}"`,
      viewer: `"Practitioner/${viewer}"`,
      self: '',
      stranger: `"Practitioner/${stranger}"`,
      other: `"Patient/${other}"`,
      key: `"${key.api_key_id}"`,
    },
  };
}

/** A new patient whom the carer and the viewer care for. */
export async function wardOf(server: TestServer, staff: Staff): Promise<Ward> {
  const patient = await made(server, {
    resourceType: 'Patient',
    name: [{ use: 'official', family: 'Ward', given: ['Ada'] }],
    gender: 'female',
    birthDate: '1985-12-10',
    generalPractitioner: [{ reference: `Practitioner/${staff.carer}` }, { reference: `Practitioner/${staff.viewer}` }],
  } as never);
  const self = bearer(await server.token({ scope: everything, user: `Patient/${patient}`, roles: ['patient'] }));
  return {
    patient,
    author: staff.author,
    as: { ...staff.as, self } as Ward['as'],
    agent: { ...staff.agent, self: `"Patient/${patient}"` },
  };
}

/** `v1` below /api/v1, `fhir` below /fhir/R4. */
export type Api = 'v1' | 'fhir';
export type Reply = {
  readonly requestId: string;
  readonly status: number;
  readonly etag: string | null;
  /** Where it is that was made; empty where nothing was. */
  readonly location: string;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into arbitrary answers
  readonly json: any;
};

/** The id of nothing. */
export const absentId = '0198c1f2-7b1e-7c33-8f4e-0d6c5b1a2f3e';

/** All that an answer tells, but for the request and these ids: of what is hidden it is what is told of nothing. */
export const toldBut = ({ status, text }: Reply, ...ids: readonly string[]): unknown[] => [
  status,
  ids.reduce((whole, id) => whole.replaceAll(id, 'ID'), text.replace(/"request_id":"[^"]*"/, '')),
];

/** What the trail has to tell of a request: that it was done, as what and of whom; or that it was refused. */
type Told = {
  readonly id: string;
  readonly line: string;
  readonly role: Role;
  readonly status: number;
  /** A code of `AuditEvent.action`, and `Type/id` of what it was done to where that is one thing. */
  readonly action: string;
  readonly entity?: string;
  readonly patient?: string;
};
export type Expected = {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly action?: string;
  readonly entity?: string | ((reply: Reply) => string);
  /** Whom a permitted request concerns: the ward's patient unless said otherwise; null for nobody. */
  readonly patient?: string | null;
};

export type Asker = {
  readonly ask: (role: Role, api: Api, method: string, path: string, expected?: Expected) => Promise<Reply>;
  /** What is wrong with the events of all that was asked since. */
  readonly auditFaults: () => Promise<string[]>;
};

const actions: Readonly<Record<string, string>> = { GET: 'R', POST: 'C', PUT: 'U', DELETE: 'D' };

/** Asks as a ward's roles, and notes what the trail has to tell of it. */
export function askerOf(server: TestServer, ward: Ward): Asker {
  const noted: Told[] = [];

  async function ask(role: Role, api: Api, method: string, path: string, expected: Expected = {}): Promise<Reply> {
    const { body, headers = {}, action = actions[method] ?? 'E', entity, patient = ward.patient } = expected;
    const id = randomUUID();
    const isRaw = body instanceof Uint8Array;
    const response = await fetch(api === 'v1' ? `${server.origin}/api/v1${path}` : `${server.base}${path}`, {
      method,
      headers: {
        ...ward.as[role],
        'x-request-id': id,
        ...(body === undefined || isRaw ? {} : { 'content-type': api === 'v1' ? 'application/json' : 'application/fhir+json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isRaw ? (body as never) : JSON.stringify(body) }),
    });
    const text = await response.text();
    const reply: Reply = {
      requestId: id,
      status: response.status,
      etag: response.headers.get('etag'),
      location: response.headers.get('location') ?? '',
      text,
      get json() {
        return text === '' ? {} : JSON.parse(text);
      },
    };
    const { status } = response;
    const of = typeof entity === 'function' ? (status < 300 ? entity(reply) : undefined) : entity;
    noted.push({
      id,
      line: `${role} ${api} ${method} ${path} → ${status}`,
      role,
      status,
      action,
      ...(of === undefined ? {} : { entity: of }),
      ...(patient === null ? {} : { patient }),
    });
    return reply;
  }

  async function auditFaults(): Promise<string[]> {
    const faults: string[] = [];
    while (noted.length > 0) {
      const some = noted.splice(0, 40);
      const { json } = await server.request('GET', `/AuditEvent?entity:identifier=${some.map(({ id }) => id).join(',')}&_count=1000`);
      const texts = ((json.entry ?? []) as { readonly resource: AuditEvent }[]).map(({ resource }) => resource);
      for (const told of some) {
        const events = texts.filter(({ entity }) => entity?.some(({ what }) => what?.identifier?.value === told.id));
        for (const fault of faultsOf(told, events, ward.agent[told.role])) faults.push(`${told.line}: ${fault}`);
      }
    }
    return faults;
  }

  return { ask, auditFaults };
}

type AuditEvent = {
  readonly action: string;
  readonly outcome: string;
  readonly outcomeDesc?: string;
  readonly agent: readonly object[];
  readonly entity?: readonly {
    readonly what?: { readonly reference?: string; readonly identifier?: { readonly value: string } };
    readonly role?: { readonly code: string };
  }[];
};

const named = ({ entity }: AuditEvent, code: string): string[] =>
  (entity ?? []).flatMap(({ role, what }) => (role?.code === code && what?.reference !== undefined ? [what.reference] : []));

function faultsOf(told: Told, events: readonly AuditEvent[], agent: string): string[] {
  if (events.length === 0) return ['it left no event'];
  const faults = events.some(({ agent: agents }) => !JSON.stringify(agents).includes(agent)) ? [`an event has not the agent ${agent}`] : [];
  const done = events.filter(({ outcome }) => outcome === '0');
  if (told.status >= 400) {
    const refused = events.filter(({ outcome, outcomeDesc }) => outcome === '4' && outcomeDesc !== undefined);
    if (refused.length === 0) faults.push(`no event says that it was refused: ${events.map(({ outcome }) => outcome).join()}`);
    if (done.some(({ action }) => 'CUD'.includes(action))) faults.push('an event says that something was written');
    return faults;
  }
  const { action, entity, patient } = told;
  const fits = done.filter((each) => each.action === action && (entity === undefined || isOf(named(each, '4'), entity)));
  if (fits.length === 0)
    faults.push(`no event says ${action} of ${entity}: ${events.map((each) => `${each.action} ${named(each, '4').join()}`).join('; ')}`);
  if (patient !== undefined && !fits.some((each) => named(each, '1').includes(`Patient/${patient}`)))
    faults.push('no event names the patient');
  if (events.some(({ outcome }) => outcome === '8')) faults.push('an event says that something failed');
  return faults;
}

/** With a version or without. */
const isOf = (references: readonly string[], entity: string): boolean =>
  references.some((each) => each === entity || each.startsWith(`${entity}/_history/`));
