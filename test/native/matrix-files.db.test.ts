import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { absentId, type Api, type Asker, askerOf, type Role, rowsOf, staffOf, type Ward, wardOf } from '../support/ward.ts';

let server: TestServer;
let staff: Awaited<ReturnType<typeof staffOf>>;
beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'related' });
  staff = await staffOf(server);
});
afterAll(() => server?.stop());

const apis: readonly Api[] = ['v1', 'fhir'];
type Cell = { readonly ward: Ward } & Asker;

async function cellOf(): Promise<Cell> {
  const ward = await wardOf(server, staff);
  return { ward, ...askerOf(server, ward) };
}

type Written = { readonly document: string; readonly binary: string; readonly content: string };
let files = 0;

/** A document with a file, by an administrator. */
async function written({ ward, ask }: Cell, api: Api): Promise<Written> {
  const content = `File ${++files} of the ward's.`;
  const data = Buffer.from(content).toString('base64');
  if (api === 'v1') {
    const body = { kind: 'document', provider_id: ward.author, text: 'Letter', attachment: { content_type: 'text/plain', data } };
    const { json } = await ask('admin', 'v1', 'POST', `/patients/${ward.patient}/records`, { body });
    const document = String(json.record_id).slice('document-'.length);
    const stored = (await ask('admin', 'fhir', 'GET', `/DocumentReference/${document}`)).json;
    return { document, binary: String(stored.content[0].attachment.url).slice('Binary/'.length), content };
  }
  const subject = { reference: `Patient/${ward.patient}` };
  const file = { resourceType: 'Binary', contentType: 'text/plain', securityContext: subject, data };
  const binary = String((await ask('admin', 'fhir', 'POST', '/Binary', { body: file })).json.id);
  const attachment = { contentType: 'text/plain', url: `Binary/${binary}` };
  const body = { resourceType: 'DocumentReference', status: 'current', subject, content: [{ attachment }] };
  return { document: String((await ask('admin', 'fhir', 'POST', '/DocumentReference', { body })).json.id), binary, content };
}

const attachmentOf = ({ ward }: Cell, id: string): string => `/patients/${ward.patient}/records/document-${id}/attachment`;

describe('a file', () => {
  // As the record that it belongs to: r reads, w replaces; -: not there; !: not in the scopes.
  //               admin system carer viewer self stranger other key
  test.each(rowsOf('rw    rw     rw    r      rw   -        -     !'))('$role has $may', async ({ role, may }) => {
    const refused = may === '-' ? 404 : 403;
    const cell = await cellOf();
    const { ward, ask, auditFaults } = cell;
    for (const api of apis) {
      const { document, binary, content } = await written(cell, api);
      const isRead = may.includes('r');
      const download = await ask(role, 'v1', 'GET', attachmentOf(cell, document), { entity: `Binary/${binary}` });
      expect.soft([role, api, download.status, download.text === content]).toEqual([role, api, isRead ? 200 : refused, isRead]);
      const read = await ask(role, 'fhir', 'GET', `/Binary/${binary}`, {
        headers: { accept: 'application/fhir+json' },
        entity: `Binary/${binary}`,
      });
      expect.soft([role, api, read.status]).toEqual([role, api, isRead ? 200 : refused]);
      if (isRead) expect.soft(Buffer.from(read.json.data, 'base64').toString()).toBe(content);
      else {
        const nothing = await ask(role, 'v1', 'GET', attachmentOf(cell, absentId));
        expect
          .soft([nothing.status, nothing.json.code, nothing.json.message])
          .toEqual([refused, download.json.code, download.json.message]);
      }
      const upload = await ask(role, 'v1', 'POST', attachmentOf(cell, document), {
        body: Buffer.from('Another one.'),
        headers: { 'content-type': 'text/plain' },
        action: 'U',
        entity: `DocumentReference/${document}`,
      });
      const isWritten = may.includes('w');
      expect.soft([role, api, upload.status]).toEqual([role, api, isWritten ? 200 : refused]);
      const stored = (await ask('admin', 'fhir', 'GET', `/DocumentReference/${document}`)).json.content[0].attachment.url as string;
      const file = (await ask('admin', 'fhir', 'GET', `/${stored}`, { headers: { accept: 'application/fhir+json' } })).json.data as string;
      expect.soft(Buffer.from(file, 'base64').toString()).toBe(isWritten ? 'Another one.' : content);
      expect.soft(stored === `Binary/${binary}`).toBe(!isWritten);
      expect(ward.patient).toBeDefined();
    }
    expect.soft(await auditFaults()).toEqual([]);
  });
});

