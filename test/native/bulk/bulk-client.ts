import { setTimeout as wait } from 'node:timers/promises';
import type { Answered, TestServer } from '../../support/server.ts';

export type ImportAnswer = {
  readonly state: string;
  readonly accepted: number;
  readonly refused: number;
  readonly percent: number;
  readonly errors: readonly { readonly line: number; readonly field: string; readonly code: string; readonly message: string }[];
  readonly errors_next: number | null;
  readonly quarantine: string | null;
};

type Body = string | Uint8Array | AsyncIterable<Uint8Array>;

/** Asks the native API as one caller. */
export type BulkClient = {
  readonly get: (path: string) => Promise<Answered>;
  readonly remove: (path: string) => Promise<Answered>;
  readonly post: (path: string, type: string, body: Body | undefined, headers?: Readonly<Record<string, string>>) => Promise<Answered>;
  /** Imports a file and waits for the end. */
  readonly imported: (
    type: string,
    body: Body,
    query?: string,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<{ readonly id: string; readonly job: ImportAnswer }>;
  readonly ended: (id: string, kind?: 'import' | 'export') => Promise<ImportAnswer>;
  readonly list: (query: string) => Promise<readonly Record<string, unknown>[]>;
};

export async function bulkClient(server: Pick<TestServer, 'origin' | 'token'>, token?: string): Promise<BulkClient> {
  const bearer = token ?? (await server.token({ scope: 'system/*.cruds' }));

  async function ask(method: string, path: string, headers: Readonly<Record<string, string>> = {}, body?: Body): Promise<Answered> {
    const init = {
      method,
      headers: { authorization: `Bearer ${bearer}`, ...headers },
      ...(body === undefined ? {} : { body, duplex: 'half' }),
    };
    const response = await fetch(`${server.origin}/api/v1${path}`, init as RequestInit);
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      get json() {
        return JSON.parse(text);
      },
    };
  }

  async function ended(id: string, kind: 'import' | 'export' = 'import'): Promise<ImportAnswer> {
    for (;;) {
      const { status, json, text } = await ask('GET', `/${kind}/${id}`);
      if (status !== 200) throw new Error(`${status} ${text}`);
      if (!['queued', 'running'].includes(json.state)) return json;
      await wait(50);
    }
  }

  return {
    get: (path) => ask('GET', path),
    remove: (path) => ask('DELETE', path),
    post: (path, type, body, headers = {}) => ask('POST', path, { 'content-type': type, ...headers }, body),
    async imported(type, body, query = '', headers = {}) {
      const answer = await ask('POST', `/import?${query}`, { 'content-type': type, ...headers }, body);
      if (answer.status !== 202) throw new Error(`${answer.status} ${answer.text}`);
      const id = answer.json.job_id as string;
      return { id, job: await ended(id) };
    },
    ended,
    list: async (query) => (await ask('GET', `/patients?${query}`)).json.data,
  };
}
