import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Face, faces, patientFace, providerFace } from '../support/faces.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  absentId,
  type Api,
  type Asker,
  askerOf,
  type Reply,
  type Role,
  rowsOf,
  staffOf,
  toldBut,
  type Ward,
  wardOf,
} from '../support/ward.ts';

/**
 * What docs/rights.md and docs/native-api.md give each role: r, c, u and d as in SMART's scopes. `-`: what it may not see is answered as what
 * does not exist; `!`: its scopes don't reach it.
 */
const rights: Readonly<Record<string, string>> = {
  //             admin system carer viewer self stranger other key
  'patient      ': 'rcud rcud  rcud  r      rud  -c       -     !',
  'diagnosis    ': 'rcud rcud  rcud  r      rcud -        -     !',
  'allergy      ': 'rcud rcud  rcud  r      rcud -        -     !',
  'note         ': 'rcud rcud  rcud  r      rcud -        -     r',
  'document     ': 'rcud rcud  rcud  r      rcud -        -     !',
  'medication   ': 'rcud rcud  rcud  r      rcud -        -     !',
  'appointment  ': 'rcud rcud  rcud  r      rcud -        -     !',
  'lab result   ': 'rcud rcud  rcud  r      rcud -        -     r',
  'interaction  ': 'rcud rcud  rcud  r      rcud -        -     !',
  'message      ': 'rcud rcud  rcud  r      rcud -        -     !',
  'share        ': 'rcud rcud  r     r      rcud -        -     !',
  'provider     ': 'rcud rcud  r     r      r    r        r     !',
};

const cells = Object.entries(rights).flatMap(([padded, row]) => {
  const name = padded.trim();
  const face = [patientFace, ...faces, providerFace].find((each) => each.name === name);
  if (face === undefined) throw new Error(`there is no ${name}`);
  return rowsOf(row).map((each) => ({ name, face, ...each }));
});

let server: TestServer;
let staff: Awaited<ReturnType<typeof staffOf>>;
beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'related' });
  staff = await staffOf(server);
});
afterAll(() => server?.stop());

const apis: readonly Api[] = ['v1', 'fhir'];
const otherOf = (api: Api): Api => (api === 'v1' ? 'fhir' : 'v1');
let words = 0;
/** Another one each time, of letters. */
const word = (): string => `Word${[...String(++words)].map((digit) => 'abcdefghij'[Number(digit)]).join('')}`;

type Cell = { readonly face: Face; readonly role: Role; readonly may: string; readonly ward: Ward } & Asker;
type Subject = { readonly id: string; readonly version: number; readonly word: string };

async function cellOf(face: Face, role: Role, may: string): Promise<Cell> {
  const ward = await wardOf(server, staff);
  return { face, role, may, ward, ...askerOf(server, ward) };
}

const patientIn = ({ face, ward }: Cell): string | null => (face.isCommon === true ? null : ward.patient);
const pathOf = ({ face, ward }: Cell, api: Api, id: string): string =>
  api === 'v1' ? face.one(ward, face.v1Id(id)) : `/${face.type}/${id}`;
/** Who has no user says in whose name he writes to a patient. */
const bodyFor = ({ face, ward }: Cell, role: Role, api: Api, text: string): object =>
  api === 'fhir'
    ? face.resource(ward, text)
    : { ...face.body(ward, text), ...(face.name === 'message' && role === 'system' ? { provider_id: ward.author } : {}) };
const idIn = ({ face }: Cell, api: Api, reply: Reply): string => (api === 'v1' ? face.idOf(reply) : String(reply.json.id));
/** Who may not read what he wrote is told where it is. */
const madeIn = ({ face, ward }: Cell, api: Api, { location }: Reply): string =>
  api === 'v1'
    ? (location.split('/').at(-1) ?? '').slice(face.v1Id('').length)
    : (new RegExp(`/${face.type}/([^/]+)/_history/1$`).exec(location)?.[1] ?? `nothing of ${ward.patient}`);
const versionIn = ({ etag }: Reply): number => Number(/^W\/"(\d+)"$/.exec(etag ?? '')?.[1]);

async function create(cell: Cell, role: Role, api: Api, text: string): Promise<Reply> {
  const { face, ward, ask } = cell;
  return ask(role, api, 'POST', api === 'v1' ? face.collection(ward) : `/${face.type}`, {
    body: bodyFor(cell, role, api, text),
    entity: (reply) => `${face.type}/${madeIn(cell, api, reply)}`,
    patient: face === patientFace ? null : patientIn(cell),
  });
}

/** One that an administrator wrote by this API: of patients, a version of the ward's. */
async function subject(cell: Cell, api: Api): Promise<Subject> {
  const { face, ward, ask } = cell;
  const text = word();
  if (face !== patientFace) {
    const reply = await create(cell, 'admin', api, text);
    expect([face.name, api, reply.status, reply.status === 201 ? '' : reply.text]).toEqual([face.name, api, 201, '']);
    return { id: madeIn(cell, api, reply), version: 1, word: text };
  }
  const before = await ask('admin', 'fhir', 'GET', `/Patient/${ward.patient}`);
  const reply = await change(cell, 'admin', api, { id: ward.patient, version: versionIn(before), word: '' }, text);
  expect([reply.status, reply.status === 200 ? '' : reply.text]).toEqual([200, '']);
  return { id: ward.patient, version: versionIn(reply), word: text };
}

