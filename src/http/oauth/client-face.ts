import type { Client } from 'oidc-provider';
import type { ClientFace } from './interaction.ts';

const nameLengthMax = 100;

export function faceOf(client: Client): ClientFace {
  const { clientId, clientName, clientUri, policyUri, tosUri, redirectUris = [] } = client;
  const origins = redirectUris.map((uri) => {
    const url = new URL(uri);
    return /^https?:$/.test(url.protocol) ? url.origin : url.protocol;
  });
  return {
    id: clientId,
    name: (clientName ?? clientId).slice(0, nameLengthMax),
    origins: [...new Set(origins)],
    ...(clientUri === undefined ? {} : { clientUri }),
    ...(policyUri === undefined ? {} : { policyUri }),
    ...(tosUri === undefined ? {} : { tosUri }),
  };
}
