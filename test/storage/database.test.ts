import { describe, expect, test } from 'vitest';
import { isUnavailable, sqlStateOf } from '../../src/storage/database.ts';

const withCode = (code: string): Error => Object.assign(new Error('some words'), { code });

describe('an error of the database', () => {
  test.each(['08006', '53200', '53300', '57P01', '57P02', '57P03', '58030'])('of SQLSTATE %s says that it can’t serve now', (code) => {
    expect(sqlStateOf(withCode(code))).toBe(code);
    expect(isUnavailable(withCode(code))).toBe(true);
  });

  test.each(['23505', '40001', '22P02', 'XX000', 'P0001'])('of SQLSTATE %s is about the statement', (code) => {
    expect(sqlStateOf(withCode(code))).toBe(code);
    expect(isUnavailable(withCode(code))).toBe(false);
  });

  test.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ERR_STREAM_DESTROYED'])(
    'of the connection, %s, has no SQLSTATE',
    (code) => {
      expect(sqlStateOf(withCode(code))).toBeUndefined();
      expect(isUnavailable(withCode(code))).toBe(true);
    },
  );

  test('of a socket that is not there says so; a file that is not there is none of it', () => {
    expect(isUnavailable(Object.assign(withCode('ENOENT'), { syscall: 'connect' }))).toBe(true);
    expect(isUnavailable(Object.assign(withCode('ENOENT'), { syscall: 'open' }))).toBe(false);
  });

  test('of another kind is a fault of ours', () => {
    expect(isUnavailable(new TypeError('x is not a function'))).toBe(false);
    expect(isUnavailable(undefined)).toBe(false);
  });
});
