import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JWTPayload } from 'jose';
import type { SecurityEvents } from '../../authorization/security-events.ts';
import { answerJson, readForm } from './forms.ts';
import type { Bearer } from './launch-endpoint.ts';

export type IntrospectionOptions = {
  readonly bearerOf: (incoming: IncomingMessage) => Promise<Bearer | undefined>;
  readonly events: SecurityEvents;
  readonly claimsOf: (token: string) => Promise<JWTPayload | undefined>;
  readonly isGranted: (grantId: string) => Promise<boolean>;
};

const nothing = { active: false };

/**
 * Introspection for who has a token in place of a client's credentials: of tokens of the same client, and of all with the scope
 * `introspect`. Of anything else, and of what is not in force, it tells the same.
 *
 * @see https://hl7.org/fhir/smart-app-launch/token-introspection.html
 */
export async function introspectByBearer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  options: IntrospectionOptions,
): Promise<void> {
  const form = await readForm(incoming);
  const bearer = await options.bearerOf(incoming);
  if (bearer === undefined) {
    await options.events({ kind: 'introspection-refused', outcome: 4, detail: 'invalid_token' });
    answerJson(outgoing, 401, { error: 'invalid_token' }, { 'www-authenticate': 'Bearer error="invalid_token"' });
    return;
  }
  const token = form.get('token');
  if (token === null || token === '') {
    answerJson(outgoing, 400, { error: 'invalid_request', error_description: "missing required parameter 'token'" });
    return;
  }
  const claims = await options.claimsOf(token);
  const mayKnow = claims?.['client_id'] === bearer.clientId || bearer.scopes.includes('introspect');
  const grantId = claims?.['gid'];
  const isLive = claims !== undefined && (typeof grantId !== 'string' || (await options.isGranted(grantId)));
  if (claims !== undefined && !mayKnow)
    await options.events({ kind: 'introspection-refused', outcome: 4, client: bearer.clientId, detail: 'not-its-own' });
  if (!mayKnow || !isLive) {
    answerJson(outgoing, 200, nothing);
    return;
  }
  const { gid: _gid, ...told } = claims;
  answerJson(outgoing, 200, { ...told, active: true, token_type: 'Bearer' });
}
