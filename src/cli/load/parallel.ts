/**
 * Works on items as they come, at most so many at once. An item that is a barrier is worked on alone: after all before it and
 * before all after it. The next item is taken only when a worker is free.
 *
 * @throws  the first error of `work`, after the others that were under way have ended
 */
export async function inParallel<T>(
  items: AsyncIterable<T> | Iterable<T>,
  options: { readonly workers: number; readonly isBarrier?: (item: T) => boolean },
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  const start = (item: T): void => {
    const task = work(item)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => running.delete(task));
    running.add(task);
  };
  for await (const item of items) {
    const isBarrier = options.isBarrier?.(item) ?? false;
    while (failure === undefined && running.size > (isBarrier ? 0 : options.workers - 1)) await Promise.race(running);
    if (failure !== undefined) break;
    start(item);
    if (isBarrier) await Promise.all(running);
  }
  await Promise.all(running);
  if (failure !== undefined) throw failure.error;
}
