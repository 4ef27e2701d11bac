export type Corpus = {
  readonly documents: readonly string[];
  /** What the corpus counts for as a whole, however many documents it has. */
  readonly weight: number;
};

export type TrainingOptions = {
  /** Most bytes a dictionary may have. */
  readonly size: number;
  /** Length of the substrings ("grams") that are counted. */
  readonly gram: number;
  /** Longest piece taken at once. */
  readonly segment: number;
};

/**
 * Chooses the pieces of text that documents share most, the most valuable last, where deflate reaches them with the shortest distances.
 *
 * Every gram is worth the share of documents it stands in; the next piece is the window of at most `segment` characters whose grams are
 * worth most together; they are worth nothing from then on. The same corpora always give the same dictionary.
 *
 * @see https://dl.acm.org/doi/10.1145/1963405.1963460 (Effective construction of relative Lempel-Ziv dictionaries; COVER in zstd goes back
 * to it)
 */
export function train(corpora: readonly Corpus[], { size, gram, segment }: TrainingOptions): Buffer {
  const { documents, worth } = countGrams(corpora, gram);
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    const window = bestWindow(documents, worth, segment - gram + 1);
    if (window === undefined) break;
    const piece = Buffer.from(window.document.text.slice(window.from, window.to + gram));
    bytes += piece.length;
    if (bytes > size) break;
    for (let i = window.from; i <= window.to; i++) worth[window.document.grams[i] ?? 0] = 0;
    pieces.push(piece);
  }
  return Buffer.concat(pieces.reverse());
}

/** A document and the number of the gram that begins at each of its characters. */
type Numbered = { readonly text: string; readonly grams: Int32Array };
/** The grams `from` to `to`, both included. */
type Window = { readonly document: Numbered; readonly from: number; readonly to: number };

/** `worth` is by gram number. A gram that stands in one document only is worth nothing: no other document would find it. */
function countGrams(corpora: readonly Corpus[], gram: number): { documents: Numbered[]; worth: Float64Array } {
  const numbers = new Map<string, number>();
  const shares: number[] = [];
  const counts: number[] = [];
  const documents: Numbered[] = [];
  for (const { documents: texts, weight } of corpora) {
    for (const text of texts) {
      const grams = new Int32Array(Math.max(0, text.length - gram + 1));
      for (let i = 0; i < grams.length; i++) {
        const key = text.slice(i, i + gram);
        const number = numbers.get(key) ?? numbers.size;
        numbers.set(key, number);
        grams[i] = number;
      }
      for (const number of new Set(grams)) {
        shares[number] = (shares[number] ?? 0) + weight / texts.length;
        counts[number] = (counts[number] ?? 0) + 1;
      }
      documents.push({ text, grams });
    }
  }
  return { documents, worth: Float64Array.from(shares, (share, number) => (counts[number] === 1 ? 0 : share)) };
}

function bestWindow(documents: readonly Numbered[], worth: Float64Array, gramsMax: number): Window | undefined {
  let best = 0;
  let found: Window | undefined;
  for (const document of documents) {
    const { grams } = document;
    let sum = 0;
    for (let to = 0; to < grams.length; to++) {
      sum += worth[grams[to] ?? 0] ?? 0;
      if (to >= gramsMax) sum -= worth[grams[to - gramsMax] ?? 0] ?? 0;
      if (sum <= best + 1e-6) continue; // sums of the same numbers in another order differ by less
      best = sum;
      found = { document, from: Math.max(0, to - gramsMax + 1), to };
    }
  }
  return found === undefined ? undefined : withoutWorthlessEnds(found, worth);
}

function withoutWorthlessEnds({ document, from, to }: Window, worth: Float64Array): Window {
  let start = from;
  let end = to;
  while (start < end && worth[document.grams[start] ?? 0] === 0) start++;
  while (end > start && worth[document.grams[end] ?? 0] === 0) end--;
  return { document, from: start, to: end };
}
