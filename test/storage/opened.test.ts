import { describe, expect, test } from 'vitest';
import { makeDataKey } from '../../src/encryption/seal.ts';
import { openedTexts } from '../../src/storage/opened.ts';

const key = makeDataKey(Buffer.alloc(16, 1), Buffer.alloc(32, 2));
const content = Buffer.from('sealed bytes, the last sixteen of which are the tag');
const address = { type: 'Patient', id: '1', version: 1 };
const text = Buffer.from('{}');

describe('a text that was opened', () => {
  const texts = openedTexts(10_000);
  texts.set(content, address, key, text);

  test('is found for the same bytes, address and key', () => {
    expect(texts.get(Buffer.from(content), { ...address }, key)).toBe(text);
  });

  test.each([
    ['another address', content, { ...address, id: '2' }, key],
    ['another version', content, { ...address, version: 2 }, key],
    ['another type', content, { ...address, type: 'Person' }, key],
    ['other bytes', Buffer.from(content).reverse(), address, key],
    ['a longer content with the same end', Buffer.concat([Buffer.from('x'), content]), address, key],
    ['the same key fetched anew', content, address, makeDataKey(Buffer.alloc(16, 1), Buffer.alloc(32, 2))],
  ])('is not found for %s', (_, bytes, where, by) => {
    expect(texts.get(bytes, where, by)).toBeUndefined();
  });

  test('gives way when others take the room', () => {
    for (let id = 2; id < 40; id++) texts.set(Buffer.from(`content ${id} with its tag`), { ...address, id: `${id}` }, key, text);
    expect(texts.get(content, address, key)).toBeUndefined();
  });

  test('is not kept without room', () => {
    const none = openedTexts(0);
    none.set(content, address, key, text);
    expect(none.get(content, address, key)).toBeUndefined();
  });
});
