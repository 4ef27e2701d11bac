import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeCodec } from '../../src/encryption/codec.ts';
import { type ContentAddress, keyIdsOf, makeDataKey, open, removeOwner, seal, spliceAtOf } from '../../src/encryption/seal.ts';
import { SealBroken } from '../../src/encryption/seal-broken.ts';

const codec = makeCodec({ encrypted: true, textBytesMax: 1_000_000 });
const off = makeCodec({ encrypted: false, textBytesMax: 1_000_000 });
const modes = [
  ['encrypted', codec],
  ['not encrypted', off],
] as const;
const newKey = () => makeDataKey(randomBytes(16), randomBytes(32));
const keys = [newKey(), newKey(), newKey(), newKey()];
const [alice, bob, carol, stranger] = keys as [(typeof keys)[0], (typeof keys)[0], (typeof keys)[0], (typeof keys)[0]];
const address: ContentAddress = { type: 'Observation', id: '123', version: 4 };
const text = '{"resourceType":"Observation","id":"123","status":"final","note":[{"text":"Canary Zürich 漢字"}]}';
const ids = (content: Buffer): string[] => keyIdsOf(content).map((id) => id.toString('hex'));
const hex = (...of: readonly (typeof alice)[]): string[] => of.map((key) => key.id.toString('hex')).sort();
const faultOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof SealBroken) return error.code;
    throw error;
  }
  return 'none';
};