describe('a restriction', () => {
  // w restricts; s still sees what is restricted, on both APIs. The carer is no author of it.
  //               admin system carer viewer self stranger other key
  test.each(rowsOf('ws    ws     .     .      s    -        -     !'))('$role has $may', async ({ role, may }) => {
    const cell = await cellOf();
    const { ward, ask, auditFaults } = cell;
    const { document, binary } = await written(cell, 'v1');
    const path = `/patients/${ward.patient}/restrictions`;
    const status = may.includes('w') ? 200 : may === '-' ? 404 : 403;
    for (const records of [[`document-${document}`], []]) {
      const reply = await ask(role, 'v1', 'PUT', path, { body: { records }, ...(records.length > 0 ? {} : { patient: null }) });
      expect.soft([role, records.length, reply.status]).toEqual([role, records.length, status]);
      const security = (await ask('admin', 'fhir', 'GET', `/DocumentReference/${document}`)).json.meta.security ?? [];
      expect.soft([role, security.length]).toEqual([role, status === 200 ? records.length : 0]);
    }
    // By FHIR it is the same to set the label.
    const before = (await ask('admin', 'fhir', 'GET', `/DocumentReference/${document}`)).json;
    const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }];
    const put = await ask(role, 'fhir', 'PUT', `/DocumentReference/${document}`, { body: { ...before, meta: { security } } });
    expect.soft([role, put.status < 300, put.status === 403 || put.status === 404]).toEqual([role, status === 200, status !== 200]);
    await ask('admin', 'v1', 'PUT', path, { body: { records: 'all' }, action: 'E', patient: null });
    const shown = await ask('admin', 'v1', 'GET', `/patients/${ward.patient}/records/document-${document}`);
    expect.soft(shown.json.sensitivity).toBe('restricted');
    for (const [api, at] of [
      ['v1', `/patients/${ward.patient}/records/document-${document}`],
      ['v1', attachmentOf(cell, document)],
      ['fhir', `/DocumentReference/${document}`],
      ['fhir', `/Binary/${binary}`],
    ] as const) {
      const reply = await ask(role, api, 'GET', at);
      expect.soft([role, at, reply.status]).toEqual([role, at, may.includes('s') ? 200 : may === '!' ? 403 : 404]);
    }
    expect.soft(await auditFaults()).toEqual([]);
  });
});

describe('what is restricted', () => {
  test('is seen by its author, by whom a share gives it, and by nobody whom a share refuses, on both APIs', async () => {
    const { ward, ask, auditFaults } = await cellOf();
    const body = { kind: 'note', text: 'Told in confidence', sensitivity: 'restricted' };
    const own = (await ask('admin', 'v1', 'POST', `/patients/${ward.patient}/records`, { body: { ...body, provider_id: staff.carer } }))
      .json;
    const id = String(own.record_id).slice('note-'.length);
    const seen = async (role: Role) => {
      const replies = await Promise.all([
        ask(role, 'v1', 'GET', `/patients/${ward.patient}/records/note-${id}`),
        ask(role, 'fhir', 'GET', `/Observation/${id}`),
      ]);
      return replies.map(({ status }) => status);
    };
    expect(await seen('carer')).toEqual([200, 200]);
    expect(await seen('viewer')).toEqual([404, 404]);
    expect(await seen('stranger')).toEqual([404, 404]);
    const stranger = /Practitioner\/([^"]+)/.exec(ward.agent.stranger)?.[1];
    const share = { provider_id: stranger, decision: 'grant', include_restricted: true };
    const given = await ask('self', 'v1', 'POST', `/patients/${ward.patient}/shares`, { body: share });
    expect(given.status).toBe(201);
    expect(await seen('stranger')).toEqual([200, 200]);
    // A grant is to read.
    const change = { body: { kind: 'note', text: 'Told to all' } };
    expect((await ask('stranger', 'v1', 'PUT', `/patients/${ward.patient}/records/note-${id}`, change)).status).toBe(403);
    const refusal = { provider_id: staff.carer, decision: 'refuse', kinds: ['note'] };
    expect((await ask('self', 'v1', 'POST', `/patients/${ward.patient}/shares`, { body: refusal })).status).toBe(201);
    expect(await seen('carer')).toEqual([404, 404]);
    expect(await seen('key')).toEqual([404, 404]);
    const consent = (await ask('self', 'fhir', 'GET', `/Consent/${given.json.share_id}`)).json;
    const ended = await ask('self', 'fhir', 'PUT', `/Consent/${consent.id}`, { body: { ...consent, status: 'inactive' } });
    expect(ended.status).toBe(200);
    expect(await seen('stranger')).toEqual([404, 404]);
    expect(await auditFaults()).toEqual([]);
  });
});
