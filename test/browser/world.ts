import { TOTP } from 'otpauth';
import type { Role } from '../../src/authorization/roles.ts';
import type { User } from '../../src/authorization/users.ts';
import { addApp, password } from '../oauth/launching.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { clientId, type SmartApp, startSmartApp } from './smart-app.ts';

export type World = TestServer & {
  readonly app: SmartApp;
  readonly user: (login: string, name: string, roles: readonly Role[], fhirUser?: string) => Promise<User>;
};

const observationCategory = 'http://terminology.hl7.org/CodeSystem/observation-category';

/** A server with two patients and their records, and an app of a stranger that is registered there. */
export async function openWorld(env: Readonly<Record<string, string>> = {}): Promise<World> {
  const [server, app] = await Promise.all([startTestServer({ CARE_RELATIONSHIPS: 'all', ...env }), startSmartApp()]);
  const put = async (type: string, id: string, resource: object): Promise<void> => {
    const { status, text } = await server.request('PUT', `/${type}/${id}`, { body: { resourceType: type, id, ...resource } });
    if (status !== 201) throw new Error(text);
  };
  await put('Patient', 'pa', { name: [{ family: 'Alder', given: ['Ada'] }], birthDate: '1970-05-17', gender: 'female' });
  await put('Patient', 'pb', { name: [{ family: 'Birch', given: ['Bob'] }], birthDate: '1980-01-31', gender: 'male' });
  await put('Practitioner', 'dr', { name: [{ family: 'House', given: ['Gregory'] }] });
  const observation = (patient: string, category: string, text: string, value: number, unit: string): object => ({
    status: 'final',
    category: [{ coding: [{ system: observationCategory, code: category }] }],
    code: { text },
    subject: { reference: `Patient/${patient}` },
    effectiveDateTime: '2026-03-01T08:00:00Z',
    valueQuantity: { value, unit },
  });
  await put('Observation', 'oa-lab', observation('pa', 'laboratory', 'Haemoglobin', 13.9, 'g/dL'));
  await put('Observation', 'oa-vit', observation('pa', 'vital-signs', 'Body weight', 68, 'kg'));
  await put('Observation', 'ob', observation('pb', 'laboratory', 'Haemoglobin', 15.1, 'g/dL'));
  await put('Condition', 'ca', { code: { text: 'Hay fever' }, subject: { reference: 'Patient/pa' } });
  await put('Encounter', 'ea', {
    status: 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB', display: 'ambulatory' },
    subject: { reference: 'Patient/pa' },
    participant: [{ individual: { reference: 'Practitioner/dr' } }],
    period: { start: '2026-03-01T08:00:00Z', end: '2026-03-01T08:30:00Z' },
  });
  await addApp(server, clientId, { client_name: 'Growth Chart', redirect_uris: [app.redirectUri] });
  return {
    ...server,
    app,
    async user(login, name, roles, fhirUser) {
      const user = await server.services.users.add({ login, name, roles, password, ...(fhirUser === undefined ? {} : { fhirUser }) });
      if (typeof user === 'string') throw new Error(user);
      return user;
    },
    async stop() {
      app.stop();
      await server.stop();
    },
  };
}

/** Gives a user a second factor. @returns the code of now */
export async function withSecondFactor({ services: { users } }: World, user: User): Promise<() => string> {
  const { secret } = users.beginEnrolment(user);
  const totp = new TOTP({ secret });
  // By the code of the step before: the one of now is still good.
  if ((await users.enrol(user, secret, totp.generate({ timestamp: Date.now() - 30_000 }))) === undefined) throw new Error('not enrolled');
  return () => totp.generate();
}
