import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import type { Browser, Shown } from '../../support/browser.ts';
import {
  type OutsidePerson,
  type OutsideProviderRunning,
  outsideSecret,
  startOutsideProvider,
  throughOutside,
} from '../../support/outside-provider.ts';
import { freePort } from '../../support/server.ts';
import { openWorld, type World } from '../pages/world.ts';

export type OutsideWorld = World & {
  /** Leads to accounts that are here. */
  readonly hospital: OutsideProviderRunning;
  /** Makes accounts. */
  readonly region: OutsideProviderRunning;
  /** Signs in by one of them, with a new browser unless one is given, up to what is shown last here. */
  readonly signInBy: (provider: 'hospital' | 'region', person: OutsidePerson | undefined, browser?: Browser) => Promise<Shown>;
  /** An access token of the app, for who signs in by one of them. */
  readonly tokenBy: (provider: 'hospital' | 'region', person: OutsidePerson, scope: string) => Promise<string>;
  /** The address where a browser would come back with, still unopened. */
  readonly comingBack: (provider: 'hospital' | 'region', person: OutsidePerson, browser: Browser, place?: string) => Promise<URL>;
};

/** A server whose users may sign in by two outside providers. */
export async function openOutsideWorld(env: Readonly<Record<string, string>> = {}): Promise<OutsideWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'anamnesis-federation-'));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const [hospital, region] = await Promise.all(
    ['hospital', 'region'].map((id) => startOutsideProvider([`${origin}/oauth/sign-in/from/${id}`])),
  );
  if (hospital === undefined || region === undefined) throw new Error('two were started');
  const common = { clientId: 'anamnesis', scopes: ['profile', 'email'] };
  const providers = [
    { ...common, id: 'hospital', name: 'Hospital <b>One</b>', issuer: hospital.issuer, roles: ['patient', 'provider'] },
    {
      ...common,
      id: 'region',
      name: 'Region',
      issuer: region.issuer,
      accounts: 'create',
      roles: ['viewer', 'provider'],
      claims: { roles: 'groups', roleNames: { doctors: 'provider', clerks: 'viewer', chiefs: 'admin' }, fhirUser: 'record' },
      secondFactor: { amr: ['mfa'], acr: ['gold'] },
    },
  ];
  const file = join(folder, 'federation.json');
  await writeFile(file, JSON.stringify({ providers }));
  const world = await openWorld({
    PORT: String(port),
    FEDERATION_FILE: file,
    FEDERATION_SECRETS: JSON.stringify({ hospital: outsideSecret, region: outsideSecret }),
    ...env,
  });
  const running = { hospital, region };
  return {
    ...world,
    ...running,
    async signInBy(id, person, browser = world.browser()) {
      running[id].person = person;
      return throughOutside(browser, await browser.open(`/oauth/sign-in/with/${id}`), running[id]);
    },
    async tokenBy(id, person, scope) {
      const browser = world.browser();
      running[id].person = person;
      const login = await world.authorize(browser, scope);
      const consent = await throughOutside(browser, await browser.open(`${new URL(login.url).pathname}/with/${id}`), running[id]);
      const { left } = await browser.submit(consent, { form: '/decision', button: ['decision', 'allow'] });
      return (await world.exchange(left))['access_token'] as string;
    },
    async comingBack(id, person, browser, place = '/oauth/sign-in') {
      running[id].person = person;
      // A browser of another server's: it doesn't follow the last step.
      let at = (await browser.open(`${place}/with/${id}`)).left;
      const cookies = new Map<string, string>();
      for (let hops = 0; at !== undefined && at.origin === running[id].issuer && hops < 10; hops++) {
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
        const response = await fetch(at, { redirect: 'manual', headers: { cookie } });
        for (const line of response.headers.getSetCookie()) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
          cookies.set(name, value);
        }
        at = new URL(response.headers.get('location') ?? '', at);
      }
      if (at?.origin !== origin) throw new Error('it did not lead back');
      return at;
    },
    async stop() {
      await Promise.all([world.stop(), hospital.stop(), region.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
