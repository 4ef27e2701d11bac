/** Times are milliseconds since 1970, UTC; a clinic's offset from UTC is in minutes. */

export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;
export const YEAR_MS = 365.25 * DAY_MS;

/** `2024-03-01`, the UTC day. */
export function dateOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** `2024-03-01T09:30:00-05:00`: the clinic's wall clock. */
export function dateTimeOf(time: number, offset: number): string {
  const sign = offset < 0 ? '-' : '+';
  const minutes = Math.abs(offset);
  const zone = `${sign}${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  return new Date(time + offset * MINUTE_MS).toISOString().slice(0, 19) + zone;
}

/** `2024-03-01T14:30:00.000Z` */
export function instantOf(time: number): string {
  return new Date(time).toISOString();
}

/** The start of the UTC day. */
export function dayOf(time: number): number {
  return Math.floor(time / DAY_MS) * DAY_MS;
}

/** The UTC day, or the Monday after when it falls on a weekend. */
export function workdayOf(time: number): number {
  const day = dayOf(time);
  const weekday = new Date(day).getUTCDay();
  if (weekday === 6) return day + 2 * DAY_MS;
  return weekday === 0 ? day + DAY_MS : day;
}

/** Age in years, with its fraction. */
export function ageAt(birth: number, time: number): number {
  return (time - birth) / YEAR_MS;
}
