import assert from 'node:assert';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { badRequest } from '../../src/fhir/error.ts';
import { errorFacts } from '../../src/telemetry/error-facts.ts';
import { createLog, type Log } from '../../src/telemetry/log.ts';
import { terminalLine } from '../../src/telemetry/terminal-line.ts';

type Line = Readonly<Record<string, unknown>>;

/** What a log writes, as parsed lines. */
function linesOf(use: (log: Log) => void, logLevel: 'debug' | 'warn' | 'silent' = 'debug'): Line[] {
  const lines: Line[] = [];
  use(createLog({ logLevel }, { write: (line) => lines.push(JSON.parse(line)) }));
  return lines;
}

/** An error as our own source words it. */
function ourError(): unknown {
  return caught(() => loadConfig({ PORT: 'x' }, '/'));
}

function caught(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown');
}

describe('a line', () => {
  test('has level, time, process, fields and message', () => {
    const [line] = linesOf((log) => log.info({ interaction: 'read', status: 200, cached: false }, 'Answered'));
    expect(line).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      pid: process.pid,
      interaction: 'read',
      status: 200,
      cached: false,
      message: 'Answered',
    });
  });

  test('carries the fields of the log it is a child of', () => {
    const [line] = linesOf((log) => log.child({ requestId: 'r1' }).child({ job: 7 }).warn({ ms: 3 }, 'Slow'));
    expect(line).toMatchObject({ requestId: 'r1', job: 7, ms: 3 });
  });

  test('is left out below the configured level', () => {
    const use = (log: Log) => {
      log.info({}, 'one');
      log.warn({}, 'two');
      log.fatal({}, 'three');
    };
    expect(linesOf(use, 'warn').map(({ message }) => message)).toEqual(['two', 'three']);
    expect(linesOf(use, 'silent')).toEqual([]);
  });
});

describe('the net under the rule', () => {
  test.each([
    ['password', 'Smith'],
    ['Authorization', 'Bearer Smith'],
    ['requestBody', 'Smith'],
    ['patient_name', 'Smith'],
    ['birthDate', '1970-01-01'],
    ['searchText', 'Smith'],
  ])('the text of %s is not written', (name, value) => {
    expect(linesOf((log) => log.info({ [name]: value }, 'x'))[0]).toHaveProperty(name, '[redacted]');
    expect(linesOf((log) => log.child({ [name]: value }).info({}, 'x'))[0]).toHaveProperty(name, '[redacted]');
  });

  test.each([
    ['resourceType', 'Patient'],
    ['tokenId', 'k1'],
    ['url', 'http://127.0.0.1:8080/fhir/R4'],
    ['resources', 12],
    ['names', 3],
    ['value', 4],
    ['missing', null],
  ])('%s is written', (name, value) => {
    expect(linesOf((log) => log.info({ [name]: value }, 'x'))[0]).toHaveProperty(name, value);
  });

  test('the query of a URL is cut off', () => {
    expect(linesOf((log) => log.info({ url: '/fhir/R4/Patient?name=Smith\n&x=y' }, 'x'))[0]).toHaveProperty(
      'url',
      '/fhir/R4/Patient?[redacted]',
    );
  });

  test('long texts and objects are not written', () => {
    const patient: never = { resourceType: 'Patient', name: [{ family: 'Smith' }] } as never;
    expect(linesOf((log) => log.info({ patient, note: 'Smith'.repeat(100) }, 'x'))[0]).toMatchObject({
      patient: '[object]',
      note: '[500 characters]',
    });
  });
});

describe('an error', () => {
  test('of our own source is written with its message and call sites', () => {
    const [line] = linesOf((log) => log.error({ requestId: 'r1' }, 'Failed', ourError()));
    expect(line).toMatchObject({
      requestId: 'r1',
      message: 'Failed',
      error: {
        type: 'Error',
        message: expect.stringContaining('PORT accepts'),
        at: expect.arrayContaining([expect.stringMatching(/src\/config\.ts:\d+:\d+/)]),
      },
    });
  });

  test.each<[string, () => unknown]>([
    ['JSON.parse', () => JSON.parse('{"family":Smith}')],
    ['an error made elsewhere', () => assert.fail('Smith')],
    ['a property of data', () => (JSON.parse('{}') as Record<string, Record<string, string>>)['Smith']!['Smith']],
    ['a validator of Node', () => new URL('Smith')],
  ])('of %s is written without its message', (_, action) => {
    const error = caught(action);
    expect(JSON.stringify(errorFacts(error))).not.toContain('Smith');
    expect(errorFacts(error).at?.length).toBeGreaterThan(0);
  });

  test('of PostgreSQL is written with its SQLSTATE, and without the row it quotes', () => {
    const error = Object.assign(new Error('duplicate key (family)=(Smith)'), {
      name: 'error',
      code: '23505',
      detail: 'Smith',
      where: 'Smith',
    });
    expect(errorFacts(error)).toMatchObject({ type: 'error', code: '23505' });
    expect(JSON.stringify(errorFacts(error))).not.toContain('Smith');
  });

  test('of the system is written with its code and call', () => {
    const error = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' });
    expect(errorFacts(error)).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
  });

  test('that answers a client is written by status and issue ids: the text may repeat what the client sent', () => {
    const facts = errorFacts(badRequest('search-bad-date', 'Smith is no date'));
    expect(facts).toMatchObject({ type: 'FhirError', status: 400, issues: ['search-bad-date'] });
    expect(JSON.stringify(facts)).not.toContain('is no date');
  });

  test('cannot pass as ours by a message that looks like a call site of ours', () => {
    const disguise = `Smith\n    at loadConfig (${fileURLToPath(new URL('../../src/config.ts', import.meta.url))}:1:1)`;
    expect(JSON.stringify(errorFacts(new Error(disguise)))).not.toContain('Smith');
    const renamed = new Error('x');
    renamed.message = disguise;
    renamed.name = 'Smith Smith';
    expect(JSON.stringify(errorFacts(renamed))).not.toContain('Smith');
  });

  test('is followed to its causes, but not for ever', () => {
    const error = new Error('a', { cause: ourError() });
    expect(errorFacts(error).cause?.message).toContain('PORT accepts');
    const circle = new Error('b');
    circle.cause = circle;
    expect(errorFacts(circle).cause?.cause?.cause?.cause).toBeUndefined();
  });

  test('may be anything that was thrown', () => {
    expect(errorFacts('Smith')).toEqual({ type: 'string' });
    expect(errorFacts(null)).toEqual({ type: 'object' });
  });
});

test('on a terminal a line is text, with what could move the cursor quoted', () => {
  const json = JSON.stringify({
    level: 'warn',
    time: '2026-01-02T03:04:05.678Z',
    pid: 1,
    id: 'a\u001b[2J b',
    status: 200,
    message: 'Slow',
  });
  expect(stripVTControlCharacters(terminalLine(json, process.stderr))).toBe('03:04:05.678 warn  Slow id="a\\u001b[2J b" status=200\n');
});
