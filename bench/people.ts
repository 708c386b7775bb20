/** The people of a fake platform: they write, wait for the answer, and note what they see when. */

import type { TurnTimes, Work, WorkResult } from './contender.ts';
import { questionOf, TOKENS, tokensIn } from './words.ts';

export interface Someone {
  /** Where they talk with the bot. */
  channel(): string;
  /** `again`: in their last conversation, if the platform has several. */
  write(text: string, again: boolean): void;
}

/** A call that the bot made. */
export interface Seen {
  channel: string;
  name: string;
  /** People notice it. */
  isSign: boolean;
  /** What they can read in it. */
  text: string;
}

export interface People {
  add(someone: Someone): void;
  seen(call: Seen): void;
  /** `clients` of them at the same time, each one question after the other, `turns` in all. */
  work(work: Work): Promise<Omit<WorkResult, 'limited'>>;
}

interface Turn {
  times: TurnTimes;
  over(): void;
}

const TURN_MS = 120_000;
/** After its last word a reply may still have calls to make, before the next one is asked for. */
const SETTLE_MS = 1_000;

export function createPeople(): People {
  /** By channel: nobody asks two things at once. */
  const running = new Map<string, Turn>();
  const people: Someone[] = [];
  let turns = 0;

  /** Null: it was not answered. */
  function ask(someone: Someone, tokens: number, again: boolean): Promise<TurnTimes | null> {
    turns += 1;
    const turn = turns;
    const channel = someone.channel();
    return new Promise(resolve => {
      const late = setTimeout(() => resolve(null), TURN_MS);
      const writtenAt = String(process.hrtime.bigint());
      const times: TurnTimes = { turn, tokens, writtenAt, signAt: null, shownAt: [], calls: [] };
      const over = () => {
        clearTimeout(late);
        resolve(times);
      };
      running.set(channel, { times, over });
      someone.write(questionOf(turn), again);
    });
  }

  return {
    add: someone => void people.push(someone),

    seen({ channel, name, isSign, text }) {
      const turn = running.get(channel);
      if (turn === undefined) return;
      const at = String(process.hrtime.bigint());
      const { times } = turn;
      times.calls.push(name);
      if (isSign) times.signAt ??= at;
      const shown = tokensIn(text);
      for (let token = times.shownAt.length; token < shown; token += 1) times.shownAt.push(at);
      if (times.shownAt.length >= times.tokens) turn.over();
    },

    async work({
      clients,
      turns: total,
      tokens = TOKENS,
      again = false,
      settle = true,
      skip = 0,
      overMs = 0,
    }) {
      const done: TurnTimes[] = [];
      let next = skip;
      let lost = 0;
      const last = skip + total;
      const begun = process.hrtime.bigint();
      const one = async (index: number) => {
        if (overMs > 0) await pause((index * overMs) / clients);
        for (let number = next++; number < last; number = next++) {
          // Somebody else each time, so that no workspace hears of many at once.
          const someone = people[number % people.length];
          if (someone === undefined) throw new Error('nobody is there');
          const times = await ask(someone, tokens, again);
          if (times === null) lost += 1;
          else done.push(times);
          if (settle) await pause(SETTLE_MS * Math.min(1, 4 / clients));
        }
      };
      await Promise.all(Array.from({ length: clients }, (_, index) => one(index)));
      return { seconds: Number(process.hrtime.bigint() - begun) / 1e9, turns: done, lost };
    },
  };
}

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms));
