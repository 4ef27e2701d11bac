import { scopeList } from '../../authorization/scope-grants.ts';

/** No scope holds it: what has it is answered with `invalid_scope`. */
const noScope = '"';

/**
 * An app's request, as the authorization server understands it: `aud` is its `resource`, and `offline_access` needs a prompt there that
 * SMART's apps don't ask for.
 *
 * @param base  the FHIR base. With a slash at its end it means the same
 */
export function authorizeParameters(asked: URLSearchParams, base: string): URLSearchParams {
  const params = new URLSearchParams(asked);
  const [aud, resource] = [asked.getAll('aud'), asked.getAll('resource')];
  if (aud.length <= 1 && resource.length <= 1) {
    const named = [...aud, ...resource].map((each) => audienceOf(each, base));
    // Of two that differ, one is not ours: that one is refused.
    const settled = named.find((each) => each !== base) ?? named[0];
    if (settled !== undefined) params.set('resource', settled);
  }
  params.delete('aud');
  const [scope, ...more] = asked.getAll('scope');
  if (scope === undefined || more.length > 0) return params;
  const scopes = scopeList(scope);
  if (scopes === undefined) {
    params.set('scope', noScope);
    return params;
  }
  const prompt = params.get('prompt');
  if (scopes.includes('offline_access') && params.getAll('prompt').length <= 1 && !/\b(?:none|consent)\b/.test(prompt ?? ''))
    params.set('prompt', prompt === null || prompt === '' ? 'consent' : `${prompt} consent`);
  // Without `openid` nothing is signed that could hold it.
  if (!scopes.includes('openid')) params.delete('nonce');
  return params;
}

/** The one rule about slashes: the base may have one at its end. Nothing else is made equal. */
export function audienceOf(named: string, base: string): string {
  return named === `${base}/` ? base : named;
}
