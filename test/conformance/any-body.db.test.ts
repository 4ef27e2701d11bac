import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';

/** Whatever a client writes, the fault is never the server's. */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.request('PUT', '/Observation/target', {
    body: { resourceType: 'Observation', id: 'target', status: 'final', code: { text: 'x' } },
  });
});
afterAll(() => server?.stop());

const endpoints: readonly (readonly [string, string, Readonly<Record<string, string>>?])[] = [
  ['POST', '/Observation'],
  ['POST', '/Patient'],
  ['POST', '/Bundle'],
  ['POST', '/AuditEvent'],
  ['PUT', '/Observation/target'],
  ['PUT', '/Patient/any'],
  ['PUT', '/Observation?identifier=a|b'],
  ['PATCH', '/Observation/target'],
  ['PATCH', '/Observation/target', { 'content-type': 'application/json-patch+json' }],
  ['PATCH', '/Observation?_id=target', { 'content-type': 'application/json-patch+json' }],
  ['POST', ''],
  ['POST', '/Parameters'],
];

/** Names and words that lead deep into the code, among any others. */
const word = fc.oneof(
  fc.constantFrom(
    ...[
      'resourceType',
      'id',
      'meta',
      'extension',
      'contained',
      'reference',
      'subject',
      'value',
      'valueQuantity',
      'code',
      'coding',
      'system',
    ],
    ...[
      'status',
      'type',
      'entry',
      'request',
      'resource',
      'method',
      'url',
      'fullUrl',
      'parameter',
      'part',
      'name',
      'valueString',
      'valueCode',
    ],
    ...[
      'op',
      'path',
      'from',
      'text',
      'div',
      'identifier',
      'effectiveDateTime',
      'birthDate',
      'versionId',
      'lastUpdated',
      'data',
      'contentType',
    ],
    ...['constructor', 'toString', '0', '1', '_status', '_id', 'ifMatch', 'ifNoneExist', 'length'],
  ),
  fc.string({ maxLength: 8, unit: 'binary' }),
);
const text = fc.oneof(
  fc.constantFrom(
    ...[
      'Observation',
      'Patient',
      'Bundle',
      'Parameters',
      'Binary',
      'AuditEvent',
      'transaction',
      'batch',
      'final',
      'target',
      'any',
      'operation',
    ],
    ...[
      'POST',
      'PUT',
      'PATCH',
      'DELETE',
      'GET',
      'Observation/target',
      'Patient/any',
      'Observation?identifier=a|b',
      'Patient?',
      '#x',
      'urn:uuid:x',
    ],
    ...[
      'add',
      'remove',
      'replace',
      'move',
      'copy',
      'test',
      'insert',
      'delete',
      '/status',
      '/code/text',
      '/-',
      '',
      '/',
      '~',
      'Observation.status',
    ],
    ...[
      '9999-12-31T23:59:59.999999-14:00',
      '0001',
      '2024-02-30',
      '1e400',
      'W/"1"',
      '*',
      'application/json-patch+json',
      'W10=',
      'https://a/b|c#d',
    ],
  ),
  fc.string({ maxLength: 20, unit: 'binary' }),
);
const leaf = fc.oneof(
  text,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(true, false, null),
  fc.constantFrom(1e308, -1e308, 5e-324, 2 ** 53, -0),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(word, tie('tree'), { maxKeys: 6 }),
  ),
}));

const optional = { requiredKeys: ['resourceType'] as ['resourceType'] };
const codes = fc.oneof(fc.record({ text }), tree);

