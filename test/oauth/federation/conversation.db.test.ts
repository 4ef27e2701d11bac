import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ConversationFailed, conversationWith } from '../../../src/http/oauth/federation/conversation.ts';
import { readProviders } from '../../../src/http/oauth/federation/providers.ts';

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

/** A provider that says of itself what it is told to. */
async function talkTo(answer: (issuer: string) => RequestListener) {
  let asked = 0;
  const listening = (server = createServer((incoming, outgoing) => {
    asked++;
    answer(issuer)(incoming, outgoing);
  }));
  await new Promise<void>((resolve) => {
    listening.listen(0, '127.0.0.1', resolve);
  });
  const issuer = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  const file = { providers: [{ id: 'there', name: 'There', issuer, clientId: 'us', roles: ['viewer'] }] };
  const [provider] = readProviders(JSON.stringify(file), new Map());
  if (provider === undefined) throw new Error('one was read');
  const conversation = conversationWith(provider, 'https://here.example/back', 'https://here.example/out');
  return { conversation, issuer, asked: () => asked };
}

const says =
  (metadata: (issuer: string) => object) =>
  (issuer: string): RequestListener =>
  (_, outgoing) =>
    void outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metadata(issuer)));

const right = (issuer: string) => ({
  issuer,
  authorization_endpoint: `${issuer}/auth`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/jwks`,
});

describe('what a provider says of itself', () => {
  test('is asked for once, and its own parameters stay beside ours', async () => {
    const { conversation, asked } = await talkTo(
      says((issuer) => ({ ...right(issuer), authorization_endpoint: `${issuer}/auth?tenant=1&scope=more` })),
    );
    const [first, second] = [await conversation.begin(false), await conversation.begin(false)];
    const query = new URL(first.to).searchParams;
    expect([query.get('tenant'), query.getAll('scope')]).toEqual(['1', ['openid profile email']]);
    expect(asked()).toBe(1);
    for (const part of ['state', 'nonce', 'verifier'] as const) expect(first.sent[part]).not.toBe(second.sent[part]);
  });

  test.each<[string, (issuer: string) => RequestListener]>([
    ['another issuer', says((issuer) => ({ ...right(issuer), issuer: `${issuer}/other` }))],
    ['a token endpoint without TLS elsewhere', says((issuer) => ({ ...right(issuer), token_endpoint: 'http://10.0.0.1/token' }))],
    ['keys without TLS elsewhere', says((issuer) => ({ ...right(issuer), jwks_uri: 'http://keys.example/jwks' }))],
    ['a script for a page to sign in', says((issuer) => ({ ...right(issuer), authorization_endpoint: 'javascript:alert(1)' }))],
    ['no token endpoint', says((issuer) => ({ ...right(issuer), token_endpoint: undefined }))],
    ['no JSON', () => (_, outgoing) => void outgoing.writeHead(200, { 'content-type': 'application/json' }).end('<html>')],
    ['another address', (issuer) => (_, outgoing) => void outgoing.writeHead(302, { location: `${issuer}/moved` }).end()],
    ['an error', () => (_, outgoing) => void outgoing.writeHead(500).end('no')],
    ['too much, with its length', () => (_, outgoing) => void outgoing.writeHead(200, { 'content-length': 10_000_000 }).end('{')],
    [
      'too much, without',
      () => (_, outgoing) => void outgoing.writeHead(200, { 'content-type': 'application/json' }).end(`"${'x'.repeat(400_000)}"`),
    ],
  ])('is not taken as %s', async (_, answer) => {
    const { conversation, asked } = await talkTo(answer);
    const failure = await conversation.begin(false).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConversationFailed);
    expect(failure).toMatchObject({ fault: 'away' });
    // Nobody is made to wait for it again at once.
    await expect(conversation.begin(false)).rejects.toBe(failure);
    expect(asked()).toBe(1);
  });

  test('is waited for five seconds', async () => {
    const { conversation } = await talkTo(() => (_, outgoing) => void outgoing.writeHead(200).write('{'));
    const begun = Date.now();
    await expect(conversation.begin(false)).rejects.toMatchObject({ fault: 'away' });
    expect(Date.now() - begun).toBeLessThan(7_000);
  }, 10_000);
});
