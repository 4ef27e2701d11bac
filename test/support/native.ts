import { afterAll } from 'vitest';
import { startTestServer, type TestServer } from './server.ts';

export type NativeOptions = {
  readonly body?: unknown;
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
};

export type NativeAnswered = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into arbitrary answers
  readonly json: any;
};

export type NativeClient = (method: string, path: string, options?: NativeOptions) => Promise<NativeAnswered>;

/** Requests to the native API of a test server, with this token unless another is given; null: without one. */
export function nativeClient(server: TestServer, own: string): NativeClient {
  return async (method, path, { body, token = own, headers: more = {} } = {}) => {
    const headers: Record<string, string> = { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...more };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const response = await fetch(`${server.origin}/api/v1${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: text === '' ? undefined : JSON.parse(text) };
  };
}

/** Two patients, a practitioner, and a token of each kind of user; providers and viewers care for everybody. */
export async function hospital(server: TestServer) {
  const made = async (body: { resourceType: string }): Promise<string> => {
    const { status, json } = await server.request('POST', `/${body.resourceType}`, { body });
    if (status !== 201) throw new Error(`${body.resourceType}: ${status}`);
    return json.id as string;
  };
  const patient = await made({
    resourceType: 'Patient',
    name: [{ family: 'Lovelace' }],
    gender: 'female',
    birthDate: '1985-12-10',
  } as never);
  const other = await made({ resourceType: 'Patient', name: [{ family: 'Babbage' }] } as never);
  const doctor = await made({ resourceType: 'Practitioner', name: [{ family: 'Hopper', given: ['Grace'] }] } as never);
  const colleague = await made({ resourceType: 'Practitioner', name: [{ family: 'Hamilton' }] } as never);
  const scope = 'user/*.cruds';
  return {
    patient,
    other,
    doctor,
    colleague,
    tokens: {
      system: await server.token(),
      admin: await server.token({ scope, user: 'Practitioner/boss', roles: ['admin'] }),
      provider: await server.token({ scope, user: `Practitioner/${doctor}`, roles: ['provider'] }),
      colleague: await server.token({ scope, user: `Practitioner/${colleague}`, roles: ['provider'] }),
      viewer: await server.token({ scope, user: `Practitioner/${colleague}`, roles: ['viewer'] }),
      patient: await server.token({ scope, user: `Patient/${patient}`, roles: ['patient'] }),
      other: await server.token({ scope, user: `Patient/${other}`, roles: ['patient'] }),
    },
  };
}

/** A server of a file's own with a hospital in it, asked as one of its users unless another token is given; it stops after the file. */
export async function openHospital(user: keyof Awaited<ReturnType<typeof hospital>>['tokens'], env: Readonly<Record<string, string>> = {}) {
  const server = await startTestServer({ CARE_RELATIONSHIPS: 'all', ...env });
  afterAll(() => server.stop());
  const house = await hospital(server);
  return { server, house, v1: nativeClient(server, house.tokens[user]) };
}
