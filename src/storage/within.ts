/** Waits so long; what it waits for goes on all the same. @throws TookTooLong */
export function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => reject(new TookTooLong()), timeoutMs);
  work.then(resolve, reject).finally(() => clearTimeout(timer));
  return promise;
}

export class TookTooLong extends Error {
  constructor() {
    super('it took too long');
  }
}
