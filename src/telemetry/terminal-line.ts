import { styleText } from 'node:util';

const styles = { fatal: 'red', error: 'red', warn: 'yellow', info: 'green', debug: 'blue', trace: 'gray' } as const;

/** A line of the log for people: `10:15:02.123 info  Request answered status=200 ms=4`, the call sites of an error below it. */
export function terminalLine(json: string, stream: NodeJS.WritableStream): string {
  const line: unknown = JSON.parse(json);
  const { level, time, message, pid: _, error, ...fields } = isRecord(line) ? line : {};
  const style = isLevel(level) ? styles[level] : 'gray';
  const { at, ...facts } = isRecord(error) ? error : {};
  const sites = Array.isArray(at) ? at.map((site) => `\n    at ${site}`) : [];
  const words = [
    styleText('gray', String(time).slice(11, 23), { stream }),
    styleText(style, String(level).padEnd(5), { stream }),
    String(message),
    ...pairs(fields, ''),
    ...pairs(facts, 'error.'),
  ];
  return `${words.join(' ')}${styleText('gray', sites.join(''), { stream })}\n`;
}

function pairs(fields: Readonly<Record<string, unknown>>, prefix: string): string[] {
  return Object.entries(fields).map(([name, value]) => `${prefix}${name}=${shown(value)}`);
}

/** Whatever could move the cursor, or be taken for another field, is quoted. */
function shown(value: unknown): string {
  return typeof value === 'string' && /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value).replaceAll(/[\u007f-\u009f]/g, '?');
}

function isLevel(level: unknown): level is keyof typeof styles {
  return typeof level === 'string' && Object.hasOwn(styles, level);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
