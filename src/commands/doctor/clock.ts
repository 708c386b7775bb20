import { type Check, fine, listOf, problem, warning } from './findings.ts';

/** What servers say the time is, by their `date` headers. */
export interface ClockReadings {
  /** `date` as HTTP has it, to the second; `sentAt` by this machine's clock, in milliseconds. */
  note(who: string, date: string | null, sentAt: number): void;
  checks(): Check[];
}

/** Below this nothing suffers. */
const NOTICED_MS = 30_000;
/** Slack's requests are refused when they seem older (Bolt, receivers/verify-request). */
const HARMFUL_MS = 5 * 60_000;

export function createClockReadings(now: () => number = Date.now): ClockReadings {
  const ahead = new Map<string, number>();
  return {
    note(who, date, sentAt) {
      const said = Date.parse(date ?? '');
      if (Number.isNaN(said)) return;
      // The header was written somewhere between the two, and has lost up to a second.
      const here = (sentAt + now()) / 2;
      const difference = here - (said + 500);
      const known = ahead.get(who);
      // The least of several: a slow answer looks like a wrong clock.
      if (known === undefined || Math.abs(difference) < Math.abs(known)) ahead.set(who, difference);
    },
    checks() {
      const off = [...ahead].filter(([, ms]) => Math.abs(ms) >= NOTICED_MS);
      if (ahead.size === 0) return [];
      if (off.length === 0) return [fine(`The clock agrees with ${listOf([...ahead.keys()])}`)];
      return off.map(([who, ms]) => {
        const text = `This machine's clock is ${spanOf(Math.abs(ms))} ${ms > 0 ? 'ahead of' : 'behind'} ${who}'s`;
        const mend =
          'Switch on time synchronisation (timedatectl set-ntp true, or chrony). At five minutes or more, Slack’s requests are refused as too old, and days and expiries are wrong.';
        return Math.abs(ms) >= HARMFUL_MS
          ? problem('clock.wrong', text, mend)
          : warning('clock.wrong', text, mend);
      });
    },
  };
}

function spanOf(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
