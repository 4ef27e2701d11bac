/** A stream of random choices that is the same on every platform for the same seeds. */
export type Random = {
  /** 32 random bits. */
  u32(): number;
  /** 0 ≤ x < 1. */
  float(): number;
  /** A whole number, both limits included. */
  int(low: number, high: number): number;
  chance(probability: number): boolean;
  /** An item of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
  /** An item, each as likely as its weight. */
  weighted<T extends { readonly weight: number }>(list: readonly T[]): T;
  normal(mean: number, deviation: number): number;
  uuid(): string;
};

/**
 * Opens the stream that belongs to the seeds. Different seeds give unrelated streams, so each topic of each patient has its
 * own and a change to one topic leaves the others as they were.
 *
 * Seeding is splitmix32, the stream xorshift128. @see https://doi.org/10.18637/jss.v008.i14
 */
export function randomOf(...seeds: readonly number[]): Random {
  let z = 0;
  const scramble = (): number => {
    z = (z + 0x9e3779b9) | 0;
    let t = z ^ (z >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    return t ^ (t >>> 15);
  };
  for (const seed of seeds) z = scramble() ^ (seed | 0);
  let [a, b, c, d] = [scramble(), scramble(), scramble(), scramble() | 1];

  const u32 = (): number => {
    let t = d;
    d = c;
    c = b;
    b = a;
    t ^= t << 11;
    t ^= t >>> 8;
    a = t ^ a ^ (a >>> 19);
    return a >>> 0;
  };
  const float = (): number => u32() / 0x1_0000_0000;
  const int = (low: number, high: number): number => low + Math.floor(float() * (high - low + 1));
  const pick = <T>(list: readonly T[]): T => {
    const item = list[int(0, list.length - 1)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  };
  return {
    u32,
    float,
    int,
    pick,
    chance: (probability) => float() < probability,
    weighted: (list) => {
      let left = float() * list.reduce((sum, item) => sum + item.weight, 0);
      return list.find((item) => (left -= item.weight) < 0) ?? pick(list);
    },
    // Box–Muller; the stream gives 0, whose logarithm there is not, once in 2^32.
    normal: (mean, deviation) => mean + deviation * Math.sqrt(-2 * Math.log(float() || 0.5)) * Math.cos(2 * Math.PI * float()),
    uuid: () => {
      const hex = [u32(), u32(), u32(), u32()].map((part) => part.toString(16).padStart(8, '0')).join('');
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
    },
  };
}
