import { contractPath, described } from './contract.ts';

/*
 * Every answer of the native API that a test gets by fetch is held against openapi.yaml, in whatever file: a status, a header, a type or
 * a field that isn't documented fails the test.
 */
const asked = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const asRequest = input instanceof Request ? input : undefined;
  const method = (init?.method ?? asRequest?.method ?? 'GET').toUpperCase();
  const path = contractPath(input instanceof Request ? input.url : input instanceof URL ? input.href : input);
  const response = await asked(input, init);
  if (path === undefined) return response;
  const contract = await described();
  // What is streamed may be long, and is its test's own.
  const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? true;
  const body = isJson ? await response.clone().text() : undefined;
  const { status, headers } = response;
  contract.note(method, path, status);
  const faults = contract.faultsOf(method, path, { status, headers, body });
  if (faults.length > 0) throw new Error(`${method} ${path} does not answer as openapi.yaml says: ${faults.join('; ')}`);
  return response;
};
