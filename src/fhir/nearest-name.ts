/**
 * The known name a wrong one was most likely meant to be: the same in other case, else one it is the beginning of,
 * else the one fewest typing errors away, if that is at most a third of its letters.
 */
export function nearestName(wrong: string, known: Iterable<string>): string | undefined {
  const lower = wrong.toLowerCase();
  let nearest: string | undefined;
  let least = Math.min(3, Math.floor(wrong.length / 3)) + 1;
  let completed: string | undefined;
  for (const name of known) {
    const candidate = name.toLowerCase();
    if (candidate === lower) return name;
    if (lower.length >= 3 && candidate.startsWith(lower) && (completed === undefined || name.length < completed.length)) completed = name;
    if (Math.abs(candidate.length - lower.length) >= least) continue;
    const distance = typingErrors(lower, candidate);
    if (distance < least) {
      least = distance;
      nearest = name;
    }
  }
  return least === 1 ? nearest : (completed ?? nearest);
}

/** Optimal string alignment: inserted, left out, wrong and swapped neighbouring letters count one each. */
function typingErrors(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const wrong = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + wrong);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1);
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
