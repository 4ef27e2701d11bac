/**
 * Orders versions of conformance resources and packages: by their numbers, then a release after what came before it
 * (`5.3.0-ballot` < `5.3.0`), then as texts. Dates (`2018-08-12`) are numbers as well; no version comes before all others.
 *
 * @returns negative, 0 or positive
 * @see     https://semver.org/#spec-item-11
 */
export function compareVersions(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  const left = partsOf(a);
  const right = partsOf(b);
  const numbers = compareLists(left.numbers, right.numbers);
  if (numbers !== 0) return numbers;
  if (left.label === '' || right.label === '') return left.label === right.label ? compareTexts(a, b) : left.label === '' ? 1 : -1;
  return compareLists(left.label.split('.'), right.label.split('.')) || compareTexts(a, b);
}

/** Whether a version is the one asked for, or one of those that the beginning asked for leaves open: `4.0` is met by `4.0.1`. */
export function isVersion(version: string | undefined, asked: string): boolean {
  return version === asked || (version !== undefined && /^\d+(?:\.\d+)?$/.test(asked) && version.startsWith(`${asked}.`));
}

/** `http://example.org/a|1.0` as its url and its version. */
export function splitCanonical(canonical: string): { readonly url: string; readonly version: string | undefined } {
  const bar = canonical.indexOf('|');
  return bar < 0 ? { url: canonical, version: undefined } : { url: canonical.slice(0, bar), version: canonical.slice(bar + 1) };
}

function partsOf(version: string): { readonly numbers: readonly string[]; readonly label: string } {
  const [core = ''] = version.split('+', 1);
  // A date's hyphens part numbers, all others begin a label.
  const dash = /^\d{4}-\d\d/.test(core) ? -1 : core.indexOf('-');
  const numbers = (dash < 0 ? core.replaceAll('-', '.') : core.slice(0, dash)).split('.');
  while (numbers.length > 1 && numbers.at(-1) === '0') numbers.pop();
  return { numbers, label: dash < 0 ? '' : core.slice(dash + 1) };
}

function compareLists(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [left, right] = [a[at], b[at]];
    if (left === undefined || right === undefined) return left === undefined ? -1 : 1;
    const order = comparePart(left, right);
    if (order !== 0) return order;
  }
  return 0;
}

/** Numbers come before words. */
function comparePart(a: string, b: string): number {
  const [left, right] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (left && right) return Number(a) - Number(b);
  if (left !== right) return left ? -1 : 1;
  return compareTexts(a, b);
}

const compareTexts = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
