import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type KeyRow, makeApiKeys, makeSecret } from '../../src/authorization/api-keys.ts';
import type { Grant } from '../../src/authorization/grant.ts';

const hour = 3_600_000;
const rows = new Map<string, KeyRow>();
let looks = 0;
const touched: string[] = [];
beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-03-01T10:20:00Z') });
  rows.clear();
  looks = 0;
  touched.length = 0;
  return () => vi.useRealTimers();
});

function stored(over: Partial<KeyRow> = {}): { readonly text: string; readonly id: string } {
  const { id, text, hash } = makeSecret();
  rows.set(id, {
    id,
    name: 'lab',
    scopes: ['system/Observation.rs'],
    roles: [],
    patient: null,
    fhirUser: null,
    createdAt: new Date(),
    expiresAt: new Date(Date.now() + hour),
    revokedAt: null,
    lastUsedAt: null,
    previousUntil: null,
    secretHash: hash,
    previousHash: null,
    ...over,
  });
  return { text, id };
}

const open = () =>
  makeApiKeys<Grant>({
    find: (id) => {
      looks++;
      return Promise.resolve(rows.get(id));
    },
    touch: (id) => touched.push(id),
    callerOf: (grant) => grant,
  });

const change = (id: string, over: Partial<KeyRow>): void => {
  const row = rows.get(id);
  if (row === undefined) throw new Error('no such key');
  rows.set(id, { ...row, ...over });
};

const refused = { status: 401, issues: [expect.objectContaining({ code: 'login' })] };

describe('a key', () => {
  test('gives the grant that was stored for it', async () => {
    const { text, id } = stored({
      scopes: ['patient/*.rs', 'user/Patient.r', 'lab-result:read'],
      roles: ['provider', 'unheard-of'],
      patient: 'p1',
      fhirUser: 'Practitioner/d1',
    });
    const grant = await open()(text);
    expect(grant).toMatchObject({
      clientId: id,
      subject: 'Practitioner/d1',
      fhirUser: 'Practitioner/d1',
      patient: 'p1',
      roles: ['provider'],
    });
    expect(grant.scopes.map(({ level, type }) => `${level}/${type}`)).toEqual([
      'patient/*',
      'user/Patient',
      'user/Observation',
      'user/DiagnosticReport',
    ]);
  });

  test('is looked up once a second at most, and its caller stays the same while nothing changes', async () => {
    const { text, id } = stored();
    const byKey = open();
    const [first, ...others] = await Promise.all(Array.from({ length: 50 }, () => byKey(text)));
    expect(others.every((each) => each === first)).toBe(true);
    expect(looks).toBe(1);
    vi.advanceTimersByTime(1_000);
    expect(await byKey(text)).toBe(first);
    expect(looks).toBe(2);
    vi.advanceTimersByTime(1_000);
    change(id, { scopes: ['system/Patient.r'] });
    expect((await byKey(text)).scopes).toMatchObject([{ type: 'Patient' }]);
  });

  test('is refused a second after it is revoked at the latest, and for good', async () => {
    const { text, id } = stored();
    const byKey = open();
    await byKey(text);
    change(id, { revokedAt: new Date() });
    vi.advanceTimersByTime(1_000);
    await expect(byKey(text)).rejects.toMatchObject(refused);
    await expect(byKey(text)).rejects.toMatchObject(refused);
  });

  test('is refused from the instant it expires, looked up or not', async () => {
    const { text } = stored({ expiresAt: new Date(Date.now() + 300) });
    const byKey = open();
    await byKey(text);
    vi.advanceTimersByTime(299);
    await byKey(text);
    vi.advanceTimersByTime(1);
    await expect(byKey(text)).rejects.toMatchObject(refused);
  });

  test('works beside the one before a rotation, for the time they overlap', async () => {
    const { text, id } = stored();
    const next = makeSecret(id);
    const { secretHash } = rows.get(id) ?? {};
    change(id, { previousHash: secretHash ?? null, previousUntil: new Date(Date.now() + 5_000), secretHash: next.hash });
    const byKey = open();
    expect(await byKey(text)).toBe(await byKey(next.text));
    vi.advanceTimersByTime(5_000);
    await expect(byKey(text)).rejects.toMatchObject(refused);
    await byKey(next.text);
  });

  test('is noted as used once an hour, and not when it is refused', async () => {
    const { text, id } = stored({ expiresAt: new Date(Date.now() + 9 * hour) });
    const byKey = open();
    await expect(byKey(`${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`)).rejects.toMatchObject(refused);
    expect(touched).toEqual([]);
    await byKey(text);
    await byKey(text);
    expect(touched).toEqual([id]);
    vi.advanceTimersByTime(hour);
    await byKey(text);
    expect(touched).toEqual([id, id]);
  });
});

describe('what is no key', () => {
  test('is refused before the database is asked, where it can’t be one', async () => {
    const { text } = stored();
    const byKey = open();
    const [, id = '', secret = ''] = text.split(/_(.{16})_/);
    for (const wrong of ['', 'ana_', id, secret, `ana_${id}_`, ` ${text}`, `${text} `, `${text}A`, text.slice(0, -1), text.toUpperCase()])
      await expect(byKey(wrong)).rejects.toMatchObject(refused);
    for (const wrong of [`${text}, ${text}`, `${text}\n`, text.replace('_', '-'), "ana_' or 1=1_x"])
      await expect(byKey(wrong)).rejects.toMatchObject(refused);
    expect(looks).toBe(0);
  });

  test('is refused with the same words, whether the id is known or not', async () => {
    const [one, other] = [stored(), stored()];
    const byKey = open();
    const faults = [];
    for (const wrong of [
      makeSecret().text,
      makeSecret(one.id).text,
      one.text.replace(one.id, other.id),
      one.text.replace(one.id, '0123456789abcdef'),
    ])
      faults.push(await byKey(wrong).catch((error: unknown) => error));
    for (const fault of faults) expect(fault).toMatchObject(refused);
    expect(new Set(faults.map((fault) => JSON.stringify(fault))).size).toBe(1);
    expect((await byKey(one.text)).clientId).toBe(one.id);
  });

  test('a database that can’t be asked refuses nobody for good and lets nobody in', async () => {
    const { text } = stored();
    let away = true;
    const byKey = makeApiKeys<Grant>({
      find: (id) => (away ? Promise.reject(new Error('away')) : Promise.resolve(rows.get(id))),
      touch: () => {},
      callerOf: (grant) => grant,
    });
    await expect(byKey(text)).rejects.toThrow('away');
    away = false;
    await byKey(text);
    away = true;
    vi.advanceTimersByTime(1_000);
    await expect(byKey(text)).rejects.toThrow('away');
  });
});

test('secrets have 256 random bits and are kept as a hash', () => {
  const made = Array.from({ length: 100 }, () => makeSecret());
  expect(new Set(made.map(({ text }) => text)).size).toBe(100);
  for (const { id, text, hash } of made) {
    expect(text).toMatch(new RegExp(`^ana_${id}_[\\w-]{43}$`));
    expect(hash).toHaveLength(32);
  }
});
