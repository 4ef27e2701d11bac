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

/** A token with all rights, of somebody who hasn't called yet. */
export const everything = (server: TestServer, patient = 'unknown-1'): Promise<string> =>
  server.token({ scope: 'user/*.cruds', user: `Practitioner/u${++users}`, roles: ['admin'], patient });

/** Asks as the contract has it, with what is needed and a change; ids are those of nothing. */
export async function ask(
  server: TestServer,
  { method, path, parameters, body }: DescribedOperation,
  sample: unknown,
  change: Change = {},
): Promise<Asked> {
  const token = change.token === undefined ? await everything(server) : change.token;
  const required = parameters.filter((each) => each.required === true);
  const headers: Record<string, string | undefined> = {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': Object.keys(body.content)[0] }),
    ...(required.some(({ name }) => name === 'If-Match') ? { 'if-match': 'W/"1"' } : {}),
    ...change.headers,
  };
  const needed = required.filter((each) => each.in === 'query');
  const query = needed.map(({ name, schema }) => `${name}=${String((schema.enum as string[] | undefined)?.[0] ?? 'unknown-1')}`);
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
