import { expect, test } from 'vitest';
import { train } from '../../tools/dictionary-training.ts';

const options = { size: 1000, gram: 6, segment: 40 };
const of = (...documents: string[]) => ({ documents, weight: 1 });

test('a dictionary holds what documents share and nothing that stands in one only', () => {
  const dictionary = train([of('id=11111111;status=final;', 'id=22222222;status=final;')], options).toString();
  expect(dictionary).toContain(';status=final;');
  expect(dictionary).not.toMatch(/1111|2222/);
});

test('what most documents share comes last, where it is nearest', () => {
  const documents = ['<common part> one <rare part>', '<common part> two <rare part>', '<common part> three', '<common part> four'];
  const dictionary = train([of(...documents)], { ...options, segment: 13 }).toString();
  expect(dictionary.indexOf('rare part')).toBeGreaterThanOrEqual(0);
  expect(dictionary.indexOf('common part')).toBeGreaterThan(dictionary.indexOf('rare part'));
});

test('a corpus counts by its weight, not by how many documents it has', () => {
  const light = { documents: Array.from({ length: 50 }, (_, i) => `light shared text ${i}`), weight: 1 };
  const heavy = { documents: ['HEAVY SHARED TEXT a', 'HEAVY SHARED TEXT b'], weight: 2 };
  expect(train([light, heavy], { ...options, size: 24 }).toString()).toContain('HEAVY SHARED TEXT');
});

test('a dictionary keeps to its size, and to none where nothing is shared', () => {
  const documents = Array.from({ length: 9 }, (_, i) => `${'abcdefghij'.repeat(i)}${'0123456789'.repeat(i)}`);
  for (const size of [0, 10, 64]) expect(train([of(...documents)], { ...options, size }).length).toBeLessThanOrEqual(size);
  expect(train([of('unlike', 'others'), of()], options)).toHaveLength(0);
});
