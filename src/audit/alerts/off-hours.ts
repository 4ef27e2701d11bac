export type OffHours = {
  /** @param at  epoch ms */
  readonly isOff: (at: number) => boolean;
};

type Span = { readonly from: number; readonly until: number };

function isWithin({ from, until }: Span, minute: number): boolean {
  return from < until ? minute >= from && minute < until : minute >= from || minute < until;
}

/** `20:00-06:00`, as minutes of the day; the end may be on the next one. */
function readHours(text: string): Span | undefined {
  const parts = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (parts === null) return undefined;
  const [, fromHour, fromMinute, untilHour, untilMinute] = parts.map(Number);
  const [from, until] = [(fromHour ?? 0) * 60 + (fromMinute ?? 0), (untilHour ?? 0) * 60 + (untilMinute ?? 0)];
  return from === until ? undefined : { from, until };
}

/**
 * Tells the times when nobody should be at work, as clocks go in a time zone.
 *
 * @param hours  of each day; undefined: none
 * @param days   whole days: `sat`, `sun`
 */
export function makeOffHours(hours: string | undefined, days: readonly string[], timeZone: string): OffHours {
  const span = hours === undefined ? undefined : readHours(hours);
  if (hours !== undefined && span === undefined) throw new Error('hours are written as 20:00-06:00');
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  let [known, isOff] = [Number.NaN, false];
  return {
    isOff(at) {
      const minute = Math.floor(at / 60_000);
      // What time it is somewhere is dear to find out, and the same for a minute.
      if (minute === known) return isOff;
      const told = new Map(clock.formatToParts(at).map(({ type, value }) => [type, value]));
      const now = Number(told.get('hour')) * 60 + Number(told.get('minute'));
      const day = told.get('weekday')?.toLowerCase() ?? '';
      [known, isOff] = [minute, days.includes(day) || (span !== undefined && isWithin(span, now))];
      return isOff;
    },
  };
}
