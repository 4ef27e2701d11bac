import { expect, test } from 'vitest';
import { healthApp } from '../../src/http/health.ts';

test('those who ask at the same time share one look at the databases; the next look is a new one', async () => {
  let looks = 0;
  let end: (() => void) | undefined;
  const faults: Error[] = [];
  const ready = (): Promise<void> =>
    new Promise((resolve, reject) => {
      looks++;
      end = () => (faults[0] === undefined ? resolve() : reject(faults[0]));
    });
  const app = healthApp({ ready, draining: () => false });
  const ask = async (count: number): Promise<Set<number>> => {
    const answers = Array.from({ length: count }, () => Promise.resolve(app.request('/readyz')));
    await new Promise((resolve) => setTimeout(resolve, 10));
    end?.();
    return new Set((await Promise.all(answers)).map(({ status }) => status));
  };
  expect(await ask(50)).toEqual(new Set([200]));
  expect(looks).toBe(1);
  faults.push(new Error('away'));
  expect(await ask(50)).toEqual(new Set([503]));
  expect(looks).toBe(2);
});

test('a look that never ends does not stand in for those after it', async () => {
  let looks = 0;
  const ready = (): Promise<void> => (++looks === 1 ? new Promise(() => {}) : Promise.resolve());
  const app = healthApp({ ready, draining: () => false });
  expect((await app.request('/readyz')).status).toBe(503);
  expect((await app.request('/readyz')).status).toBe(200);
});
