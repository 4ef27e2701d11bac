import type { AdapterPayload } from 'oidc-provider';
import type { ClientMetadata } from '../../storage/oauth-clients.ts';

/** `scope` knows only words from a list; SMART's scopes are a grammar. So a client's are kept under a name of their own. */
export const scopeProperty = 'fhir_scope';

/** What the authorization server gives to be stored, without what it keeps apart. */
export function clientOfMetadata(payload: AdapterPayload): { readonly metadata: ClientMetadata; readonly secret: string | undefined } {
  const { client_secret: secret, client_id: _id, [scopeProperty]: scope, ...rest } = payload as Record<string, unknown>;
  const metadata = { ...rest, ...(typeof scope === 'string' ? { scope } : {}) };
  return { metadata, secret: typeof secret === 'string' ? secret : undefined };
}

/** What was stored, as the authorization server reads it: with the hash of the secret in the secret's place. */
export function metadataOfClient(id: string, metadata: ClientMetadata, secretHash: string | undefined): AdapterPayload {
  const { scope, ...rest } = metadata;
  const read: Record<string, unknown> = {
    ...rest,
    ...(typeof scope === 'string' ? { [scopeProperty]: scope } : {}),
    client_id: id,
    ...(secretHash === undefined ? {} : { client_secret: secretHash }),
  };
  return read;
}

/** The scopes a client is registered for; undefined where it was registered without. */
export function registeredScopes(client: object): readonly string[] | undefined {
  const text = (client as Record<string, unknown>)[scopeProperty];
  return typeof text === 'string' ? text.split(' ').filter((each) => each !== '') : undefined;
}

/** What a stored grant is for. @param base  whom its tokens are for */
export function grantedScopes(payload: Readonly<Record<string, unknown>>, base: string): readonly string[] {
  const { resources } = payload as { readonly resources?: Readonly<Record<string, string>> };
  return (resources?.[base] ?? '').split(' ').filter((each) => each !== '');
}
