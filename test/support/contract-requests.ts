import type { DescribedOperation } from './contract.ts';
import type { TestServer } from './server.ts';

export type Asked = { readonly status: number; readonly headers: Headers; readonly json: Readonly<Record<string, unknown>> };

export type Change = {
  readonly token?: string | null;
  readonly query?: string;
  /** A header is left out by undefined. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly id?: string;
  readonly body?: string;
};

let users = 0;

/** A token with all rights, of somebody who hasn't called yet; in the name of a patient where there is one. */
export const everything = (server: TestServer, patient?: string): Promise<string> =>
  server.token({
    scope: 'user/*.cruds',
    user: `Practitioner/u${++users}`,
    roles: ['admin'],
    ...(patient === undefined ? {} : { patient }),
  });

/** Makes the patients and providers that these bodies name. */
export async function makeNamed(server: TestServer, bodies: readonly unknown[]): Promise<void> {
  const named = JSON.stringify(bodies).matchAll(/"(patient|provider|prescriber|author)_id":"([A-Za-z0-9\-.]+)"/g);
  for (const [, role, id] of new Map([...named].map((found) => [found[0], found])).values()) {
    const resourceType = role === 'patient' ? 'Patient' : 'Practitioner';
    await server.request('PUT', `/${resourceType}/${id}`, { body: { resourceType, id } });
  }
}

/** Asks as the contract has it, with what is needed and a change; ids are those of nothing. */
export async function ask(
  server: TestServer,
  { method, path, parameters, body }: DescribedOperation,
  sample: unknown,
  change: Change = {},
): Promise<Asked> {
  const self = path.includes('/me') ? 'unknown-1' : undefined;
  const token = change.token === undefined ? await everything(server, self) : change.token;
  const required = parameters.filter((each) => each.required === true);
  const headers: Record<string, string | undefined> = {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': (Object.keys(body.content)[0] ?? '').replace('*/*', 'application/pdf') }),
    ...(required.some(({ name }) => name === 'If-Match') ? { 'if-match': 'W/"1"' } : {}),
    ...change.headers,
  };
  const needed = required.filter((each) => each.in === 'query');
  const query = needed.map(({ name, schema }) => `${name}=${(schema.enum as string[] | undefined)?.[0] ?? 'unknown-1'}`);
  if (change.query !== undefined) query.push(change.query);
  const url = `${server.origin}/api/v1${path.replaceAll(/\{\w+\}/g, change.id ?? 'unknown-1')}?${query.join('&')}`;
  const known = Object.entries(headers).filter((each): each is [string, string] => each[1] !== undefined);
  const content = change.body ?? (body?.content['application/json'] === undefined ? 'x' : JSON.stringify(sample));
  const response = await fetch(url, {
    method,
    headers: Object.fromEntries(known),
    ...(body === undefined ? {} : { body: content }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: text === '' ? {} : (JSON.parse(text) as Asked['json']) };
}
