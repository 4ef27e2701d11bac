import { expect, test } from 'vitest';
import { openHospital } from '../support/native.ts';
import { rawRequest } from '../support/raw-request.ts';

const { server, house } = await openHospital('system');

test.each([
  ['a resource', () => `/fhir/R4/Patient/${house.patient}`],
  ['a compressed answer', () => '/fhir/R4/metadata'],
  ['a patient of the native API', () => `/api/v1/patients/${house.patient}`],
  ['a list of it', () => '/api/v1/patients?limit=1'],
  ['its contract', () => '/api/v1/openapi.yaml'],
  ['its health', () => '/api/v1/health'],
  ['a refusal of FHIR', () => '/fhir/R4/Patient/none'],
  ['a refusal of the native API', () => '/api/v1/patients/none'],
  ['nothing', () => '/none'],
  ['the pages of the documentation', () => '/docs'],
])('HEAD is answered as GET is, length and all, without a body: %s', async (_, path) => {
  const headers = { authorization: `Bearer ${house.tokens.system}`, 'accept-encoding': 'gzip', 'x-request-id': 'the-same' };
  const [get, head] = await Promise.all(['GET', 'HEAD'].map((method) => rawRequest(server.origin, method, path(), { headers })));
  const told = (answer: typeof get) => ({ status: answer?.status, headers: { ...answer?.headers, date: undefined } });
  expect(told(head)).toEqual(told(get));
  expect(head?.bytes.length).toBe(0);
  expect(head?.headers['content-length']).toBe(String(get?.bytes.length));
});
