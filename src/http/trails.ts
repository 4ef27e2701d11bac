import { type Circumstances, noCircumstances } from '../authorization/rights/circumstances.ts';
import type { Attempt } from '../authorization/attempt.ts';
import type { Authenticate, Caller } from '../authorization/authenticate.ts';
import type { Grant } from '../authorization/grant.ts';
import type { AuditedAgent, AuditKind } from '../audit/event.ts';
import { type Asked, eventsOf, type Trail } from '../audit/trail.ts';
import { isId } from '../fhir/references.ts';
import type { Context } from '../interactions/context.ts';
import { namesIn, queryAsked, versionAsked } from '../interactions/leaving.ts';
import type { Registry } from '../search/registry.ts';
import { type Exchange, ifNoneExistOf, queryOf } from './exchange.ts';

/** The trail of a request whose caller isn't known yet. */
export function beginTrail(c: Exchange, kind: AuditKind, registry: Registry, address: string): Trail {
  return { requestId: c.var.requestId, agent: { address, purposes: [] }, asked: askedAt(c, kind, registry) };
}

/** What lists or matches by what the query says. */
const queried: ReadonlySet<AuditKind> = new Set([
  'search-type',
  'search-system',
  'history-instance',
  'history-type',
  'history-system',
  'operation',
  'unknown-interaction',
]);
const conditional: ReadonlySet<AuditKind> = new Set(['create', 'update', 'patch', 'delete']);

function askedAt(c: Exchange, kind: AuditKind, registry: Registry): Asked {
  const { type, id, version, member, operation } = c.req.param() as Readonly<Record<string, string | undefined>>;
  if (member !== undefined) {
    const of = registry.isType(member)
      ? ({ kind, data: { type: member } } as const)
      : ({ kind: member === '*' ? 'search-system' : kind } as const);
    return { ...of, query: queryAsked(lineOf(c), namesIn(queryOf(c))) };
  }
  const asked = { kind, ...dataAt(registry, type, id, version), ...(operation === undefined ? {} : operationAt(operation)) };
  const condition = conditional.has(kind) ? conditionOf(c, id) : undefined;
  if (condition !== undefined) return { ...asked, query: queryAsked(`${lineOf(c)}${condition.line}`, namesIn(condition.text)) };
  return queried.has(kind) ? { ...asked, query: queryAsked(lineOf(c), namesIn(queryOf(c))) } : asked;
}

/** Of what was sent, only what can be a type and an id. */
function dataAt(registry: Registry, type: string | undefined, id: string | undefined, version: string | undefined): Pick<Asked, 'data'> {
  if (type === undefined || !registry.isType(type)) return {};
  if (id === undefined || !isId(id)) return { data: { type } };
  return { data: version === undefined ? { type, id } : versionAsked(type, id, version) };
}

function operationAt(name: string): Pick<Asked, 'operation'> {
  const code = name.slice(1);
  return /^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(code) ? { operation: code } : {};
}

function conditionOf(c: Exchange, id: string | undefined): { readonly line: string; readonly text: string } | undefined {
  const ifNoneExist = c.req.method === 'POST' ? ifNoneExistOf(c) : undefined;
  if (ifNoneExist !== undefined) return { line: `\nIf-None-Exist: ${ifNoneExist}`, text: ifNoneExist };
  return id === undefined && c.req.method !== 'POST' ? { line: '', text: queryOf(c) } : undefined;
}

function lineOf(c: Exchange): string {
  return `${c.req.method} ${c.env.incoming.url ?? ''}`;
}

/** The trail of a search whose parameters came as a form. */
export function withForm(trail: Trail, form: string): Trail {
  const { query } = trail.asked;
  if (form === '' || query === undefined) return trail;
  const names = [...query.parameters.split(', '), ...namesIn(form)];
  return { ...trail, asked: { ...trail.asked, query: queryAsked(`${query.line}\n\n${form}`, names) } };
}

/**
 * Tells the trail who asks, before it is judged what he may do: who is refused for that is known all the same. An opening of a record in
 * an emergency is recorded before anything of it is read.
 */
export async function authenticateFor(
  { audit }: Context,
  c: Exchange,
  address: string,
  authenticate: Authenticate,
  attempt: Attempt,
): Promise<Caller> {
  const tell = (grant: Grant, circumstances: Circumstances): void =>
    c.set('trail', { ...c.var.trail, agent: agentOf(grant, circumstances, address) });
  const caller = await authenticate(c.env.incoming.headers, { ...attempt, known: (grant) => tell(grant, noCircumstances) });
  tell(caller.grant, caller.access.circumstances);
  c.set('caller', caller);
  const broken = breakGlassTrail(c.var.trail, caller);
  if (broken !== undefined) await audit.record(await eventsOf(audit, broken, { code: 0 }));
  return caller;
}

type KnownAgent = { readonly agent: AuditedAgent; readonly address: string; readonly purposes: readonly string[] };

const agents = new WeakMap<Grant, KnownAgent>();

/** Who asks, once he is known. The same object for all that he asks from one address with one token. */
function agentOf(grant: Grant, { purposes, breakGlass }: Circumstances, address: string): AuditedAgent {
  if (breakGlass !== undefined) return { ...makeAgent(grant, purposes, address), emergency: breakGlass.reason };
  const known = agents.get(grant);
  if (known?.address === address && known.purposes === purposes) return known.agent;
  const agent = makeAgent(grant, purposes, address);
  agents.set(grant, { agent, address, purposes });
  return agent;
}

/** A client that acts for itself is no user. */
function makeAgent(grant: Grant, purposes: readonly string[], address: string): AuditedAgent {
  const { issuer, subject, clientId, fhirUser, roles, tokenId } = grant;
  const isUser = subject !== '' && (subject !== clientId || fhirUser !== undefined);
  return {
    ...(isUser ? { user: { issuer, subject, roles, ...(fhirUser === undefined ? {} : { fhirUser }) } } : {}),
    ...(clientId === '' ? {} : { client: clientId }),
    ...(tokenId === undefined ? {} : { tokenId }),
    address,
    purposes,
  };
}

/** Whose record the caller opens in an emergency, as an event of its own beside what he does with it. */
function breakGlassTrail(trail: Trail, { access }: Caller): Trail | undefined {
  const { breakGlass } = access.circumstances;
  return breakGlass === undefined
    ? undefined
    : { ...trail, asked: { kind: 'break-glass', data: { type: 'Patient', id: breakGlass.patient } } };
}
