import { createServer } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { developmentKeyFileOf, signDevelopmentToken } from '../../src/authorization/development-issuer.ts';
import { loadConfig } from '../../src/config.ts';
import { startServer } from '../../src/server.ts';
import { openServices, type Services } from '../../src/services.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createDatabase } from './cluster.ts';

export type TokenOptions = {
  readonly scope?: string;
  readonly patient?: string;
  readonly user?: string;
  readonly roles?: readonly string[];
};

export type Answered = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; throws where it is none. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into arbitrary resources
  readonly json: any;
};

export type RequestOptions = {
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
};

type LogOutput = NonNullable<Parameters<typeof createLog>[1]>;

export type TestServer = {
  readonly base: string;
  readonly origin: string;
  readonly services: Services;
  readonly databaseUrl: string;
  readonly keyDatabaseUrl: string;
  readonly token: (options?: TokenOptions) => Promise<string>;
  /** `path` relative to the FHIR base (`/Patient/1`) or absolute. By default with a system/*.cruds token; objects are sent as FHIR JSON, strings as they are. */
  readonly request: (method: string, path: string, options?: RequestOptions) => Promise<Answered>;
  readonly stop: () => Promise<void>;
};

/**
 * A whole server over real HTTP and databases of its own on the run's clusters.
 *
 * @param env     overrides its configuration
 * @param output  where its log goes
 */
export async function startTestServer(env: Readonly<Record<string, string>> = {}, output?: LogOutput): Promise<TestServer> {
  const [main, keys, folder, port] = await Promise.all([
    createDatabase('main'),
    createDatabase('keys'),
    mkdtemp(join(tmpdir(), 'anamnesis-server-')),
    freePort(),
  ]);
  const config = loadConfig({
    NODE_ENV: 'test',
    PORT: String(port),
    DATABASE_URL: main.url,
    KEY_DATABASE_URL: keys.url,
    DATABASE_POOL_SIZE: '8',
    DATA_DIR: join(folder, 'data'),
    CACHE_DIR: join(import.meta.dirname, '..', '..', '.cache'),
    KEY_FILE: join(folder, 'keys', 'root.json'),
    LOG_LEVEL: 'error',
    ...env,
  });
  const services = await openServices(config, createLog(config, output));
  const server = await startServer(services);
  const base = config.baseUrl;
  const token = ({ scope = 'system/*.cruds', patient, user, roles }: TokenOptions = {}): Promise<string> =>
    signDevelopmentToken(developmentKeyFileOf(config), {
      scope,
      audience: base,
      expiresIn: 3600,
      ...(patient === undefined ? {} : { patient }),
      ...(user === undefined ? {} : { fhirUser: user }),
      ...(roles === undefined ? {} : { roles }),
    });
  const all = await token();

  async function request(method: string, path: string, options: RequestOptions = {}): Promise<Answered> {
    const { body } = options;
    const headers: Record<string, string> = { ...(options.token === null ? {} : { authorization: `Bearer ${options.token ?? all}` }) };
    if (body !== undefined) headers['content-type'] = 'application/fhir+json';
    const init: RequestInit = { method, headers: { ...headers, ...options.headers } };
    if (body !== undefined) init.body = typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body);
    const response = await fetch(path.startsWith('http') ? path : `${base}${path}`, init);
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

  return {
    base,
    origin: new URL(base).origin,
    services,
    databaseUrl: main.url,
    keyDatabaseUrl: keys.url,
    token,
    request,
    async stop() {
      await server.stop();
      await Promise.all([main.drop(), keys.drop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