async function change(cell: Cell, role: Role, api: Api, { id, version }: Subject, text: string): Promise<Reply> {
  const { face, ask } = cell;
  const kept = api === 'v1' ? {} : (await ask('admin', 'fhir', 'GET', `/${face.type}/${id}`, { patient: null })).json;
  return ask(role, api, 'PUT', pathOf(cell, api, id), {
    body: { ...kept, ...bodyFor(cell, role, api, text), ...(api === 'v1' ? {} : { id }) },
    headers: { 'if-match': `W/"${version}"` },
    entity: `${face.type}/${id}`,
    patient: patientIn(cell),
  });
}

/** By v1, of what isn't shown singly, the one in the list. */
async function look(cell: Cell, role: Role, api: Api, id: string): Promise<Reply> {
  const { face, ward, ask } = cell;
  const patient = face === patientFace && id !== ward.patient ? null : patientIn(cell);
  if (api === 'fhir' || face.isListedOnly !== true)
    return ask(role, api, 'GET', pathOf(cell, api, id), { entity: `${face.type}/${id}`, patient });
  const reply = await ask(role, api, 'GET', face.listed?.(ward) ?? '', { action: 'E', patient: null });
  if (reply.status !== 200) return reply;
  const found = (reply.json.data as { version: number; share_id: string }[]).find((each) => each.share_id === id);
  return found === undefined ? { ...reply, status: 404 } : { ...reply, etag: `W/"${found.version}"`, json: found };
}

/** That both APIs say the same of it: id, version and content. */
async function agree(cell: Cell, role: Role, { id, version, word: text }: Subject): Promise<void> {
  const { face, ward } = cell;
  for (const api of apis) {
    const reply = await look(cell, role, api, id);
    expect.soft([face.name, role, api, reply.status, reply.etag]).toEqual([face.name, role, api, 200, `W/"${version}"`]);
    if (reply.status !== 200) continue;
    expect.soft(idIn(cell, api, reply)).toBe(id);
    expect
      .soft(reply.json)
      .toMatchObject(
        api === 'v1' ? { ...face.body(ward, text), version } : { ...face.resource(ward, text), meta: { versionId: String(version) } },
      );
  }
}

/** That it is answered as something that never was. */
async function alike(cell: Cell, method: string, api: Api, reply: Reply, id: string, body?: object): Promise<void> {
  const { role, ask } = cell;
  const other = await ask(role, api, method, pathOf(cell, api, absentId), {
    ...(body === undefined ? {} : { body: { ...body, ...(api === 'fhir' ? { id: absentId } : {}) } }),
    headers: method === 'GET' ? {} : { 'if-match': 'W/"1"' },
    patient: null,
  });
  expect
    .soft([cell.face.name, role, method, api, ...toldBut(reply, id)])
    .toEqual([cell.face.name, role, method, api, ...toldBut(other, absentId)]);
}

const has = ({ may }: Cell, letter: string): boolean => may.includes(letter);
/** Of what he sees: he may not do that. Of what is hidden: as if it weren't there. */
const refusal = ({ may }: Cell): number => (may.startsWith('-') ? 404 : 403);

async function reads(cell: Cell): Promise<void> {
  const { face, role, ward, ask } = cell;
  for (const written of apis) {
    const one = await subject(cell, written);
    await agree(cell, 'admin', one);
    if (has(cell, 'r')) await agree(cell, role, one);
    else
      for (const api of apis) {
        if (api === 'v1' && face.isListedOnly === true) continue;
        const reply = await look(cell, role, api, one.id);
        expect.soft([face.name, role, api, reply.status]).toEqual([face.name, role, api, refusal(cell)]);
        await alike(cell, 'GET', api, reply, one.id);
      }
    await lists(cell, one);
    if (role === 'self' && face.mine !== undefined) {
      const { json } = await ask(role, 'v1', 'GET', face.mine, { action: 'E' });
      expect.soft(JSON.stringify(json)).toContain(one.id);
    }
  }
  expect(ward.patient).toBeDefined();
}

async function lists(cell: Cell, { id, word: text }: Subject): Promise<void> {
  const { face, role, may, ward, ask } = cell;
  const isRead = has(cell, 'r');
  const options = { action: 'E', patient: isRead && face !== patientFace ? patientIn(cell) : null };
  const byFhir = await ask(role, 'fhir', 'GET', `/${face.type}?${face.search(ward)}`, options);
  expect.soft([face.name, role, byFhir.status]).toEqual([face.name, role, may === '!' ? 403 : 200]);
  expect.soft([face.name, role, JSON.stringify(byFhir.json.entry ?? []).includes(id)]).toEqual([face.name, role, isRead]);
  const byV1 = await ask(role, 'v1', 'GET', face.listed?.(ward) ?? face.collection(ward), options);
  // What is listed below a patient is of one patient, who isn't there for who may not see him; kinds that scopes don't reach are left out.
  const isBelow = face.collection(ward).startsWith('/patients/');
  const refused = isBelow ? (may.startsWith('-') ? 404 : face.name === 'share' && may === '!' ? 403 : 200) : may === '!' ? 403 : 200;
  expect.soft([face.name, role, byV1.status]).toEqual([face.name, role, isRead ? 200 : refused]);
  expect.soft([face.name, role, byV1.text.includes(id)]).toEqual([face.name, role, isRead]);
  if (!isRead && face.name !== 'share') expect.soft(byV1.text).not.toContain(text);
}

