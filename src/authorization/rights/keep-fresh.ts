/** Something that is loaded when asked for, and again once it has become old or is told to have changed. */
export type Fresh<T> = { readonly get: () => Promise<T> | T; readonly changed: () => void };

/**
 * Keeps what `load` gives for `ms`, counted from when loading began. What began to load before `changed` is given to nobody who
 * asks after it.
 */
export function keepFresh<T extends object>(ms: number, load: () => Promise<T>): Fresh<T> {
  let held: { readonly value: T; readonly until: number } | undefined;
  let running: Promise<T> | undefined;
  async function begin(): Promise<T> {
    const until = Date.now() + ms;
    const loading = load();
    running = loading;
    try {
      const value = await loading;
      if (running === loading) held = { value, until };
      return value;
    } finally {
      if (running === loading) running = undefined;
    }
  }
  return {
    get() {
      if (held !== undefined && held.until > Date.now()) return held.value;
      return running ?? begin();
    },
    changed() {
      held = undefined;
      running = undefined;
    },
  };
}
