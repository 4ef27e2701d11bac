export type OffHours = {
  /** @param at  epoch ms */
  readonly isOff: (at: number) => boolean;
};

/** `20:00-06:00`, as minutes of the day; the end may be on the next one. */
function readHours(text: string): { readonly from: number; readonly until: number } | undefined {
  const parts = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (parts === null) return undefined;
  const [, fromHour, fromMinute, untilHour, untilMinute] = parts.map(Number);
  const [from, until] = [(fromHour ?? 0) * 60 + (fromMinute ?? 0), (untilHour ?? 0) * 60 + (untilMinute ?? 0)];
  return from === until ? undefined : { from, until };
}

/** Tells the hours when nobody should be at work, as clocks go in a time zone. */
export function makeOffHours(hours: string, timeZone: string): OffHours {
  const span = readHours(hours);
  if (span === undefined) throw new Error('hours are written as 20:00-06:00');
  const { from, until } = span;
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  let [known, isOff] = [Number.NaN, false];
  return {
    isOff(at) {
      const minute = Math.floor(at / 60_000);
      // What time it is somewhere is dear to find out, and the same for a minute.
      if (minute === known) return isOff;
      const [hour = 0, past = 0] = clock.format(at).split(':').map(Number);
      const now = hour * 60 + past;
      [known, isOff] = [minute, from < until ? now >= from && now < until : now >= from || now < until];
      return isOff;
    },
  };
}
