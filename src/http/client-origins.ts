export type ClientOrigins = {
  /** Whether a registered app has pages of this origin. */
  readonly has: (origin: string) => Promise<boolean>;
};

/** What was read is believed for so long; an origin that isn't in it has it read anew, at most once a second. */
const knownMs = 10_000;
const anewMs = 1_000;

/** The origins of registered apps, as they are stored. While they can't be read, no origin is known. */
export function knownOrigins(load: () => Promise<ReadonlySet<string>>): ClientOrigins {
  let known: ReadonlySet<string> = new Set();
  let since = Number.NEGATIVE_INFINITY;
  let loading: Promise<void> | undefined;

  async function read(): Promise<void> {
    const begun = performance.now();
    known = await load().catch(() => new Set<string>());
    since = begun;
    loading = undefined;
  }

  return {
    async has(origin) {
      const age = performance.now() - since;
      if (age >= knownMs || (age >= anewMs && !known.has(origin))) await (loading ??= read());
      return known.has(origin);
    },
  };
}
