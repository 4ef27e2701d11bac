import type { Measured } from './drive.ts';

/** One measured window of the run. `resources`: how many the server held when it began, as far as this run knows. */
export type Window = Measured & { readonly round: number; readonly name: string; readonly rate: number; readonly resourcesStored: number };

/** The windows of one name, in a run. `ratio`: to the SELECT ceiling measured just before each. */
export type Series = {
  readonly name: string;
  readonly unit: string;
  readonly windows: readonly Window[];
  readonly ratios: readonly number[];
};

export type Spread = { readonly median: number; readonly min: number; readonly max: number };

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

const COLUMNS = [
  ['', 15, 'start'],
  ['per second', 24, 'end'],
  ['of SELECT', 19, 'end'],
  ['p50 ms', 8, 'end'],
  ['p95 ms', 8, 'end'],
  ['node %', 7, 'end'],
  ['pg %', 6, 'end'],
  ['driver %', 9, 'end'],
  ['resources stored', 22, 'end'],
  ['errors', 7, 'end'],
] as const;

/** A table of all series: medians, with the smallest and largest of the rounds in brackets. */
export function table(series: readonly Series[]): string {
  const line = (cells: readonly string[]): string =>
    COLUMNS.map(([, width, side], i) => (side === 'start' ? (cells[i] ?? '').padEnd(width) : (cells[i] ?? '').padStart(width)))
      .join('')
      .trimEnd();
  return `${[line(COLUMNS.map(([title]) => title)), ...series.map((one) => line(cellsOf(one)))].join('\n')}\n`;
}

function cellsOf({ name, unit, windows, ratios }: Series): string[] {
  const of = (value: (window: Window) => number | undefined): number => spreadOf(windows.flatMap((window) => value(window) ?? [])).median;
  const whole = (value: number): string => (Number.isNaN(value) ? '-' : Math.round(value).toLocaleString('en-US'));
  const rate = spreadOf(windows.map((window) => window.rate));
  const ratio = spreadOf(ratios);
  const stored = spreadOf(windows.map((window) => window.resourcesStored));
  const errors = windows.reduce((sum, window) => sum + window.errors, 0);
  return [
    unit === 'requests' ? name : `${name} ${unit}`,
    `${whole(rate.median)} (${whole(rate.min)}-${whole(rate.max)})`,
    ratios.length === 0 ? '-' : `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)})`,
    windows.some((window) => !Number.isNaN(window.p50)) ? of((window) => window.p50).toFixed(1) : '-',
    windows.some((window) => !Number.isNaN(window.p95)) ? of((window) => window.p95).toFixed(1) : '-',
    whole(of((window) => window.cpu?.node)),
    whole(of((window) => window.cpu?.postgres)),
    whole(of((window) => window.cpu?.driver)),
    stored.min === stored.max ? whole(stored.min) : `${whole(stored.min)}-${whole(stored.max)}`,
    String(errors),
  ];
}

/** The most frequent errors of each series, for people. */
export function errorLines(series: readonly Series[]): string[] {
  return series.flatMap(({ name, windows }) => {
    const kinds = new Map<string, number>();
    for (const window of windows) for (const [kind, n] of Object.entries(window.errorKinds)) kinds.set(kind, (kinds.get(kind) ?? 0) + n);
    return [...kinds].map(([kind, n]) => `${name}: ${n} times ${kind}`);
  });
}
