import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { makeDataKey } from '../../../src/encryption/seal.ts';
import { ForgedForm, type Forms, makeForms } from '../../../src/http/oauth/pages/forms.ts';

const key = makeDataKey(Buffer.alloc(16), Buffer.alloc(32, 1));
let clock = 1_000_000;
const formsAt = (origin: string): Forms => makeForms({ origin, key, secret: Buffer.alloc(32, 2), now: () => clock });

/** A request with a body, and the lines of cookies that its answer sets. */
function exchange(headers: Readonly<Record<string, string>>, body = '') {
  const lines: string[] = [];
  const incoming = Object.assign(Readable.from([Buffer.from(body)]), { headers }) as unknown as IncomingMessage;
  const outgoing = { appendHeader: (_: string, line: string) => lines.push(line) } as unknown as ServerResponse;
  return { incoming, outgoing, lines };
}

const cookiesOf = (lines: readonly string[]): string => lines.map((line) => line.split(';')[0]).join('; ');

describe('a form', () => {
  const origin = 'https://fhir.example.org';
  const forms = formsAt(origin);
  const sent = (token: string, cookie: string, more: Readonly<Record<string, string>> = {}) =>
    exchange({ origin, cookie, 'content-type': 'application/x-www-form-urlencoded', ...more }, `form_token=${token}&name=Ada`).incoming;

  test('and the others of its page have one cookie, which a neighbour can’t plant', async () => {
    const { incoming, outgoing, lines } = exchange({});
    const tokens = [forms.token(incoming, outgoing, '/a'), forms.token(incoming, outgoing, '/b')] as const;
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^__Host-anamnesis_form=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
    const cookie = cookiesOf(lines);
    expect((await forms.read(sent(tokens[0], cookie), '/a')).text('name')).toBe('Ada');
    expect((await forms.read(sent(tokens[1], cookie), '/b')).text('name')).toBe('Ada');
    await expect(forms.read(sent(tokens[0], cookie), '/b')).rejects.toThrow(ForgedForm);
    const planted = cookie.replace('__Host-', '');
    await expect(forms.read(sent(tokens[0], planted), '/a')).rejects.toThrow(ForgedForm);
  });

  test.each([
    ['another origin', { origin: 'https://evil.example' }],
    ['the same host without TLS', { origin: 'http://fhir.example.org' }],
    ['another port', { origin: 'https://fhir.example.org:8443' }],
    ['a sandbox', { origin: 'null' }],
    ['a program that says it is text', { 'content-type': 'text/plain' }],
  ])('from %s is refused', async (_, more) => {
    const { incoming, outgoing, lines } = exchange({});
    const token = forms.token(incoming, outgoing, '/a');
    await expect(forms.read(sent(token, cookiesOf(lines), more), '/a')).rejects.toThrow(ForgedForm);
    await expect(forms.read(sent(token, cookiesOf(lines)), '/a')).resolves.toBeDefined();
  });

  test('without TLS, as on one’s own machine, has a plain cookie', () => {
    const { incoming, outgoing, lines } = exchange({});
    formsAt('http://127.0.0.1:3000').token(incoming, outgoing, '/a');
    expect(lines[0]).toMatch(/^anamnesis_form=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
  });
});

describe('what is kept in a cookie', () => {
  const forms = formsAt('https://fhir.example.org');
  const kept = (cookie: string, name = 'step'): unknown => forms.kept(exchange({ cookie }).incoming, name);

  test('comes back until its time is over, under its own name only, and not once it was touched', () => {
    const { outgoing, lines } = exchange({});
    forms.keep(outgoing, 'step', { id: 7 }, 300);
    const cookie = cookiesOf(lines);
    expect(cookie).not.toContain('7}');
    expect(kept(cookie)).toEqual({ id: 7 });
    expect(kept(cookie.replace('__Host-step', '__Host-other'), 'other')).toBeUndefined();
    expect(kept(`${cookie.slice(0, -2)}AA`)).toBeUndefined();
    expect(kept('__Host-step=x')).toBeUndefined();
    clock += 300_000;
    expect(kept(cookie)).toBeUndefined();
  });
});
