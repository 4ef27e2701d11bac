import createClient, { type Client } from 'openapi-fetch';
import type { paths } from './api-types.ts';
import type { Credentials } from './credentials.ts';

export type NativeClient = Client<paths>;

/**
 * The native API, typed by its contract: `await client.GET('/patients/{id}', { params: { path: { id } } })`.
 *
 * @param baseUrl  `https://ehr.example/api/v1`
 */
export function nativeClient({ baseUrl, credentials }: { readonly baseUrl: string; readonly credentials: Credentials }): NativeClient {
  const client = createClient<paths>({ baseUrl });
  client.use({
    async onRequest({ request }) {
      for (const [name, value] of Object.entries(await credentials())) request.headers.set(name, value);
      return request;
    },
  });
  return client;
}