/** Objects that get past the first doors: a type, and something of what it needs. */
const observation = fc.record(
  {
    resourceType: fc.constant('Observation'),
    id: fc.constantFrom('target', 'any', 'a_b'),
    status: fc.oneof(fc.constant('final'), leaf),
    code: codes,
    subject: fc.oneof(fc.record({ reference: text }), tree),
    effectiveDateTime: text,
    valueQuantity: fc.oneof(fc.record({ value: fc.double({ noNaN: true, noDefaultInfinity: true }), unit: text }), tree),
    meta: fc.oneof(fc.constant({}), tree),
    contained: fc.array(tree, { maxLength: 1 }),
  },
  { requiredKeys: ['resourceType', 'status', 'code'] },
);
/** Mostly right: the numbers, dates and references in it are what may be odd. */
const plain = fc.record(
  {
    resourceType: fc.constant('Observation'),
    id: fc.constant('target'),
    status: fc.constantFrom('final', 'amended'),
    code: fc.constant({ text: 'x' }),
    effectiveDateTime: fc.constantFrom('0001', '9999', '9999-12-31T23:59:59.999-14:00', '0001-01-01T00:00:00+14:00', '2024-02-29'),
    valueQuantity: fc.record({
      value: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer()),
      system: fc.constant('http://unitsofmeasure.org'),
      code: fc.constant('mg'),
    }),
    subject: fc.record({
      reference: fc.constantFrom('Patient/any', 'urn:uuid:0b1f5d0c-7a1e-4d6f-9d5e-8d2f3c4b5a69', 'https://a/b', 'Patient/any/_history/1'),
    }),
    identifier: fc.array(fc.record({ system: fc.webUrl(), value: fc.string({ minLength: 1, maxLength: 20 }) }), {
      minLength: 1,
      maxLength: 2,
    }),
  },
  { requiredKeys: ['resourceType', 'id', 'status', 'code'] },
);
const patient = fc.record(
  {
    resourceType: fc.constant('Patient'),
    id: fc.constantFrom('any', 'target'),
    birthDate: text,
    name: tree,
    identifier: tree,
    extension: tree,
  },
  optional,
);
const parameters = fc.record({
  resourceType: fc.constant('Parameters'),
  parameter: fc.array(
    fc.record({
      name: fc.constant('operation'),
      part: fc.array(
        fc.record({ name: word, valueString: text, valueCode: text, valueInteger: leaf, valueReference: tree }, { requiredKeys: ['name'] }),
        { maxLength: 4 },
      ),
    }),
    { maxLength: 3 },
  ),
});
const jsonPatch = fc.array(fc.record({ op: text, path: text, from: text, value: tree }, { requiredKeys: ['op', 'path'] }), {
  maxLength: 4,
});
const binary = fc.record({ resourceType: fc.constant('Binary'), contentType: text, data: text }, optional);
const batch = fc.record({
  resourceType: fc.constant('Bundle'),
  type: fc.constantFrom('batch', 'transaction'),
  entry: fc.array(
    fc.record(
      {
        fullUrl: text,
        resource: fc.oneof(tree, observation, patient, parameters, binary),
        request: fc.record(
          {
            method: text,
            url: fc.oneof(text, fc.constantFrom('Observation', 'Patient')),
            ifMatch: leaf,
            ifNoneMatch: leaf,
            ifNoneExist: leaf,
          },
          { requiredKeys: ['method', 'url'] },
        ),
      },
      { requiredKeys: ['request'] },
    ),
    { maxLength: 4 },
  ),
});
const nearly = fc.oneof(observation, patient, parameters, jsonPatch, batch);

type Endpoint = (typeof endpoints)[number];
const at = (...numbers: readonly number[]) => fc.constantFrom(...numbers.map((n) => endpoints[n] as Endpoint));
/** Any body anywhere, and each kind where it belongs. */
const sent = fc.oneof(
  fc.tuple(tree, fc.constantFrom(...endpoints)),
  fc.tuple(nearly, fc.constantFrom(...endpoints)),
  fc.tuple(observation, at(0, 4, 6)),
  fc.tuple(plain, at(0, 4, 6)),
  fc.tuple(patient, at(1, 5)),
  fc.tuple(parameters, at(7, 11)),
  fc.tuple(jsonPatch, at(8, 9)),
  fc.tuple(batch, at(10)),
);

/** What was answered, so that a generator gone stale shows. */
const answered = new Set<number>();

const check = async (body: string, [method, path, headers = {}]: Endpoint): Promise<void> => {
  const answer = await server.request(method, path, { body, headers });
  answered.add(answer.status);
  expect(answer.status, `${method} ${path} ${body}`).toBeLessThan(500);
  if (answer.status >= 400) expect(answer.json.resourceType).toBe('OperationOutcome');
  for (const entry of answer.status === 200 && path === '' ? (answer.json.entry ?? []) : []) {
    expect(Number.parseInt(entry.response.status, 10), body).toBeLessThan(500);
  }
};

const runs = Number(process.env['ANY_BODY_RUNS'] ?? 300);

test('any JSON at any write endpoint is answered, never with 5xx', async () => {
  await fc.assert(
    fc.asyncProperty(sent, ([body, endpoint]) => check(JSON.stringify(body), endpoint)),
    { numRuns: runs },
  );
  expect([...answered]).toEqual(expect.arrayContaining([200, 201, 400]));
}, 120_000);

test('nor does any text, or JSON cut off or with a letter changed', async () => {
  const damaged = fc.tuple(nearly, fc.nat(), fc.string({ maxLength: 2, unit: 'binary' })).map(([value, at, put]) => {
    const whole = JSON.stringify(value);
    const place = at % whole.length;
    return at % 2 === 0 ? whole.slice(0, place) : whole.slice(0, place) + put + whole.slice(place + 1);
  });
  await fc.assert(fc.asyncProperty(fc.oneof(damaged, fc.string({ unit: 'binary' })), fc.constantFrom(...endpoints), check), {
    numRuns: runs / 2,
  });
}, 120_000);
