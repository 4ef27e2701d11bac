import fc, { type Arbitrary } from 'fast-check';
import type { Described, DescribedOperation, DescribedParameter } from './contract.ts';
import { type KnownIds, makeValues } from './contract-values.ts';

/** A request, some of it wrong. `path` is that behind `/api/v1`, encoded. */
export type FuzzRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Which of the tokens. */
  readonly role: number;
};

/** What is never to be seen in a log: it stands in texts that are sent. */
export const canary = 'Zqcanaryzq';

/** Requests around the contract: most to its operations, with values that are valid, at their limits or beyond. */
export function fuzzRequests(contract: Described, ids: KnownIds, roles: number): Arbitrary<FuzzRequest> {
  const { valid, sampleBody } = makeValues(contract, ids);

  const odd: Arbitrary<unknown> = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      -1,
      0,
      1e308,
      -0.1,
      9_007_199_254_740_993,
      '',
      ' ',
      [],
      {},
      [[]],
      [null],
      canary,
      `${canary}\u0000`,
    ),
    fc.constantFrom<unknown>(
      '9'.repeat(400),
      'x'.repeat(9_000),
      '\u202e\u200d𝕏',
      '\ud800',
      '${7*7}',
      "' or 1=1 --",
      '../../etc/passwd',
      '=1+1',
      '<script>',
      '2024-02-30',
      '0000-01-01',
      '9999-12-31T23:59:60Z',
      '1e999',
    ),
    fc.jsonValue({ maxDepth: 3 }),
    fc.string({ unit: 'binary' }),
  );
  const text: Arbitrary<string> = fc
    .oneof(odd, fc.string({ unit: 'grapheme' }))
    .map((value) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')));

  /** A value with one of its parts replaced, taken out or put in. */
  const mutated = (value: Arbitrary<unknown>): Arbitrary<unknown> =>
    fc.tuple(value, fc.nat(), odd, fc.nat(3)).map(([whole, at, other, how]) => mutate(structuredClone(whole), at, other, how));

  /** A line of an import: of any format, of which the type tells one. */
  const imported: Arbitrary<string> = fc.oneof(
    ...['PatientInput', 'InteractionInput'].map((name) =>
      valid(contract.schemaAt(`#/components/schemas/${name}`)).map((value) => JSON.stringify(value)),
    ),
    fc.constantFrom('given_name,family_name,date_of_birth', 'Ada,Lovelace,1985-12-10', '[', ']', ''),
    odd.map((value) => JSON.stringify(value) ?? ''),
  );

  const bodyOf = (operation: DescribedOperation): Arbitrary<string | undefined> => {
    const { body } = operation;
    const schema = body?.content['application/json']?.schema;
    const lines = body?.content['application/x-ndjson'];
    if (lines !== undefined)
      return fc.oneof(
        fc.array(imported, { maxLength: 5 }).map((each) => each.join('\n')),
        text,
      );
    const isFile = body?.content['*/*'] !== undefined;
    if (isFile)
      return fc.oneof({ weight: 3, arbitrary: fc.constantFrom('Plain text.', '%PDF-1.7\n%%EOF', '{"a":1}', '<svg/>', 'MZ\u0000') }, text);
    if (schema === undefined)
      return fc.option(body === undefined ? fc.constantFrom('', '{}') : text, { nil: undefined, freq: body === undefined ? 10 : 1 });
    const json = (value: unknown): string => JSON.stringify(value);
    const good = valid(schema);
    const marked = good.map((value) => withCanary(value));
    return fc.oneof(
      { weight: 5, arbitrary: good.map(json) },
      // What the contract shows, about those who are there.
      { weight: 5, arbitrary: fc.nat(1e6).map((at) => json(placed(sampleBody(operation), ids, at))) },
      { weight: 2, arbitrary: marked.map(json) },
      { weight: 6, arbitrary: mutated(good).map(json) },
      { weight: 1, arbitrary: odd.map((value) => json(value) ?? '') },
      { weight: 1, arbitrary: fc.tuple(good, fc.nat(50)).map(([value, cut]) => json(value).slice(0, -1 - cut)) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '\ufeff{}',
          '{"a":1,"a":2}',
          '['.repeat(5000),
          `{"${canary}":1e99999}`,
          '{"__proto__":{"a":1}}',
          'NaN',
          '{}{}',
          undefined,
        ),
      },
    );
  };

  const sentValue = (parameter: DescribedParameter): Arbitrary<string> =>
    fc.oneof({ weight: 4, arbitrary: valid(parameter.schema, parameter.name).map(String) }, { weight: 1, arbitrary: text });

  const queryOf = (operation: DescribedOperation): Arbitrary<string> => {
    const known = operation.parameters.filter((each) => each.in === 'query');
    const needed = known.filter((each) => each.required === true);
    const pair = (parameter: DescribedParameter): Arbitrary<string> =>
      sentValue(parameter).map((value) => `${parameter.name}=${encoded(value)}`);
    const some = known.length === 0 ? fc.constant<string[]>([]) : fc.array(fc.constantFrom(...known).chain(pair), { maxLength: 3 });
    const strange = fc.oneof(
      { weight: 12, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: text.map((name) => `${encoded(name)}=1`) },
      { weight: 1, arbitrary: fc.constantFrom('%', '%ff=%fe', '=', '&&', `${canary}=${canary}`, '__proto__=1', 'limit=1&limit=2') },
    );
    return fc
      .tuple(fc.tuple(...needed.map(pair)), some, strange)
      .map(([one, two, three]) => [...one, ...two, three].filter((each) => each !== '').join('&'));
  };

  const pathOf = ({ path, parameters }: DescribedOperation): Arbitrary<string> => {
    const named = parameters.filter((each) => each.in === 'path');
    const segment = (parameter: DescribedParameter): Arbitrary<string> =>
      fc.oneof(
        {
          weight: 10,
          arbitrary: valid(parameter.schema, parameter.name === 'id' ? kindAt(path) : parameter.name).map((value) =>
            encodeURIComponent(String(value)),
          ),
        },
        { weight: 1, arbitrary: text.map(encoded) },
        { weight: 1, arbitrary: fc.constantFrom('%00', '%2e%2e', '%ff', 'a%2Fb', 'me', canary, ':', '%3A', '.') },
      );
    return fc
      .tuple(...named.map(segment))
      .map((values) => named.reduce((whole, { name }, at) => whole.replace(`{${name}}`, () => values[at] ?? ''), path));
  };

  const headersOf = (operation: DescribedOperation): Arbitrary<Record<string, string>> => {
    const told = Object.keys(operation.body?.content ?? {});
    const types = told.includes('*/*') ? ['text/plain', 'application/pdf', 'application/json'] : told;
    const type = fc.oneof(
      { weight: 15, arbitrary: fc.constantFrom(...(types.length > 0 ? types : ['application/json'])) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          'text/plain',
          'application/xml',
          'application/json; charset=utf-16',
          'application/fhir+json',
          'multipart/form-data; boundary=x',
          ';',
          'application/json, text/html',
        ),
      },
    );
    const known = operation.parameters.filter((each) => each.in === 'header');
    const own = known.map(({ name, schema, required }) => {
      const value = fc
        .oneof(
          { weight: 6, arbitrary: name === 'If-Match' ? fc.constantFrom('W/"1"', '"1"', 'W/"2"') : valid(schema).map(String) },
          { weight: 1, arbitrary: text },
        )
        .map(headerValue);
      return fc.option(
        value.map((each): [string, string] => [name, each]),
        { nil: undefined, freq: required === true ? 15 : 2 },
      );
    });
    const strange = fc.option(
      fc.tuple(
        fc.constantFrom(
          'accept',
          'prefer',
          'x-request-id',
          'if-none-match',
          'accept-language',
          'x-consistency-token',
          'x-purpose-of-use',
          'x-break-glass',
          'x-provenance',
          'x-http-method-override',
          'range',
          'origin',
        ),
        text.map(headerValue),
      ),
      { nil: undefined, freq: 4 },
    );
    return fc.tuple(type, fc.tuple(...own), strange).map(([contentType, some, last]) => {
      const pairs = [['content-type', contentType] as const, ...some, last].filter((each) => each !== undefined);
      return Object.fromEntries(pairs.filter(([, value]) => value !== ''));
    });
  };

  const meant = fc.constantFrom(...contract.operations).chain((operation) =>
    fc.tuple(pathOf(operation), queryOf(operation), headersOf(operation), bodyOf(operation), fc.nat(roles - 1)).map(
      ([path, query, headers, body, role]): FuzzRequest => ({
        method: operation.method,
        path: query === '' ? path : `${path}?${query}`,
        headers,
        ...(body === undefined || operation.method === 'GET' ? {} : { body }),
        role,
      }),
    ),
  );
  const misdirected = fc
    .tuple(meant, fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'SEARCH'), text)
    .map(([request, method, end]): FuzzRequest => {
      const { body, ...rest } = request;
      const path = method === 'PATCH' ? `/${encoded(end)}${request.path}` : request.path;
      return { ...rest, path, method, ...(body === undefined || method === 'GET' || method === 'HEAD' ? {} : { body }) };
    });
  return fc.oneof({ weight: 12, arbitrary: meant }, { weight: 1, arbitrary: misdirected });
}