async function creates(cell: Cell): Promise<void> {
  const { face, role, ward, ask } = cell;
  for (const api of apis) {
    const count = async () =>
      (await ask('admin', 'fhir', 'GET', `/${face.type}?${face.search(ward)}&_summary=count`, { action: 'E', patient: null })).json.total;
    const before = await count();
    const text = word();
    const reply = await create(cell, role, api, text);
    // Patients write by /patients/me/messages alone.
    const isPermitted = has(cell, 'c') && !(face.name === 'message' && api === 'v1' && role === 'self');
    // Below a patient who isn't there for him nothing is.
    const isBelow = api === 'v1' && face.collection(ward).startsWith('/patients/');
    const refused = isBelow && cell.may.startsWith('-') ? 404 : 403;
    expect.soft([face.name, role, api, reply.status]).toEqual([face.name, role, api, isPermitted ? 201 : refused]);
    if (!isPermitted) expect.soft([face.name, role, api, await count()]).toEqual([face.name, role, api, before]);
    if (reply.status !== 201) continue;
    const made = { id: madeIn(cell, api, reply), version: 1, word: text };
    await agree(cell, 'admin', made);
    // Who registers a patient doesn't care for him by that.
    if (face !== patientFace || role === 'admin' || role === 'system') await agree(cell, role, made);
    else for (const each of apis) expect.soft((await look(cell, role, each, made.id)).status).toBe(404);
  }
}

async function changes(cell: Cell): Promise<void> {
  const { face, role, ward } = cell;
  for (const api of apis) {
    if (api === 'v1' && !face.changes) continue;
    const one = await subject(cell, otherOf(api));
    const text = word();
    const reply = await change(cell, role, api, one, text);
    if (has(cell, 'u')) {
      expect.soft([face.name, role, api, reply.status, reply.etag]).toEqual([face.name, role, api, 200, `W/"${one.version + 1}"`]);
      await agree(cell, 'admin', { id: one.id, version: one.version + 1, word: text });
      continue;
    }
    const isHidden = refusal(cell) === 404;
    if (api === 'v1' || !isHidden) expect.soft([face.name, role, api, reply.status]).toEqual([face.name, role, api, refusal(cell)]);
    // By FHIR it is as if he had tried to make it.
    else expect.soft([403, 404]).toContain(reply.status);
    // Who registers patients makes one where there is none.
    if (isHidden && !has(cell, 'c')) await alike(cell, 'PUT', api, reply, one.id, bodyFor(cell, role, api, text));
    await agree(cell, 'admin', one);
    expect(ward.patient).toBeDefined();
  }
}

async function removes(face: Face, role: Role, may: string): Promise<void> {
  for (const api of apis) {
    if (api === 'v1' && !face.removes) continue;
    const cell = await cellOf(face, role, may);
    const one = await subject(cell, otherOf(api));
    const path = api === 'v1' && face.isListedOnly === true ? `/shares/${one.id}` : pathOf(cell, api, one.id);
    const isHidden = refusal(cell) === 404;
    const isDone = has(cell, 'd');
    const reply = await cell.ask(role, api, 'DELETE', path, {
      headers: { 'if-match': `W/"${one.version}"` },
      ...(isDone ? { entity: `${face.type}/${one.id}` } : {}),
      patient: isDone ? patientIn(cell) : null,
    });
    if (isDone) {
      expect
        .soft([face.name, role, api, reply.status < 300, reply.text.slice(0, 300)])
        .toEqual([face.name, role, api, true, expect.any(String)]);
      for (const each of apis)
        if (each === 'fhir' || face.isListedOnly !== true) expect.soft((await look(cell, 'admin', each, one.id)).status).toBe(410);
    } else {
      if (!isHidden) expect.soft([face.name, role, api, reply.status]).toEqual([face.name, role, api, 403]);
      else await alike(cell, 'DELETE', api, reply, one.id);
      await agree(cell, 'admin', one);
    }
    expect.soft(await cell.auditFaults()).toEqual([]);
  }
}

describe('by v1 and by FHIR alike', () => {
  test.each(cells)('$name: $role has $may, and the trail tells it', async ({ face, role, may }) => {
    const cell = await cellOf(face, role, may);
    await reads(cell);
    await creates(cell);
    await changes(cell);
    expect.soft(await cell.auditFaults()).toEqual([]);
    await removes(face, role, may);
  });
});
