/** How much of a moment a value names. */
export type DatePrecision = 'year' | 'month' | 'day' | 'minute' | 'second' | 'fraction';

/** Half-open, in epoch milliseconds UTC: `from` belongs to it, `until` does not. Never empty. */
export type DateInterval = { readonly from: number; readonly until: number; readonly precision: DatePrecision };

const dayMs = 86_400_000;
const minuteMs = 60_000;
/** Days of the proleptic Gregorian calendar from 0001-01-01 to 1970-01-01. */
const daysToEpoch = 719_162;
const daysBeforeMonth = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

const zero = 0x30;
const nine = 0x39;

/**
 * Reads a date, dateTime or instant, or the date of a search, as the interval it stands for. The result doesn't depend on the
 * zone of the process: a time without zone is taken as UTC, and so is a date.
 *
 * A fraction stands for its last digit (`.5` for 100 ms), digits below a millisecond for the millisecond that holds them.
 * FHIR allows second 60 in any minute; epoch time has no room for it, so it is the last millisecond of that minute: later than
 * all of second 59 but that, and before the next minute.
 *
 * @param value  `2024`, `2024-03`, `2024-03-01`, `2024-03-01T10:00`, `2024-03-01T10:00:00.5+01:00`; years 0001 to 9999
 * @returns      undefined if it is none of these or no day of the calendar
 * @see          https://hl7.org/fhir/R4/datatypes.html#dateTime, https://hl7.org/fhir/R4/search.html#date
 */
export function parseFhirDate(value: string): DateInterval | undefined {
  const year = digitsAt(value, 0, 4);
  if (year < 1) return undefined;
  if (value.length === 4) return daysAsInterval(daysBefore(year), daysBefore(year + 1), 'year');
  const month = value.charCodeAt(4) === 0x2d ? digitsAt(value, 5, 2) : -1;
  if (month < 1 || month > 12) return undefined;
  const monthStart = daysBefore(year) + daysInYearBefore(year, month);
  const length = daysInYearBefore(year, month + 1) - daysInYearBefore(year, month);
  if (value.length === 7) return daysAsInterval(monthStart, monthStart + length, 'month');
  const day = value.charCodeAt(7) === 0x2d ? digitsAt(value, 8, 2) : -1;
  if (day < 1 || day > length) return undefined;
  const dayStart = monthStart + day - 1;
  if (value.length === 10) return daysAsInterval(dayStart, dayStart + 1, 'day');
  return value.charCodeAt(10) === 0x54 ? timeOfDay(value, (dayStart - daysToEpoch) * dayMs) : undefined;
}

/** Writes epoch milliseconds as an instant in UTC with three digits of a second: `2024-03-01T10:00:00.000Z`; years 0001 to 9999. */
export function formatInstant(ms: number): string {
  const days = Math.floor(ms / dayMs);
  let rest = ms - days * dayMs;
  const hours = Math.floor(rest / 3_600_000);
  rest -= hours * 3_600_000;
  const minutes = Math.floor(rest / minuteMs);
  rest -= minutes * minuteMs;
  const seconds = Math.floor(rest / 1_000);
  const millis = Math.floor(rest - seconds * 1_000);
  return `${formatDay(days + daysToEpoch)}T${two(hours)}:${two(minutes)}:${two(seconds)}.${millis < 100 ? '0' : ''}${two(millis)}Z`;
}

/** The rest of `value` from its hours on, as the interval on the day that begins at `dayStart` (ms). */
function timeOfDay(value: string, dayStart: number): DateInterval | undefined {
  const hour = digitsAt(value, 11, 2);
  const minute = value.charCodeAt(13) === 0x3a ? digitsAt(value, 14, 2) : -1;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return undefined;
  const minuteStart = dayStart + (hour * 60 + minute) * minuteMs;
  if (value.charCodeAt(16) !== 0x3a) return zoned(value, 16, minuteStart, minuteMs, 'minute');
  const second = digitsAt(value, 17, 2);
  if (second < 0 || second > 60) return undefined;
  const end = value.charCodeAt(19) === 0x2e ? endOfDigits(value, 20) : 19;
  if (end === 20) return undefined;
  const precision = end === 19 ? 'second' : 'fraction';
  if (second === 60) return zoned(value, end, minuteStart + minuteMs - 1, 1, precision);
  let size = 1_000;
  let from = minuteStart + second * 1_000;
  for (let i = 20; i < end && size > 1; i++) {
    size /= 10;
    from += (value.charCodeAt(i) - zero) * size;
  }
  return zoned(value, end, from, size, precision);
}

/** The interval from `from`, once the zone at `at`, which must end the value, is taken off. */
function zoned(value: string, at: number, from: number, size: number, precision: DatePrecision): DateInterval | undefined {
  const offset = zoneMinutes(value, at);
  if (offset === undefined) return undefined;
  const start = from - offset * minuteMs;
  return { from: start, until: start + size, precision };
}

/** Minutes east of UTC, at most 14:00 either way. */
function zoneMinutes(value: string, at: number): number | undefined {
  if (at === value.length) return 0;
  const sign = value.charCodeAt(at);
  if (sign === 0x5a) return at + 1 === value.length ? 0 : undefined;
  if ((sign !== 0x2b && sign !== 0x2d) || value.length !== at + 6 || value.charCodeAt(at + 3) !== 0x3a) return undefined;
  const hours = digitsAt(value, at + 1, 2);
  const minutes = digitsAt(value, at + 4, 2);
  if (hours < 0 || minutes < 0 || minutes > 59 || hours * 60 + minutes > 14 * 60) return undefined;
  return sign === 0x2d ? -(hours * 60 + minutes) : hours * 60 + minutes;
}

function daysAsInterval(first: number, next: number, precision: DatePrecision): DateInterval {
  return { from: (first - daysToEpoch) * dayMs, until: (next - daysToEpoch) * dayMs, precision };
}

/** Days from 0001-01-01 to the first day of a year. */
function daysBefore(year: number): number {
  const years = year - 1;
  return years * 365 + Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
}

/** Days of a year before a month, 1 to 13. */
function daysInYearBefore(year: number, month: number): number {
  return (daysBeforeMonth[month - 1] ?? 0) + (month > 2 && isLeap(year) ? 1 : 0);
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** `2024-03-01` for days since 0001-01-01. */
function formatDay(days: number): string {
  // 365.2425 days are a year in the mean, so this is the year or one beside it.
  let year = Math.floor(days / 365.2425) + 1;
  if (daysBefore(year) > days) year--;
  else if (daysBefore(year + 1) <= days) year++;
  const dayOfYear = days - daysBefore(year);
  let month = Math.floor(dayOfYear / 31) + 1;
  if (daysInYearBefore(year, month + 1) <= dayOfYear) month++;
  const century = Math.floor(year / 100);
  return `${two(century)}${two(year - century * 100)}-${two(month)}-${two(dayOfYear - daysInYearBefore(year, month) + 1)}`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : `${value}`;
}

/** The number of `count` digits at `at`, or -1. */
function digitsAt(value: string, at: number, count: number): number {
  let number = 0;
  for (let i = at; i < at + count; i++) {
    const c = value.charCodeAt(i);
    if (!(c >= zero && c <= nine)) return -1;
    number = number * 10 + c - zero;
  }
  return number;
}

function endOfDigits(value: string, at: number): number {
  let i = at;
  while (value.charCodeAt(i) >= zero && value.charCodeAt(i) <= nine) i++;
  return i;
}
