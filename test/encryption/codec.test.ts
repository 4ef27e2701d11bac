import { hash, randomBytes } from 'node:crypto';
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { deflateRawSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeCodec } from '../../src/encryption/codec.ts';
import { makeDictionaries } from '../../src/encryption/dictionaries.ts';

const codec = makeCodec({ encrypted: true, textBytesMax: 3_000_000 });
const types = ['Observation', 'Patient', 'Basic', 'NoSuchType'];
const heartRate = JSON.stringify({
  resourceType: 'Observation',
  id: '0f7c1f2e-6f0e-4b8e-9d57-0c1f6f7a2b11',
  status: 'final',
  category: [
    { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs', display: 'Vital Signs' }] },
  ],
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4', display: 'Heart rate' }], text: 'Heart rate' },
  subject: { reference: 'Patient/5f1c9cbb-1f4a-4d1f-a9d5-5f0b6d6d8f10' },
  effectiveDateTime: '2024-03-05T09:30:00Z',
  valueQuantity: { value: 71, unit: 'beats/minute', system: 'http://unitsofmeasure.org', code: '/min' },
});

describe('packing', () => {
  test('and expanding gives the same bytes, of any content and type', () => {
    const text = fc.oneof(
      fc.json().map((json) => Buffer.from(json)),
      fc.uint8Array({ maxLength: 5000 }).map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(text, fc.constantFrom(...types), (bytes, type) => {
        expect(codec.expand(codec.pack(bytes, type), type, codec.dictionaryVersion).equals(bytes)).toBe(true);
      }),
    );
  });

  test.each([0, 1, 32_767, 32_768, 32_769, 200_000, 2_999_999])('takes %i bytes that repeat, and %i that do not', (length) => {
    for (const text of [Buffer.alloc(length, heartRate), randomBytes(length)]) {
      const packed = codec.pack(text, 'Binary');
      expect(packed.length).toBeLessThanOrEqual(length + 5);
      expect(codec.expand(packed, 'Binary', codec.dictionaryVersion).equals(text)).toBe(true);
    }
  });

  test('of a usual resource is much shorter than without a dictionary', () => {
    const plain = deflateRawSync(heartRate).length;
    expect(codec.pack(Buffer.from(heartRate), 'Observation').length).toBeLessThan(0.5 * plain);
    expect(codec.pack(Buffer.from(heartRate.replace('Observation', 'NutritionOrder')), 'NutritionOrder').length).toBeLessThan(0.7 * plain);
  });

  test('of a text over the limit is refused', () => {
    expect(() => makeCodec({ encrypted: true, textBytesMax: 10 }).pack(Buffer.alloc(11), 'Basic')).toThrow(RangeError);
  });
});

describe('expanding', () => {
  const broken = expect.objectContaining({ name: 'SealBroken', code: 'seal-text' });
  const expand = (packed: Buffer, type = 'Observation', version = 1) => codec.expand(packed, type, version);
  const whole = codec.pack(Buffer.from(heartRate), 'Observation');

  test('stops where the text would become longer than it said, before it is in memory', () => {
    const bomb = deflateRawSync(Buffer.alloc(100_000_000));
    const stopped = expect.objectContaining({ code: 'seal-text', cause: expect.objectContaining({ code: 'ERR_BUFFER_TOO_LARGE' }) });
    for (const length of [[0x10], [0xc0, 0x8d, 0xb7, 0x01]]) expect(() => expand(Buffer.from([1, ...length, ...bomb]))).toThrow(stopped);
    const frame = zstdCompressSync(Buffer.alloc(100_000_000));
    expect(() => expand(Buffer.from([2, 0x10, ...frame]))).toThrow(stopped);
  });

  test('refuses a length over the limit, whatever follows', () => {
    expect(() => expand(Buffer.from([1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]))).toThrow(broken);
    expect(() => makeCodec({ encrypted: true, textBytesMax: 100 }).expand(whole, 'Observation', 1)).toThrow(broken);
  });

  test('refuses a text that is cut short, longer than it was, or of an unknown kind', () => {
    for (let length = 0; length < whole.length; length++) expect(() => expand(whole.subarray(0, length))).toThrow(broken);
    expect(() => expand(Buffer.from([0, 3, 65, 66]))).toThrow(broken);
    expect(() => expand(Buffer.from([0, 1, 65, 66]))).toThrow(broken);
    expect(() => expand(Buffer.from([1, 0]))).toThrow(broken);
    expect(() => expand(Buffer.from([9, 1, 65]))).toThrow(broken);
  });

  test('refuses a version of the dictionaries that this release does not have', () => {
    for (const version of [0, 2, 255]) expect(() => expand(whole, 'Observation', version)).toThrow(broken);
  });

  test('tells nothing of the text in its error', () => {
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, 3);
    let error: unknown;
    try {
      expand(damaged);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toEqual(broken);
    expect(String(error)).toBe('SealBroken: the sealed text cannot be expanded');
  });
});

describe('the dictionaries', () => {
  const folder = new URL('../../src/encryption/dictionaries/', import.meta.url);

  // A dictionary that changes makes all contents packed with it unreadable. Add versions, never touch these lines.
  test.each([['1', '7fd4af4fa6ec295dab40e2ff1e4bdae08f15384dedcc8b9145e4528ffa89cf60']])(
    'of version %s are the released ones',
    (version, checksum) => {
      const text = readFileSync(new URL(`${version}/SHA256SUMS`, folder), 'utf8');
      const files = readdirSync(new URL(`${version}/`, folder)).filter((file) => file.endsWith('.txt'));
      const lines = files.sort().map((file) => `${hash('sha256', readFileSync(new URL(`${version}/${file}`, folder)))}  ${file}\n`);
      expect(lines.join('')).toBe(text);
      expect(hash('sha256', text)).toBe(checksum);
    },
  );

  test('of types without one of their own are the common one', () => {
    const dictionaries = makeDictionaries();
    const common = dictionaries.of('Resource', 1);
    expect(common?.length).toBeGreaterThan(4000);
    expect(dictionaries.of('NutritionOrder', 1)).toBe(common);
    expect(dictionaries.of('../../../package', 1)).toBe(common);
    expect(dictionaries.of('Observation', 1)).not.toBe(common);
    expect(dictionaries.of('Observation', 1)).toBe(dictionaries.of('Observation', 1));
    expect(dictionaries.of('Observation', 2)).toBeUndefined();
  });

  test('are refused when a file is not the released one', () => {
    const copy = mkdtempSync(join(tmpdir(), 'dictionaries-'));
    try {
      cpSync(folder, copy, { recursive: true });
      appendFileSync(join(copy, '1', 'Observation.txt'), '\n');
      const dictionaries = makeDictionaries(pathToFileURL(`${copy}/`));
      expect(() => dictionaries.of('Observation', 1)).toThrow('dictionaries/1/Observation.txt is not the file that was released');
      expect(dictionaries.of('Patient', 1)).toBeDefined();
    } finally {
      rmSync(copy, { recursive: true });
    }
  });
});
