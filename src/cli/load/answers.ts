/** Reading what a FHIR server answers, without trusting it to be well formed. */

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The JSON of an answer, undefined if it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Issues told of one outcome. */
const TOLD_MAX = 5;

/** The errors of an OperationOutcome as one line: `Patient.gender: not a code of the value set; …`. */
export function outcomeText(outcome: unknown): string | undefined {
  if (!isRecord(outcome) || outcome['resourceType'] !== 'OperationOutcome') return undefined;
  const issues = listOf(outcome['issue']).filter(isRecord);
  const errors = issues.filter((issue) => issue['severity'] === 'error' || issue['severity'] === 'fatal');
  const lines = (errors.length > 0 ? errors : issues).map((issue) => {
    const { details, diagnostics, expression } = issue;
    const told = [isRecord(details) ? details['text'] : undefined, diagnostics, issue['code']];
    const text = told.find((candidate) => typeof candidate === 'string') ?? 'no text';
    const [path] = listOf(expression);
    return typeof path === 'string' ? `${path}: ${text}` : text;
  });
  const more = lines.length > TOLD_MAX ? `; and ${lines.length - TOLD_MAX} more` : '';
  return lines.length === 0 ? undefined : `${lines.slice(0, TOLD_MAX).join('; ')}${more}`;
}

/** The number of the entry that an outcome speaks of (`Bundle.entry[3].resource…`), undefined if it names none. */
export function entryIndex(text: string): number | undefined {
  const [, index] = /Bundle\.entry\[(\d+)\]/.exec(text) ?? [];
  return index === undefined ? undefined : Number(index);
}
