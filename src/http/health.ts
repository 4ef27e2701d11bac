import { Hono } from 'hono';
import type { Env } from './exchange.ts';

export type HealthOptions = { readonly ready: () => Promise<unknown>; readonly draining: () => boolean };

const checkMs = 2_000;

/** Liveness: the process answers. Readiness: it takes requests and its databases answer. Neither needs a token or tells a detail. */
export function healthApp({ ready, draining }: HealthOptions): Hono<Env> {
  const app = new Hono<Env>();
  let asking: Promise<boolean> | undefined;
  /** Those who ask at the same time share a look: nobody can make the databases busy by asking how they are. One that never ends is given up. */
  const answers = (): Promise<boolean> =>
    (asking ??= within(ready(), checkMs).finally(() => {
      asking = undefined;
    }));
  for (const path of ['/healthz', '/livez']) app.get(path, (c) => c.json({ status: 'ok' }));
  for (const path of ['/readyz', '/health']) {
    app.get(path, async (c) => {
      if (draining()) return c.json({ status: 'draining' }, 503);
      return (await answers()) ? c.json({ status: 'ok' }) : c.json({ status: 'unavailable', reason: 'database' }, 503);
    });
  }
  return app;
}

async function within(check: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  const answered = check.then(
    () => true,
    () => false,
  );
  const result = await Promise.race([answered, late]);
  clearTimeout(timer);
  return result;
}