describe.each(modes)('contents that are %s', (_name, mode) => {
  test('open to the text that was sealed, with any key they are sealed for', () => {
    const addresses = fc.record({
      type: fc.constantFrom('Patient', 'Observation', 'Basic'),
      id: fc.stringMatching(/^[A-Za-z0-9.-]{1,64}$/),
      version: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    });
    fc.assert(
      fc.property(fc.json(), addresses, fc.subarray([alice, bob, carol], { minLength: 1 }), (json, at, owners) => {
        const content = seal(json, at, owners, mode);
        expect(ids(content)).toEqual(hex(...owners));
        for (const owner of owners) expect(open(content, at, owner, mode).toString()).toBe(json);
      }),
    );
  });

  test('do not open after any one byte was changed', () => {
    for (const owners of [[alice], [alice, bob]]) {
      const content = seal(text, address, owners, mode, 1);
      // Another owner's wrap isn't read; what is changed there is found when he opens.
      const fault = (altered: Buffer): boolean => owners.some((owner) => faultOf(() => open(altered, address, owner, mode)) !== 'none');
      for (let at = 0; at < content.length; at++) {
        for (const bit of [0x01, 0x80]) {
          const altered = Buffer.from(content);
          altered[at] = (altered[at] ?? 0) ^ bit;
          expect(fault(altered), `byte ${at}`).toBe(true);
        }
      }
    }
  });

  test('do not open cut short or made longer, by any length', () => {
    for (const owners of [[alice], [alice, bob]]) {
      const content = seal(text, address, owners, mode);
      for (let length = 0; length < content.length; length++) {
        expect(faultOf(() => open(content.subarray(0, length), address, alice, mode))).not.toBe('none');
      }
      expect(faultOf(() => open(Buffer.concat([content, Buffer.alloc(1)]), address, alice, mode))).not.toBe('none');
    }
  });

  test.each([
    { type: 'Observation', id: '123', version: 5 },
    { type: 'Observation', id: '124', version: 4 },
    { type: 'Condition', id: '123', version: 4 },
    { type: 'Observation', id: '123/_history/4', version: 4 },
    { type: 'Observation', id: '', version: 4 },
  ])('do not open as $type/$id/_history/$version', (other) => {
    for (const owners of [[alice], [alice, bob]]) {
      expect(faultOf(() => open(seal(text, address, owners, mode), other, alice, mode))).toBe('seal-altered');
    }
  });

  test('open to the remaining owners, and to no other, when one is removed', () => {
    const content = seal(text, address, [alice, bob, carol], mode);
    const removed = removeOwner(content, address, bob.id);
    expect(removed).toHaveLength(content.length);
    expect(ids(content)).toEqual(hex(alice, bob, carol));
    expect(ids(removed)).toEqual(hex(alice, carol));
    for (const owner of [alice, carol]) expect(open(removed, address, owner, mode).toString()).toBe(text);
    if (mode.encrypted) expect(faultOf(() => open(removed, address, bob, mode))).toBe('seal-key');
    expect(removeOwner(removed, address, bob.id)).toBe(removed);
    expect(removeOwner(removed, address, stranger.id)).toBe(removed);
    const both = removeOwner(removed, address, alice.id);
    expect(ids(both)).toEqual(hex(carol));
    expect(ids(removeOwner(both, address, carol.id))).toEqual([]);
  });

  test('with one key have no owner to remove', () => {
    const content = seal(text, address, [alice], mode);
    expect(() => removeOwner(content, address, alice.id)).toThrow(RangeError);
    expect(removeOwner(content, address, bob.id)).toBe(content);
  });

  test('keep the offset to splice at, within the text', () => {
    for (const at of [0, 1, 50]) {
      const content = seal(text, address, [alice, bob], mode, at);
      expect(spliceAtOf(content)).toBe(at);
      expect(open(content, address, bob, mode).toString()).toBe(text);
    }
    for (const at of [-1, 1.5, Number.NaN, 1000]) expect(() => seal(text, address, [alice], mode, at)).toThrow(RangeError);
  });

  test('count a key given twice once', () => {
    const twice = makeDataKey(Buffer.from(alice.id), randomBytes(32));
    expect(seal(text, address, [alice, twice], mode)).toHaveLength(seal(text, address, [alice], mode).length);
    expect(ids(seal(text, address, [alice, bob, alice], mode))).toEqual(hex(alice, bob));
  });

  test('are refused without a key or with an address that is none', () => {
    expect(() => seal(text, address, [], mode)).toThrow(RangeError);
    expect(() => seal(text, { ...address, type: 'Observation/1' }, [alice], mode)).toThrow(TypeError);
    for (const version of [0, -1, 1.5, 2 ** 53]) expect(() => seal(text, { ...address, version }, [alice], mode)).toThrow(TypeError);
  });

  test('may have more owners than a byte counts', () => {
    const many = Array.from({ length: 300 }, newKey);
    const content = seal(text, address, many, mode);
    expect(ids(content)).toEqual(hex(...many));
    for (const owner of [many[0], many[150], many[299]]) expect(open(content, address, owner ?? alice, mode).toString()).toBe(text);
  });
});