/** What `{id}` is the id of. */
function kindAt(path: string): string {
  const collection = path.split('/')[1] ?? '';
  return `${collection.replace(/s$/, '').replaceAll('-', '_')}_id`;
}

/** An example with ids of what is there, at a time and with contacts of its own. */
function placed(sample: unknown, ids: KnownIds, at: number): unknown {
  const text = JSON.stringify(sample, (name, value: unknown) => {
    if (name === 'email' || name === 'phone_e164') return undefined;
    if (name === 'starts_at') return new Date(Date.UTC(2031, 0, 1) + at * 3_600_000).toISOString();
    if (name === 'as_of') return new Date().toISOString();
    if (name === 'code') return `code-${at}`;
    if (name === 'in_response_to' || name === 'outcome') return undefined;
    return name.endsWith('_id') ? (ids(name)[at % Math.max(1, ids(name).length)] ?? value) : value;
  });
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

/** One place of a value changed: by number, so that all places are as likely. */
function mutate(whole: unknown, at: number, other: unknown, how: number): unknown {
  const places: { readonly holder: Record<string, unknown>; readonly name: string }[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, each] of Object.entries(value)) {
      places.push({ holder: value as Record<string, unknown>, name });
      visit(each);
    }
  };
  visit(whole);
  const place = places[at % Math.max(1, places.length)];
  if (place === undefined) return other;
  const { holder, name } = place;
  if (how === 0) delete holder[name];
  else if (how === 1) holder[`${name}x`] = other;
  else holder[name] = other;
  return whole;
}

/** Texts that may say anything say the canary. */
function withCanary(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withCanary);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      typeof each === 'string' && /name|text|note|line1|city|title|instructions|content$/.test(name) ? canary : withCanary(each),
    ]),
  );
}

/** Percent-encoded, lone surrogates too. */
const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());
/** What a header can carry. */
const headerValue = (text: string): string =>
  text
    .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '')
    .trim()
    .slice(0, 4000);
