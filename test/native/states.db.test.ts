import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prepareOutcomes } from '../../src/native/interactions/prepare-outcomes.ts';
import { described, type DescribedOperation } from '../support/contract.ts';
import { ask, everything, makeNamed } from '../support/contract-requests.ts';
import { makeValues } from '../support/contract-values.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const contract = await described();
const { sampleBody } = makeValues(contract, () => ['unknown-1']);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'all' });
  await prepareOutcomes(server.services.context);
  await makeNamed(server, contract.operations.map(sampleBody));
});
afterAll(() => server?.stop());

/** What stands behind a collection, to take it away by FHIR where the native API doesn't. */
const types: Readonly<Record<string, string>> = {
  '/patients': 'Patient',
  '/providers': 'Practitioner',
  '/medications': 'MedicationStatement',
  '/appointments': 'Appointment',
  '/lab-results': 'Observation',
  '/interactions': 'Encounter',
  '/messages': 'Communication',
};

const collectionOf = ({ path }: DescribedOperation): string =>
  path.startsWith('/patients/me') ? '/patients' : (path.split('/{')[0] ?? path);

let count = 0;
/** A new one, as the contract's example has it, but nobody else's contacts. @returns its id */
async function made(operation: DescribedOperation): Promise<string> {
  const creating = contract.operations.find(({ method, path }) => method === 'POST' && path === collectionOf(operation));
  if (creating === undefined) throw new Error(`nothing makes what ${operation.id} is about`);
  // Nobody is in two places at a time.
  const later = ++count * 86_400_000;
  const body = JSON.stringify(sampleBody(creating), (name, value: unknown) => {
    if (name === 'email' || name === 'phone_e164') return undefined;
    if (name === 'code') return `code-${count}`;
    return name === 'starts_at' && typeof value === 'string' ? new Date(Date.parse(value) + later).toISOString() : value;
  });
  const { status, json } = await ask(server, creating, undefined, { body });
  expect([status, json]).toMatchObject([201, {}]);
  return String(json[Object.keys(json).find((name) => name.endsWith('_id')) ?? 'code']);
}

function operationOf(id: string): DescribedOperation {
  const operation = contract.operations.find((each) => each.id === id);
  if (operation === undefined) throw new Error(`there is no operation ${id}`);
  return operation;
}

/** Takes it away: patients for good, as the others are where nothing brings them back. */
async function goneWith(operation: DescribedOperation, id: string): Promise<void> {
  const collection = collectionOf(operation);
  if (collection === '/patients') {
    const erased = await ask(server, operationOf('deletePatient'), undefined, { id, query: 'erase=true&reason=order' });
    expect(erased).toMatchObject({ status: 204 });
  } else expect(await server.request('DELETE', `/${types[collection]}/${id}`)).toMatchObject({ status: 200 });
}

/** About one thing that a collection makes, or what is read of it; what else stands below it is made by tests of its own. */
const single = ({ path, method }: DescribedOperation): boolean =>
  contract.operations.some((each) => each.method === 'POST' && path.startsWith(`${each.path}/{`)) &&
  (/^\/[\w-]+\/\{\w+\}(?::\w+)?$/.test(path) || (method === 'GET' && path.startsWith('/patients/{id}/') && path.split('{').length === 2))
    ? path !== '/patients/{id}' || method !== 'POST'
    : path === '/patients/me';
const answering = (status: number): [string, DescribedOperation][] =>
  contract.operations.filter((each) => each.responses[status] !== undefined && single(each)).map((operation) => [operation.id, operation]);
const about = (path: string): [string, DescribedOperation][] =>
  contract.operations.filter((each) => each.path === path).map((operation) => [operation.id, operation]);
const versioned = ({ parameters }: DescribedOperation): boolean => parameters.some(({ name }) => name === 'If-Match');
const repeatable = ({ parameters }: DescribedOperation): boolean => parameters.some(({ name }) => name === 'Idempotency-Key');

describe('an operation of the contract', () => {
  test.each(answering(412).filter(([, operation]) => versioned(operation)))('%s writes over no other version', async (_, operation) => {
    const id = await made(operation);
    // A time of which something is known.
    const body = JSON.stringify(sampleBody(operation), (name, value: unknown) => (name === 'as_of' ? new Date().toISOString() : value));
    const change = { id, token: await everything(server, id), headers: { 'if-match': 'W/"99"' }, body };
    expect(await ask(server, operation, undefined, change)).toMatchObject({ status: 412, json: { code: 'version_mismatch' } });
  });

  test.each(answering(410))('%s tells what is gone', async (_, operation) => {
    const id = await made(operation);
    await goneWith(operation, id);
    const change = { id, token: await everything(server, id) };
    expect(await ask(server, operation, sampleBody(operation), change)).toMatchObject({ status: 410, json: { code: 'deleted' } });
  });

  test.each(contract.operations.filter(repeatable).map((operation): [string, DescribedOperation] => [operation.id, operation]))(
    '%s executes no other request under a key',
    async (_, operation) => {
      const creating = operationOf('createPatient');
      const change = { token: await everything(server), headers: { 'idempotency-key': 'the same' } };
      const body = JSON.stringify({
        given_name: 'Ada',
        family_name: `Of ${operation.id.replaceAll(/\d/g, '')}`,
        date_of_birth: '1985-12-10',
      });
      expect(await ask(server, creating, undefined, { ...change, body })).toMatchObject({ status: 201 });
      expect(await ask(server, operation, sampleBody(operation), change)).toMatchObject({
        status: 409,
        json: { code: 'idempotency_mismatch' },
      });
    },
  );

  test.each(about('/patients/me'))('%s is about the patient who asks', async (_, operation) => {
    const id = await made(operation);
    const answer = await ask(server, operation, sampleBody(operation), { token: await everything(server, id) });
    expect(answer).toMatchObject({ status: 200, json: { patient_id: id } });
  });
});

test('a patient is not brought back with a contact that somebody else has now, and is not told so', async () => {
  const [create, remove, restore] = [operationOf('createPatient'), operationOf('deletePatient'), operationOf('restorePatient')];
  const body = JSON.stringify({ given_name: 'Ada', family_name: 'Twice', date_of_birth: '1985-12-10', email: 'twice@example.org' });
  const id = String((await ask(server, create, undefined, { body })).json.patient_id);
  const token = await server.token({ scope: 'patient/Patient.cruds', patient: id });
  expect((await ask(server, remove, undefined, { id, token })).status).toBe(204);
  expect((await ask(server, create, undefined, { body })).status).toBe(201);
  const answer = await ask(server, restore, undefined, { id, token });
  expect([answer.status, answer.json.code, answer.json.details]).toEqual([422, 'validation_failed', undefined]);
});
