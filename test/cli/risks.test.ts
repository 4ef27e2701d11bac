import { expect, test } from 'vitest';
import { risksOf } from '../../src/cli/risks.ts';
import { loadConfig } from '../../src/config.ts';

const tls = { TLS_CERT_FILE: '/tls/cert.pem', TLS_KEY_FILE: '/tls/key.pem' };
const risks = (env: Record<string, string>, userId?: number): string[] =>
  risksOf(loadConfig({ NODE_ENV: 'production', ...env }, '/srv'), userId ?? 1_000);

test.each([
  [{}],
  [{ HOST: '0.0.0.0', ...tls }],
  [{ HOST: '0.0.0.0', BASE_URL: 'https://fhir.example.org/R4', TRUSTED_PROXIES: '10.0.0.0/8' }],
])('%j has no risk to tell of', (env) => {
  expect(risks(env)).toEqual([]);
});

test('root, plain HTTP and a proxy that isn’t named are told of, in production', () => {
  expect(risks({}, 0)).toEqual([expect.stringContaining('root')]);
  expect(risks({ HOST: '0.0.0.0' })).toEqual([expect.stringContaining('in clear')]);
  expect(risks({ BASE_URL: 'https://fhir.example.org/R4' })).toEqual([expect.stringContaining('TRUSTED_PROXIES')]);
  expect(risks({ NODE_ENV: 'development', HOST: '0.0.0.0' }, 0)).toEqual([]);
});
