import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openKeyFile, rotateKeyFile } from '../../src/encryption/key-file.ts';

const now = new Date('2026-03-01T10:00:00Z');
const secret = randomBytes(32);
let folder = '';
let file = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'key-file-'));
  file = join(folder, '.keys', 'root.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

const create = () => openKeyFile({ file, mayCreate: true, now });
const reopen = () => openKeyFile({ file, mayCreate: false, now });
const fault = (code: string, text: RegExp) =>
  expect.objectContaining({ name: 'KeyManagementError', code, message: expect.stringMatching(text) });
const contents = (): { current: string; keys: { id: string; created: string; secret: string }[] } => JSON.parse(readFileSync(file, 'utf8'));

describe('a key file', () => {
  test('is made for its owner alone, with one key, and leaves no draft behind', async () => {
    const { provider, location, currentKeyId, keys } = (await create()).describe();
    expect({ provider, location, keys }).toEqual({
      provider: 'key-file',
      location: file,
      keys: [{ id: currentKeyId, created: now.toISOString() }],
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, '.keys')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(folder, '.keys'))).toEqual(['root.json']);
    expect(Buffer.from(contents().keys[0]?.secret ?? '', 'base64')).toHaveLength(32);
  });

  test('unwraps what it wrapped, after reopening too, for the same context only', async () => {
    const wrapped = await (await create()).wrap(secret, 'key 1 patient');
    expect(wrapped).toHaveLength(1 + 16 + 12 + 32 + 16);
    const keys = await reopen();
    expect(await keys.unwrap(wrapped, 'key 1 patient')).toEqual(secret);
    await expect(keys.unwrap(wrapped, 'key 2 patient')).rejects.toMatchObject({ code: 'seal-altered' });
    await expect(keys.unwrap(wrapped, 'key 1 audit')).rejects.toMatchObject({ code: 'seal-altered' });
  });

  test('unwraps nothing of which a byte was changed or is missing', async () => {
    const keys = await create();
    const wrapped = await keys.wrap(secret, 'c');
    for (let at = 0; at < wrapped.length; at++) {
      const changed = Buffer.from(wrapped);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const code = at === 0 ? 'seal-format' : at < 17 ? 'root-key-missing' : 'seal-altered';
      await expect(keys.unwrap(changed, 'c')).rejects.toMatchObject({ code });
      await expect(keys.unwrap(wrapped.subarray(0, at), 'c')).rejects.toMatchObject({ name: 'SealBroken' });
    }
  });

  test('wraps secrets of 16 to 64 bytes', async () => {
    const keys = await create();
    for (const length of [16, 64]) {
      const own = randomBytes(length);
      expect(await keys.unwrap(await keys.wrap(own, ''), '')).toEqual(own);
    }
    for (const length of [0, 15, 65]) expect(() => keys.wrap(randomBytes(length), '')).toThrow(RangeError);
  });

  test('made by several at once is one file with one key', async () => {
    for (let round = 0; round < 20; round++) {
      const all = await Promise.all(Array.from({ length: 6 }, create));
      expect(new Set(all.map((keys) => keys.describe().currentKeyId)).size).toBe(1);
      expect(readdirSync(join(folder, '.keys'))).toEqual(['root.json']);
      rmSync(join(folder, '.keys'), { recursive: true });
    }
  });

  test('that is missing is not made anew where wrapped keys exist', async () => {
    await expect(reopen()).rejects.toThrow(fault('key-file-missing', new RegExp(`${file} is missing`)));
    expect(readdirSync(folder)).toEqual([]);
  });

  test('that is there is never replaced', async () => {
    const before = (await create()).describe();
    expect((await create()).describe()).toEqual(before);
  });

  test.each([0o640, 0o604, 0o620, 0o601])('with mode %o is refused', async (mode) => {
    await create();
    chmodSync(file, mode);
    await expect(reopen()).rejects.toThrow(fault('key-file-exposed', /chmod 600/));
    chmodSync(file, 0o400);
    await expect(reopen()).resolves.toBeDefined();
  });

  test.each([0o770, 0o777])('in a folder with mode %o is refused', async (mode) => {
    await create();
    chmodSync(join(folder, '.keys'), mode);
    await expect(reopen()).rejects.toThrow(fault('key-file-exposed', /chmod 700/));
  });

  test('that lacks the key of a wrapped secret names the key', async () => {
    const wrapped = await (await create()).wrap(secret, 'c');
    const [lost] = contents().keys;
    rmSync(file);
    await expect((await create()).unwrap(wrapped, 'c')).rejects.toThrow(fault('root-key-missing', new RegExp(`${file}.*${lost?.id}`)));
  });

  test('that is damaged is refused, and the error shows nothing of it', async () => {
    await create();
    const whole = readFileSync(file, 'utf8');
    const [key] = contents().keys;
    const damaged = [
      '',
      whole.slice(0, -30),
      '[]',
      'null',
      '{"version":1,"keys":[],"current":""}',
      whole.replace('"version": 1', '"version": 2'),
      whole.replace(key?.secret ?? '', 'AAAA'),
      whole.replace(key?.secret ?? '', `${key?.secret.slice(0, -1)}!=`),
      whole.replace(key?.secret ?? '', ` ${key?.secret}`),
      whole.replace(`"current": "${key?.id}`, '"current": "00000000-0000-0000-0000-000000000000'),
      whole.replace(now.toISOString(), 'yesterday'),
      JSON.stringify({ ...contents(), keys: [key, key] }),
      JSON.stringify({ ...contents(), keys: [{ ...key, id: 'x' }], current: 'x' }),
    ];
    for (const text of damaged) {
      writeFileSync(file, text);
      const error: unknown = await reopen().catch((thrown: unknown) => thrown);
      expect(error, text.slice(0, 20)).toEqual(fault('key-file-invalid', /not a whole key file/));
      expect(inspect(error, { depth: 9 })).not.toContain(key?.secret.slice(0, 8));
    }
    writeFileSync(file, whole);
    await expect(reopen()).resolves.toBeDefined();
  });

  test('that is a folder, or too large to be one, is refused', async () => {
    mkdirSync(file, { recursive: true, mode: 0o700 });
    await expect(reopen()).rejects.toThrow(fault('key-file-invalid', /not a key file/));
    rmSync(file, { recursive: true });
    writeFileSync(file, ' '.repeat(1_000_001), { mode: 0o600 });
    await expect(reopen()).rejects.toThrow(fault('key-file-invalid', /not a key file/));
  });

  test('shows no secret when it is printed', async () => {
    const keys = await create();
    const shown = inspect(keys, { depth: 9, showHidden: true }) + JSON.stringify(keys.describe());
    expect(shown).not.toContain(contents().keys[0]?.secret.slice(0, 8));
  });
});

