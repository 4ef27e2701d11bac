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

/** Consents begin and end with time alone: access is computed anew after this long, though nothing was written. */
const accessMs = 10_000;

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
    const access = accessOf(grant, context, held);
    known.set(grant, { access, registry, fingerprint: held.fingerprint, until: Date.now() + accessMs });
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
