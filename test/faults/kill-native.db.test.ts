import { describe, expect, test } from 'vitest';
import { driveKills } from './kill-driver.ts';

/** FAULT_KILLS=20 makes a longer run of it; FAULT_SEED repeats one. */
const kills = Number(process.env['FAULT_KILLS'] || 2);
const seed = Number(process.env['FAULT_SEED'] || Date.now());

describe.runIf(process.platform === 'linux')(`a server killed ${kills} times while the native API is used (seed ${seed})`, () => {
  test('keeps every word: what is repeated under its key is done once, what is given once has one owner, files are whole, imports end', {
    timeout: 240_000 + kills * 45_000,
  }, async () => {
    const { broken, failures, unanswered, acknowledged, statuses } = await driveKills({ of: 'native', kills, seed });
    expect(broken).toEqual([]);
    expect(failures).toEqual([]);
    expect(unanswered).toEqual([]);
    expect(acknowledged['creates']).toBeGreaterThan(0);
    expect(acknowledged['imports']).toBeGreaterThan(0);
    expect(statuses['500']).toBeUndefined();
  });
});