describe('rotation', () => {
  test('makes a new current key and keeps the old one', async () => {
    const before = await create();
    const old = await before.wrap(secret, 'c');
    const id = await rotateKeyFile(file, new Date('2026-04-01T10:00:00Z'));
    const after = await reopen();
    expect(after.describe()).toMatchObject({
      currentKeyId: id,
      keys: [{ id: before.describe().currentKeyId }, { id, created: '2026-04-01T10:00:00.000Z' }],
    });
    expect(await after.unwrap(old, 'c')).toEqual(secret);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, '.keys'))).toEqual(['root.json']);
  });

  test('is taken up by who has the file open when he meets the new key', async () => {
    const running = await create();
    const id = await rotateKeyFile(file, now);
    const wrapped = await (await reopen()).wrap(secret, 'c');
    expect(await running.unwrap(wrapped, 'c')).toEqual(secret);
    expect(running.describe().currentKeyId).toBe(id);
  });

  test('stops at another that runs or was interrupted, and changes nothing', async () => {
    await create();
    const before = readFileSync(file, 'utf8');
    writeFileSync(`${file}.new`, '');
    await expect(rotateKeyFile(file, now)).rejects.toThrow(fault('key-file-busy', /root\.json\.new exists/));
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  test('of a missing or damaged file fails and leaves no draft', async () => {
    await create();
    writeFileSync(file, '{');
    await expect(rotateKeyFile(file, now)).rejects.toThrow(fault('key-file-invalid', /whole/));
    rmSync(file);
    await expect(rotateKeyFile(file, now)).rejects.toThrow(fault('key-file-missing', /nothing to rotate/));
    expect(readdirSync(join(folder, '.keys'))).toEqual([]);
  });
});
