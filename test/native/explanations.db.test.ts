import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { hospital, type NativeClient, nativeClient } from '../support/native.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

/** What speaks the protocol of a language model's API, and notes what it was asked. */
let model: Server;
let answer: (response: ServerResponse) => void;
const asked: { url: string; key: string | undefined; body: string }[] = [];

let server: TestServer;
let v1: NativeClient;
let house: Awaited<ReturnType<typeof hospital>>;
let id: string;
beforeAll(async () => {
  model = createServer((request: IncomingMessage, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      asked.push({ url: request.url ?? '', key: request.headers.authorization, body });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => model.listen(0, '127.0.0.1', resolve));
  const { port } = model.address() as AddressInfo;
  server = await startTestServer({
    CARE_RELATIONSHIPS: 'all',
    LLM_URL: `http://127.0.0.1:${port}/openai`,
    LLM_MODEL: 'small-model',
    LLM_API_KEY: 'a-key-of-the-model',
    LLM_TIMEOUT_MS: '500',
  });
  house = await hospital(server);
  v1 = nativeClient(server, house.tokens.patient);
  const body = {
    patient_id: house.patient,
    test_name: 'Glucose of Mrs. Lovelace',
    test_code: '2345-7',
    result_value: 120,
    result_unit: 'mg/dL',
    reference_range: { low: 70, high: 99 },
    collected_at: '2026-03-04T08:15:00Z',
    notes: 'Seen by Hopper.',
  };
  id = (await v1('POST', '/lab-results', { body, token: house.tokens.provider })).json.lab_result_id;
});
afterAll(async () => {
  await server?.stop();
  model.closeAllConnections();
  await new Promise((resolve) => model.close(resolve));
});
beforeEach(() => {
  asked.length = 0;
  answer = say('Glucose is sugar in the blood.');
});

const send = (response: ServerResponse, text: string, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(text);
};
const say = (content: unknown) => (response: ServerResponse) =>
  send(
    response,
    JSON.stringify({
      id: 'x',
      object: 'chat.completion',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
    }),
  );

test('a configured model explains, always beside the disclaimer, and is told nothing of who it is', async () => {
  const explained = await v1('POST', `/lab-results/${id}/explanation`);
  expect([explained.status, explained.json]).toMatchObject([
    200,
    {
      explanation: 'Glucose is sugar in the blood.',
      source: 'model',
      is_fallback: false,
      findings: ['above_range'],
      disclaimer: expect.stringContaining('no medical advice'),
    },
  ]);
  expect(asked).toMatchObject([{ url: '/openai/chat/completions', key: 'Bearer a-key-of-the-model' }]);
  const { model: name, messages } = JSON.parse(asked[0]?.body ?? '');
  expect(name).toBe('small-model');
  expect(JSON.parse(messages[1].content)).toEqual({
    code: '2345-7',
    value: 120,
    unit: 'mg/dL',
    reference_range: { low: 70, high: 99 },
    age: '40-49',
    sex: 'female',
  });
  for (const secret of [house.patient, id, 'Lovelace', 'Hopper', '1985', '2026']) expect(asked[0]?.body).not.toContain(secret);
});

test.each<[string, (response: ServerResponse) => void]>([
  ['answers with an error', (response) => send(response, '{"error":{"message":"overloaded"}}', 503)],
  ['answers no JSON', (response) => send(response, '<html>')],
  ['answers JSON of another kind', (response) => send(response, '[]')],
  ['answers null', (response) => send(response, 'null')],
  ['answers no text', say('  ')],
  ['answers another kind of content', say([{ type: 'text', text: 'x' }])],
  ['answers too much text', say('x'.repeat(4_001))],
  ['answers without an end', (response) => void response.write('x'.repeat(70_000))],
  ['redirects elsewhere', (response) => void response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end()],
  ['breaks off', (response) => void response.destroy()],
  ['does not answer in time', () => undefined],
])('where the model %s, the rules explain and the answer says so', async (_, fault) => {
  answer = fault;
  const explained = await v1('POST', `/lab-results/${id}/explanation`);
  expect([explained.status, explained.json]).toMatchObject([
    200,
    { source: 'rules', is_fallback: true, disclaimer: expect.stringContaining('no medical advice') },
  ]);
  expect(explained.json.explanation).toContain('is above the reference range of 70 to 99 mg/dL');
});

test('what can only be told in words or by codes of the house, and what the caller may not see, is never sent', async () => {
  const body = {
    patient_id: house.patient,
    test_name: 'x',
    test_code: 'HOUSE',
    result_value: 1,
    result_unit: 'mg/dL',
    collected_at: '2026-03-04T08:15:00Z',
  };
  const words = {
    patient_id: house.patient,
    test_name: 'x',
    test_code: '600-7',
    result_text: 'Seen in Ada',
    collected_at: '2026-03-04T08:15:00Z',
  };
  for (const each of [body, words]) {
    const made = await v1('POST', '/lab-results', { body: each, token: house.tokens.provider });
    const explained = await v1('POST', `/lab-results/${made.json.lab_result_id}/explanation`);
    expect([explained.status, explained.json]).toMatchObject([200, { source: 'rules', is_fallback: false }]);
  }
  expect((await v1('POST', `/lab-results/${id}/explanation`, { token: house.tokens.other })).status).toBe(404);
  const narrow = await server.token({ scope: 'lab-result:*' });
  expect((await v1('POST', `/lab-results/${id}/explanation`, { token: narrow })).status).toBe(200);
  expect(asked).toHaveLength(1);
  expect(JSON.parse(JSON.parse(asked[0]?.body ?? '').messages[1].content)).not.toHaveProperty('age');
});

test('what is written into the annotation of a unit, or as a code that LOINC can not have, is never sent', async () => {
  const of = { patient_id: house.patient, test_name: 'x', result_value: 1, collected_at: '2026-03-04T08:15:00Z' };
  const body = { ...of, test_code: '2345-7', result_unit: 'mg{of-Ada}/dL' };
  const made = await v1('POST', '/lab-results', { body, token: house.tokens.provider });
  const explained = await v1('POST', `/lab-results/${made.json.lab_result_id}/explanation`);
  expect([explained.status, explained.json.source]).toEqual([200, 'model']);
  expect(JSON.parse(JSON.parse(asked[0]?.body ?? '').messages[1].content)).toMatchObject({ value: 1, unit: 'mg/dL' });
  const observation = {
    resourceType: 'Observation',
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
    code: { coding: [{ system: 'http://loinc.org', code: 'of-Ada' }] },
    subject: { reference: `Patient/${house.patient}` },
    effectiveDateTime: '2026-03-04T08:15:00Z',
    valueQuantity: { value: 1 },
  };
  const written = await server.request('POST', '/Observation', { body: observation });
  expect(written.status).toBe(201);
  const byRules = await v1('POST', `/lab-results/${written.json.id}/explanation`);
  expect([byRules.status, byRules.json.source]).toEqual([200, 'rules']);
  expect(JSON.stringify(asked)).not.toContain('of-Ada');
});

test.each([
  [{ LLM_URL: 'http://models.example.org/v1', LLM_MODEL: 'x' }],
  [{ LLM_URL: 'https://models.example.org/v1' }],
  [{ LLM_MODEL: 'x' }],
])('%j is no configuration', (env) => {
  expect(() => loadConfig({ NODE_ENV: 'test', ...env })).toThrow(/LLM_URL/);
});
