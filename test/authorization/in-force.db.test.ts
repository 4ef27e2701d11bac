import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Grant } from '../../src/authorization/grant.ts';
import { revokeAccount, revokeClient, revokeGrant, revokeToken } from '../../src/storage/oauth-revocations.ts';
import { addApp, addUser, tokensOf } from '../oauth/launching.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let anna: string;
beforeAll(async () => {
  server = await startTestServer({ CARE_RELATIONSHIPS: 'all' });
  await server.request('PUT', '/Patient/pa', { body: { resourceType: 'Patient', id: 'pa' } });
  anna = await addUser(server, 'anna', ['patient'], 'Patient/pa');
  await addApp(server, 'app');
});
afterAll(() => server?.stop());

async function granted(): Promise<Grant> {
  const { tokens } = await tokensOf(server, { client: 'app', login: 'anna', scope: 'openid fhirUser launch/patient patient/Patient.rs' });
  return (await server.services.authenticate({ authorization: `Bearer ${tokens.access_token}` })).grant;
}

const asked = (grant: Grant, since: number) => server.services.accessOfGrant(grant, since);
const over = { status: 403 };

describe('what was begun with a token of ours', () => {
  test.each([
    ['token', ({ tokenId }: Grant) => revokeToken(server.services.context.pool, tokenId ?? '')],
    ['grant', ({ grantId }: Grant) => revokeGrant(server.services.context.pool, grantId ?? '')],
    ['client', () => revokeClient(server.services.context.pool, 'app')],
    ['account', () => revokeAccount(server.services.context.pool, anna)],
  ])('goes on until the %s is ended, and what is begun later with a new one goes on', async (_, end) => {
    const grant = await granted();
    const since = Date.now();
    expect((await asked(grant, since)).filter('r', 'Patient')).not.toBe('none');
    await end(grant);
    await expect.poll(() => asked(grant, since).catch((error: unknown) => error)).toMatchObject(over);
    // A token tells only the second it was given in.
    await wait(1_100);
    const next = await granted();
    await expect(asked(next, Date.now())).resolves.toBeDefined();
  });

  test('ends with an account that is disabled, long after its revocation is forgotten', async () => {
    const grant = await granted();
    const since = Date.now() + 60_000; // As if the revocation were not known: it was before.
    const user = await server.services.users.find(anna);
    if (user === undefined) throw new Error('there is no such user');
    await server.services.users.setEnabled(user, false);
    await expect(asked(grant, since)).rejects.toMatchObject(over);
    await server.services.users.setEnabled(user, true);
    await expect(asked(grant, since)).resolves.toBeDefined();
  });
});

test('tokens of other issuers are ended by nobody here', async () => {
  const { grant } = await server.services.authenticate({ authorization: `Bearer ${await server.token({ scope: 'system/Patient.rs' })}` });
  await revokeToken(server.services.context.pool, grant.tokenId ?? '');
  await expect(asked(grant, Date.now())).resolves.toBeDefined();
});