describe('encryption', () => {
  test('refuses every key the content is not sealed with', () => {
    expect(faultOf(() => open(seal(text, address, [alice], codec), address, bob, codec))).toBe('seal-key');
    expect(faultOf(() => open(seal(text, address, [alice, bob], codec), address, stranger, codec))).toBe('seal-key');
  });

  test('refuses another secret under the right id', () => {
    const impostor = makeDataKey(alice.id, randomBytes(32));
    expect(faultOf(() => open(seal(text, address, [alice], codec), address, impostor, codec))).toBe('seal-altered');
    expect(faultOf(() => open(seal(text, address, [alice, bob], codec), address, impostor, codec))).toBe('seal-altered');
  });

  test('refuses a wrap that was taken from another content of the same row, and one taken from another owner', () => {
    const [first, second] = [seal(text, address, [alice, bob], codec), seal(text, address, [alice, bob], codec)];
    const wrap = (content: Buffer, number: number) => content.subarray(4 + number * 76 + 16, 4 + number * 76 + 76);
    const mixed = Buffer.from(first);
    wrap(second, 0).copy(wrap(mixed, 0));
    wrap(second, 1).copy(wrap(mixed, 1));
    expect(faultOf(() => open(mixed, address, alice, codec))).toBe('seal-altered');
    const swapped = Buffer.from(first);
    wrap(first, 0).copy(wrap(swapped, 1));
    wrap(first, 1).copy(wrap(swapped, 0));
    expect(faultOf(() => open(swapped, address, alice, codec))).toBe('seal-altered');
  });

  test('refuses contents that are not encrypted', () => {
    expect(faultOf(() => open(seal(text, address, [alice], off), address, alice, codec))).toBe('seal-format');
  });

  test('switched off still opens what was encrypted before, with the key', () => {
    const content = seal(text, address, [alice, bob], codec);
    expect(open(content, address, alice, off).toString()).toBe(text);
    expect(faultOf(() => open(content, address, stranger, off))).toBe('seal-key');
  });

  test('leaves nothing of the text in the content, and no two contents alike', () => {
    const content = seal(text, address, [alice, bob], codec);
    expect(content.toString('latin1')).not.toContain('Canary');
    expect(content.equals(seal(text, address, [alice, bob], codec))).toBe(false);
  });

  test('has the documented layout', () => {
    const packed = codec.pack(Buffer.from(text), address.type);
    const single = seal(text, address, [alice], codec, 5);
    expect(single.subarray(0, 4)).toEqual(Buffer.from([1, codec.dictionaryVersion, 0, 5]));
    expect(single.subarray(4, 20)).toEqual(alice.id);
    expect(single).toHaveLength(4 + 16 + 12 + packed.length + 16);
    const shared = seal(text, address, [alice, bob], codec);
    expect(shared[2]).toBe(2);
    expect(shared).toHaveLength(4 + 2 * (16 + 12 + 32 + 16) + 12 + packed.length + 16);
  });
});

test('a checksum ends what is not encrypted, and the text can be read back without a key', () => {
  const content = seal(text, address, [alice], off);
  expect(content[0]).toBe(0);
  expect(content).toHaveLength(4 + 16 + off.pack(Buffer.from(text), address.type).length + 4);
  expect(open(content, address, stranger, off).toString()).toBe(text);
});

test('what is no content is refused by every reader', () => {
  for (const bytes of ['', '01', '0101', '010100', '02010000', '0101ffffffffff7f00', '0101ffffffff0f00', `0101${'00'.repeat(10)}`]) {
    const content = Buffer.from(bytes, 'hex');
    for (const read of [
      keyIdsOf,
      spliceAtOf,
      (of: Buffer) => removeOwner(of, address, alice.id),
      (of: Buffer) => open(of, address, alice, codec),
    ]) {
      expect(faultOf(() => read(content))).toBe('seal-format');
    }
  }
});

test('a data key is made from 16 bytes of id and 32 of secret, and shows its secret to nobody', () => {
  expect(() => makeDataKey(randomBytes(15), randomBytes(32))).toThrow(RangeError);
  expect(() => makeDataKey(randomBytes(16), randomBytes(16))).toThrow(RangeError);
  const secret = randomBytes(32);
  const key = makeDataKey(randomBytes(16), secret);
  const shown = inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key);
  expect(shown).not.toContain(secret.toString('hex').slice(0, 8));
  expect(shown).not.toContain(secret.toString('hex', 0, 4).match(/../g)?.join(' '));
});

test('no error tells of row, key or text', () => {
  const content = seal(text, address, [alice], codec);
  const altered = Buffer.from(content);
  altered[content.length - 1] = (altered.at(-1) ?? 0) ^ 1;
  for (const run of [() => open(altered, address, alice, codec), () => open(content, address, bob, codec)]) {
    let shown = '';
    try {
      run();
    } catch (error) {
      shown = inspect(error, { depth: 9 });
    }
    expect(shown).toContain('SealBroken');
    expect(shown).not.toMatch(new RegExp(`Canary|Observation|123/|${alice.id.toString('hex')}`));
  }
});
