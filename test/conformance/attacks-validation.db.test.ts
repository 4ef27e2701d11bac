import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { issueId, patient } from './samples.ts';

/** What validation meets that was not sent to be validated. */
let server: TestServer;
let elsewhere: Server;
const asked: string[] = [];
beforeAll(async () => {
  server = await startTestServer();
  elsewhere = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('{}');
  });
  await new Promise<void>((resolve) => {
    elsewhere.listen(0, '127.0.0.1', resolve);
  });
});
afterAll(async () => {
  elsewhere?.close();
  await server?.stop();
});

const post = (body: unknown, path = '/Patient') => server.request('POST', path, { body });
const many = <T>(count: number, each: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => each(n));

test('C121 a narrative holds no script, whatever it is written as', async () => {
  const contents = [
    '<script>alert(1)</script>',
    '<SCRIPT>alert(1)</SCRIPT>',
    '<img src="x" onerror="alert(1)"/>',
    '<img src="javascript:alert(1)"/>',
    '<img src="data:text/html;base64,PHNjcmlwdD4="/>',
    '<svg onload="alert(1)"/>',
    '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href=" java&#x0A;script:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href="vbscript:x">x</a>',
    '<a href="data:text/html,x">x</a>',
    '<iframe src="https://example.org"></iframe>',
    '<form action="https://example.org"><input name="x"/></form>',
    '<object data="x"></object>',
    '<embed src="x"/>',
    '<link rel="stylesheet" href="x"/>',
    '<base href="https://example.org"/>',
    '<meta http-equiv="refresh" content="0"/>',
    '<style>p{background:url(javascript:alert(1))}</style>',
    '<p onclick="alert(1)">x</p>',
    '<p>x',
    '<p>&unknown;</p>',
    '<!DOCTYPE x [<!ENTITY a "b">]><p>&a;</p>',
    '<math><mi xlink:href="javascript:alert(1)">x</mi></math>',
  ];
  for (const content of contents) {
    const text = { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${content}</div>` };
    const answers = [
      await post(patient({ text })),
      await post(patient({ contained: [{ resourceType: 'Practitioner', id: 'p', text }], generalPractitioner: [{ reference: '#p' }] })),
    ];
    expect(
      answers.map(({ status }) => status),
      content,
    ).toEqual([422, 422]);
    // Answers may be shown as HTML by whoever asked.
    for (const answer of answers) expect(answer.text, content).not.toMatch(/alert\(1\)|javascript:/);
  }
  const harmless =
    '<p class="a" title="b">x <b>y</b> &amp; &#233; &#160;<br/><a href="https://example.org">z</a><img src="#p" alt="p"/></p><table><tr><td colspan="2">t</td></tr></table>';
  const text = { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml" lang="en">${harmless}</div>` };
  const taken = await post(patient({ text }));
  expect(taken.json.issue ?? taken.status).toBe(201);
});

test('C97 nothing is fetched from where a canonical points, to validate or to look up', async () => {
  const base = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
  await post(patient({ meta: { profile: [`${base}/profile`] }, extension: [{ url: `${base}/extension`, valueString: 'x' }] }));
  await post(patient(), `/Patient/$validate?profile=${base}/asked`);
  await post(
    patient({ maritalStatus: { coding: [{ system: `${base}/system`, code: 'x' }] }, implicitRules: `${base}/rules` }),
    '/Patient/$validate',
  );
  for (const path of [
    `/ValueSet/$expand?url=${base}/set`,
    `/CodeSystem/$lookup?system=${base}/system&code=x`,
    `/ConceptMap/$translate?url=${base}/map&system=${base}/system&code=x`,
    `/StructureDefinition/$snapshot?url=${base}/definition`,
  ])
    expect((await server.request('GET', path)).status).toBe(404);
  const imported = {
    resourceType: 'ValueSet',
    status: 'active',
    compose: { include: [{ valueSet: [`${base}/imported`] }, { system: `${base}/included` }] },
  };
  expect((await post(imported, '/ValueSet/$expand')).status).not.toBe(200);
  expect(asked).toEqual([]);
});

test('a resource that names thousands of definitions is refused before they are looked for', async () => {
  const floods = [
    patient({ extension: many(5_000, (n) => ({ url: `http://example.org/e${n}`, valueString: 'x' })) }),
    patient({ meta: { profile: many(5_000, (n) => `http://example.org/p${n}`) } }),
  ];
  for (const body of floods) {
    const began = performance.now();
    const answer = await post(body);
    expect([answer.status, issueId(answer.json)]).toEqual([422, 'validation-too-costly']);
    expect(performance.now() - began).toBeLessThan(3_000);
  }
});

test('many contained resources with many references to them cost no more than their number', async () => {
  const body = patient({
    contained: many(20_000, (n) => ({ resourceType: 'Practitioner', id: `c${n}` })),
    generalPractitioner: many(20_000, (n) => ({ reference: `#c${n}` })),
  });
  const began = performance.now();
  const answer = await post(body, '/Patient/$validate');
  expect(answer.json.issue.filter(({ severity }: { severity: string }) => severity === 'error')).toEqual([]);
  expect(performance.now() - began).toBeLessThan(5_000);
});

test('a fault of a write tells no value of the resource', async () => {
  const secret = 'Wilhelmina';
  const bodies = [
    patient({ name: [{ family: secret, period: { start: secret } }], gender: 'female', contact: [{ gender: 'male' }] }),
    patient({ birthDate: secret, id: secret.repeat(20), telecom: [{ value: secret, rank: secret }], [`x${secret}`]: 1 }),
    patient({ managingOrganization: { reference: secret }, link: [{ other: { reference: `#${secret}` }, type: 'seealso' }] }),
    patient({ photo: [{ contentType: `${secret} x`, data: secret, size: 1 }], identifier: [{ system: secret, value: secret }] }),
    patient({
      text: {
        status: 'generated',
        div: `<div xmlns="http://www.w3.org/1999/xhtml"><p onclick="${secret}">${secret}</p></div>`,
      },
    }),
  ];
  for (const body of bodies) {
    const answer = await post(body);
    expect([400, 422]).toContain(answer.status);
    expect(answer.text.replaceAll(`x${secret}`, '')).not.toContain(secret);
  }
});
