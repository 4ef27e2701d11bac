/**
 * Options of an LRUCache of so many entries that takes memory as it fills. By `max` it would take that of all of them when it is made:
 * 1 to 3 MiB for 50,000.
 */
export const atMost = (entries: number): { readonly maxSize: number; readonly sizeCalculation: () => number } => ({
  maxSize: entries,
  sizeCalculation: () => 1,
});
