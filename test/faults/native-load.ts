import { setTimeout as delay } from 'node:timers/promises';
import { type Load, newAnswers } from './answers.ts';
import { nativeClient } from './native-client.ts';
import { contacts, creates, type House, lookings, slots, type Story } from './native-stories.ts';
import { documents, imports, signatures } from './native-files.ts';
import { revivals, updates } from './native-versions.ts';
import { commandBeside, type OwnServer } from './own-server.ts';

/** What clients of the native API do: repeat what was not answered, compete for what is given once, upload, sign and import. */
export async function nativeLoad(server: OwnServer): Promise<Load> {
  const answers = newAnswers();
  const native = nativeClient(server.origin, await server.token(), answers);
  const house = await furnished(server);
  const stories: Readonly<Record<string, Story>> = {
    creates: creates(native, house),
    contacts: contacts(native),
    slots: slots(native, house),
    updates: updates(native),
    revivals: revivals(native),
    documents: documents(native, house),
    signatures: signatures(native, house),
    imports: imports(native),
    lookings: lookings(native, house),
  };
  let serial = 0;
  return {
    answers,
    async work(worker, stopped) {
      native.stopped = stopped;
      while (!stopped()) {
        // The workers share the order: most kinds are under way at whatever moment.
        const n = serial++;
        const answered = await stories[order[n % order.length] ?? '']?.turn(`w${worker}`, marker(n));
        // A server that isn't there is asked again a little later.
        if (answered !== true) await delay(50);
      }
    },
    async broken() {
      native.stopped = () => false;
      await native.settle();
      const broken: string[] = [];
      for (const [name, story] of Object.entries(stories)) broken.push(...(await story.broken()).map((each) => `${name}: ${each}`));
      broken.push(...native.faults.splice(0));
      broken.push(...answers.lost.filter((each) => each.includes('openapi.yaml')));
      return broken;
    },
    acknowledged: () => Object.fromEntries(Object.entries(stories).map(([name, story]) => [name, story.acknowledged()])),
  };
}

const order = [
  'imports',
  'creates',
  'contacts',
  'documents',
  'slots',
  'updates',
  'signatures',
  'creates',
  'revivals',
  'updates',
  'lookings',
];

/** Letters alone, as in names. */
function marker(n: number): string {
  const letters = String(n).replaceAll(/\d/g, (digit) => 'bcdfghjklm'[Number(digit)] ?? '');
  return `Q${letters}x`;
}

/** A patient, his doctor, who has an account, and a colleague whose time is asked for. */
async function furnished(server: OwnServer): Promise<House> {
  const headers = { authorization: `Bearer ${await server.token()}`, 'content-type': 'application/fhir+json' };
  const put = async (type: string, id: string, more: object = {}): Promise<void> => {
    const body = JSON.stringify({ resourceType: type, id, ...more });
    const answer = await fetch(`${server.base}/${type}/${id}`, { method: 'PUT', headers, body });
    if (!answer.ok) throw new Error(`${type}/${id}: ${answer.status} ${await answer.text()}`);
  };
  await put('Practitioner', 'doctor');
  await put('Practitioner', 'colleague');
  const patient = '7d2f6a3e-5b1c-4e8d-9f60-1a2b3c4d5e6f';
  await put('Patient', patient, { generalPractitioner: [{ reference: 'Practitioner/doctor' }] });
  const { code, output } = await commandBeside(server, [
    'user',
    'add',
    'doctor',
    '--role',
    'provider',
    '--fhir-user',
    'Practitioner/doctor',
  ]);
  if (code !== 0) throw new Error(output);
  const password = output.split('\n').find((line) => line !== '' && !line.includes('is added')) ?? '';
  const tokenOf = (fhirUser: string, role: string): Promise<string> => server.token({ scope: 'user/*.cruds', fhirUser, roles: [role] });
  const made = await fetch(`${server.origin}/api/v1/api-keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await tokenOf('Practitioner/administrator', 'admin')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'a program', scopes: ['system/Patient.rs'] }),
  });
  const { secret: apiKey } = (await made.json()) as { readonly secret: string };
  return {
    patient,
    doctor: 'doctor',
    colleague: 'colleague',
    signer: await tokenOf('Practitioner/doctor', 'provider'),
    stranger: await tokenOf('Practitioner/stranger', 'provider'),
    apiKey,
    login: 'doctor',
    password,
  };
}
