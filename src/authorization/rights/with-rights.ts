import { type Access, type AccessContext, accessOf } from '../access.ts';
import type { Caller } from '../authenticate.ts';
import type { Grant } from '../grant.ts';
import { type Circumstances, type CircumstanceHeaders, circumstancesOf, noCircumstances } from './circumstances.ts';
import type { Rights, RightsOf } from './rights.ts';

export type WithRightsOptions = {
  readonly rights: RightsOf;
  readonly context: AccessContext;
  /** Roles that may break the glass. */
  readonly breakers: readonly string[];
  /** Told of each request that breaks it. */
  readonly onBreakGlass: (grant: Grant) => void;
};

/** Access is computed anew after this long, though nothing was written. */
const accessMs = 10_000;

/** Consents begin and end with time alone: what was computed before holds until then. */
function accessUntil({ turns }: Rights, now: number): number {
  return Math.min(now + accessMs, turns.find((turn) => turn > now) ?? Number.POSITIVE_INFINITY);
}

/** Who calls, with the access that his scopes and his rights together give him at this moment. */
export function withRights<H, Others extends readonly unknown[]>(
  authenticate: (headers: H, ...others: Others) => Promise<Caller>,
  { rights, context, breakers, onBreakGlass }: WithRightsOptions,
): (headers: H, ...others: Others) => Promise<Caller> {
  const known = new WeakMap<
    Grant,
    { readonly access: Access; readonly registry: unknown; readonly fingerprint: string; readonly until: number }
  >();

  function accessFor(grant: Grant, held: Rights, circumstances: Circumstances): Access {
    if (circumstances !== noCircumstances) return accessOf(grant, context, held, circumstances);
    const { registry } = context;
    const found = known.get(grant);
    if (found !== undefined && found.fingerprint === held.fingerprint && found.registry === registry && found.until > Date.now())
      return found.access;
    const now = Date.now();
    const access = accessOf(grant, context, held);
    known.set(grant, { access, registry, fingerprint: held.fingerprint, until: accessUntil(held, now) });
    return access;
  }

  return async (headers, ...others) => {
    const { grant } = await authenticate(headers, ...others);
    const circumstances = circumstancesOf(grant, headers as CircumstanceHeaders, breakers);
    const held = rights.of(grant);
    const access = accessFor(grant, held instanceof Promise ? await held : held, circumstances);
    if (circumstances.breakGlass !== undefined) onBreakGlass(grant);
    return { grant, access };
  };
}
