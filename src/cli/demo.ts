import { operatorTrail } from '../audit/operator.ts';
import { makePassword } from '../authorization/passwords.ts';
import type { Role } from '../authorization/roles.ts';
import { serverAccess } from '../authorization/server-access.ts';
import type { Users } from '../authorization/users.ts';
import { demoClientId, demoPath } from '../http/oauth/pages/demo.ts';
import { recordAnswer } from '../interactions/leaving.ts';
import { search } from '../interactions/search.ts';
import type { Services } from '../services.ts';
import { putClient } from '../storage/oauth-clients.ts';

type DemoUser = { readonly login: string; readonly name: string; readonly role: Role };

const patient: DemoUser = { login: 'patient', name: 'Demo patient', role: 'patient' };
const clinician: DemoUser = { login: 'clinician', name: 'Demo clinician', role: 'provider' };
const admin: DemoUser = { login: 'admin', name: 'Demo administrator', role: 'admin' };

/** What the console tells of it, and what ends it. */
export type Demonstration = { readonly told: string; readonly stop: () => Promise<void> };

/**
 * Makes what a first look needs, outside production: an app, and, where there are no users at all, three of them, whose passwords are
 * told this once. As soon as there is data, patient and clinician become two of those it is about.
 *
 * @returns what to say of it on the console, and what ends the waiting for data
 */
export async function prepareDemo({ users, context }: Pick<Services, 'users' | 'context'>): Promise<Demonstration> {
  const { origin } = new URL(context.config.baseUrl);
  const address = `${origin}${demoPath}`;
  await putClient(context.pool, {
    id: demoClientId,
    metadata: {
      client_name: 'Demo app',
      redirect_uris: [address],
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    },
    source: 'operator',
  });
  const made = (await users.list()).length === 0 ? await makeUsers(users) : [];
  const lines = made.map(({ login, password }, at) => `  ${at === 0 ? 'Sign in as' : '          '}       ${login} with ${password}`);
  const passwords =
    lines.length === 0
      ? ''
      : `${lines.join('\n')}\n                   These passwords are not shown again: npm run user -- password NAME\n`;
  return { told: `  Demo app         ${address}\n${passwords}\n`, stop: await linkWhenFilled(users, context) };
}

const lookMs = 5_000;

/** Looks now and again, until there are encounters to link the users by. */
async function linkWhenFilled(users: Users, context: Services['context']): Promise<() => Promise<void>> {
  if (await areLinked(users, context)) return () => Promise.resolve();
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    looking = areLinked(users, context).then(
      (done) => {
        if (done) clearInterval(timer);
      },
      () => {}, // The database is busy or gone: there is a next time.
    );
  }, lookMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    return looking;
  };
}

async function makeUsers(users: Users): Promise<{ login: string; password: string }[]> {
  const made: { login: string; password: string }[] = [];
  for (const { login, name, role } of [patient, clinician, admin]) {
    const password = makePassword();
    const user = await users.add({ login, name, roles: [role], password });
    // Of two processes that start together, the other was first.
    if (typeof user !== 'string') made.push({ login, password });
  }
  return made;
}

/** Reads past all rights, to choose whom the demo is about; nothing of it goes out. */
const everything = serverAccess('demo');

type Encounter = {
  readonly subject?: { readonly reference?: string };
  readonly participant?: readonly { readonly individual?: { readonly reference?: string } }[];
};

/**
 * Makes them the patient and the practitioner of the newest encounter: one cares for the other.
 *
 * @returns whether nothing is left to link
 */
async function areLinked(users: Users, context: Services['context']): Promise<boolean> {
  const unlinked = async ({ login, name }: DemoUser) => {
    const user = await users.findByLogin(login);
    return user?.name === name && user.fhirUser === undefined ? user : undefined;
  };
  const [first, second] = await Promise.all([unlinked(patient), unlinked(clinician)]);
  if (first === undefined && second === undefined) return true;
  const call = { access: everything, lenient: false, trail: operatorTrail({ kind: 'search-type', data: { type: 'Encounter' } }) };
  const found = await search(context, call, 'Encounter', [
    ['_sort', '-date'],
    ['_count', '1'],
  ]);
  await recordAnswer(context, call.trail, found);
  const bundle = JSON.parse(String(found.body)) as { entry?: readonly { resource?: Encounter }[] };
  const encounter = bundle.entry?.[0]?.resource;
  const of = (type: string, references: readonly (string | undefined)[]): string | undefined =>
    references.find((reference) => reference?.startsWith(`${type}/`) === true);
  const links = [
    [first, of('Patient', [encounter?.subject?.reference])],
    [
      second,
      of(
        'Practitioner',
        (encounter?.participant ?? []).map(({ individual }) => individual?.reference),
      ),
    ],
  ] as const;
  for (const [user, fhirUser] of links) if (user !== undefined && fhirUser !== undefined) await users.setRights(user, { fhirUser });
  return encounter !== undefined;
}
