import { isKind } from './kinds.ts';

/** An event in plain words: who did what to which kind of data, with what, why, and whether it came about. */
export type Told = {
  readonly when: string;
  readonly who: string;
  readonly role: string;
  readonly app: string;
  readonly what: string;
  readonly why: string;
  readonly outcome: 'done' | 'refused or failed';
};

const verbs: Readonly<Record<string, string>> = {
  read: 'read',
  vread: 'read an earlier version of',
  create: 'added',
  update: 'changed',
  patch: 'changed',
  delete: 'removed',
  'history-instance': 'looked at the history of',
  'history-type': 'looked at the history of',
  'history-system': 'looked at the history of',
  'search-type': 'searched and saw',
  'search-system': 'searched and saw',
  search: 'searched and saw',
  operation: 'asked for',
  batch: 'sent several requests about',
  transaction: 'changed together',
  'security-alert': 'gave rise to an alert about',
};

const reasons: Readonly<Record<string, string>> = {
  TREAT: 'treatment',
  ETREAT: 'treatment in an emergency',
  BTG: 'an emergency that went before the usual rights',
  HPAYMT: 'payment',
  HOPERAT: 'running the hospital or practice',
  HRESCH: 'research',
  PUBHLTH: 'public health',
  PATRQT: "the patient's request",
  FAMRQT: "the family's request",
};

type Coding = { readonly code?: string; readonly display?: string };
type Concept = { readonly coding?: readonly Coding[]; readonly text?: string };
type Reference = {
  readonly reference?: string;
  readonly type?: string;
  readonly display?: string;
  readonly identifier?: { readonly value?: string };
};

/** As much of an AuditEvent, ours or another's, as words are made of. */
export type WordedEvent = {
  readonly type?: Coding;
  readonly subtype?: readonly Coding[];
  readonly recorded?: string;
  readonly outcome?: string;
  readonly purposeOfEvent?: readonly Concept[];
  readonly agent?: readonly {
    readonly who?: Reference;
    readonly name?: string;
    readonly requestor?: boolean;
    readonly role?: readonly Concept[];
    readonly type?: Concept;
    readonly purposeOfUse?: readonly Concept[];
  }[];
  readonly entity?: readonly {
    readonly what?: Reference;
    readonly type?: Coding;
    readonly role?: Coding;
    readonly description?: string;
  }[];
};

export function inWords(event: WordedEvent): Told {
  const agents = event.agent ?? [];
  const requestor = agents.find((agent) => agent.requestor === true) ?? agents[0];
  const app = agents.find(({ type, requestor: asked }) => asked !== true && isClient(type));
  const purposes = [...(requestor?.purposeOfUse ?? []), ...(event.purposeOfEvent ?? [])].flatMap(({ coding, text }) =>
    (coding ?? []).map(({ code = '', display }) => reasons[code] ?? display ?? text ?? code),
  );
  return {
    when: event.recorded ?? '',
    who: requestor === undefined ? 'somebody unknown' : nameOf(requestor.name, requestor.who),
    role: (requestor?.role ?? []).map(({ coding, text }) => text ?? coding?.[0]?.display ?? coding?.[0]?.code ?? '').join(', '),
    app: app === undefined ? '' : nameOf(undefined, app.who),
    what: `${verbOf(event)} ${dataOf(event)}`,
    why: [...new Set(purposes)].join(', '),
    outcome: isAlert(event) || event.outcome === undefined || event.outcome === '0' ? 'done' : 'refused or failed',
  };
}

/** Of an alert the outcome says how grave it is. */
const isAlert = ({ subtype = [] }: WordedEvent): boolean => subtype.some(({ code }) => code === 'security-alert');

/** One sentence. */
export function sentenceOf(told: Told): string {
  const { when, who, role, app, what, why, outcome } = told;
  const whom = role === '' ? who : `${who} (${role})`;
  const did = outcome === 'done' ? what : `was refused, or failed, when trying: ${what}`;
  return `${when.slice(0, 19).replace('T', ' ')} UTC: ${whom} ${did}${app === '' ? '' : `, with ${app}`}${why === '' ? '' : `, for ${why}`}.`;
}

const clientCodes = new Set(['110150', '110152', '110153']);

/** The server is told by a URL; a client by what it is registered as. */
const isClient = (type: Concept | undefined): boolean => (type?.coding ?? []).some(({ code = '' }) => clientCodes.has(code));

function nameOf(name: string | undefined, who: Reference | undefined): string {
  return name ?? who?.display ?? who?.reference ?? who?.identifier?.value ?? 'somebody unknown';
}

function verbOf({ subtype = [], type }: WordedEvent): string {
  for (const { code = '' } of subtype) {
    const verb = verbs[code];
    if (verb !== undefined) return verb;
  }
  const [first] = subtype;
  const words = first?.display ?? type?.display ?? first?.code ?? type?.code ?? 'something';
  return isKind(first?.code ?? '') ? words : `did “${words}” on`;
}

/** The kinds of data, never their ids. */
function dataOf({ entity = [] }: WordedEvent): string {
  const types = entity.flatMap(({ what, role }) => (role?.code === '1' ? [] : (typeOf(what) ?? [])));
  const asked = entity.flatMap(({ role, description = '' }) =>
    role?.code === '24' ? [/^[A-Za-z]+/.exec(description)?.[0] ?? []].flat() : [],
  );
  const operations = entity.flatMap(({ role, description }) => (role?.code === '20' && description !== undefined ? [description] : []));
  const all = [...new Set([...operations, ...types, ...asked])].map(wordsOf);
  return all.length === 0 ? 'the record' : all.join(', ');
}

const typeOf = (what: Reference | undefined): string | undefined => what?.type ?? /^([A-Z][A-Za-z]+)\//.exec(what?.reference ?? '')?.[1];

/** `MedicationRequest` as `medication request`. */
const wordsOf = (type: string): string => (type.startsWith('$') ? type : type.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase());
