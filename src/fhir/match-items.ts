/** An item of the older list and what it is in the newer one; `same`: it has the same identity. */
export type Match = { readonly from: number; readonly to: number; readonly same: boolean };

/** Above so many comparisons what lies between a common start and end is paired by its order alone. */
const comparisonsMax = 1_000_000;

/**
 * Finds which items of one list are which of another, in order: those of a longest common subsequence of their identities, and between
 * these one after the other as far as there are items on both sides. So where both lists have items, at least one is matched.
 */
export function matchItems(older: readonly string[], newer: readonly string[]): readonly Match[] {
  const shorter = Math.min(older.length, newer.length);
  let start = 0;
  while (start < shorter && older[start] === newer[start]) start++;
  let end = 0;
  while (end < shorter - start && older.at(-1 - end) === newer.at(-1 - end)) end++;
  const [rows, columns] = [older.length - start - end, newer.length - start - end];
  const between =
    rows * columns > comparisonsMax ? [] : commonSubsequence(older.slice(start, start + rows), newer.slice(start, start + columns));
  const anchors = [
    ...Array.from({ length: start }, (_, at) => [at, at] as const),
    ...between.map(([from, to]) => [from + start, to + start] as const),
    ...Array.from({ length: end }, (_, at) => [older.length - end + at, newer.length - end + at] as const),
    [older.length, newer.length] as const,
  ];
  const matches: Match[] = [];
  let [from, to] = [0, 0];
  for (const [nextFrom, nextTo] of anchors) {
    while (from < nextFrom && to < nextTo) matches.push({ from: from++, to: to++, same: false });
    if (nextFrom < older.length) matches.push({ from: nextFrom, to: nextTo, same: true });
    [from, to] = [nextFrom + 1, nextTo + 1];
  }
  return matches;
}

/** The pairs of a longest common subsequence, in order. */
function commonSubsequence(older: readonly string[], newer: readonly string[]): readonly (readonly [number, number])[] {
  const width = newer.length + 1;
  const lengths = new Uint32Array((older.length + 1) * width);
  const at = (row: number, column: number): number => lengths[row * width + column] ?? 0;
  for (let row = older.length - 1; row >= 0; row--) {
    for (let column = newer.length - 1; column >= 0; column--) {
      lengths[row * width + column] =
        older[row] === newer[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const pairs: (readonly [number, number])[] = [];
  for (let row = 0, column = 0; row < older.length && column < newer.length; ) {
    if (older[row] === newer[column]) pairs.push([row++, column++]);
    else if (at(row + 1, column) >= at(row, column + 1)) row++;
    else column++;
  }
  return pairs;
}
