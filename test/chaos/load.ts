import { setTimeout as pause } from 'node:timers/promises';
import type { Saying as Said } from './programs/platform.ts';
import type { Random } from './random.ts';
import type { ConversationPlan, PersonPlan, Sent } from './records.ts';
import { textOf } from './words.ts';

/** What the load needs of the world. */
export interface LoadDeps {
  conversations: readonly ConversationPlan[];
  people: readonly PersonPlan[];
  rounds: number;
  patienceMs: number;
  /** People do not all come at the same moment. */
  startWithinMs: number;
  /** People do not wait for answers for longer than this: they say the next thing. */
  pace: [leastMs: number, mostMs: number] | null;
  /** How many numbers an answer counts; null: as it comes. */
  counts: [least: number, most: number] | null;
  random: Random;
  /** False: it cannot be said yet. */
  say(platform: ConversationPlan['platform'], saying: Said): Promise<boolean>;
  /** Messages that need not be waited for any more. */
  isSettled(id: string): boolean;
  /** People wait: so far there has been too little trouble for what they have said. */
  isAhead(sent: number): boolean;
  signal: AbortSignal;
}

export interface Load {
  readonly sent: Map<string, Omit<Sent, 'triedAt' | 'acceptedAt'>>;
  /** How many messages have been waited for in vain. */
  readonly impatient: number;
  run(): Promise<void>;
}

const POLL_MS = 100;

/** People who talk: one message after the other, some of them while an answer is still being written. */
export function createLoad(deps: LoadDeps): Load {
  const sent: Load['sent'] = new Map();
  const tokens = new Map(deps.people.map(({ key, token }) => [key, token]));
  let impatient = 0;

  async function say(plan: ConversationPlan, person: string, random: Random): Promise<string> {
    const id = `msg${String(sent.size + 1).padStart(5, '0')}`;
    const isPrivate = plan.kind === 'private';
    // Some answers are longer than a platform's message.
    const usual: [number, number] = isPrivate && random.chance(0.04) ? [800, 2_000] : [5, 60];
    const saying = {
      id,
      token: tokens.get(person) ?? '',
      count: random.between(...(deps.counts ?? usual)),
      keeps: isPrivate && random.chance(0.25),
    };
    sent.set(id, { ...saying, conversation: plan.key, person });
    const copies = random.chance(0.1) ? 2 : 1;
    const said = { id, text: textOf(saying), conversation: plan.key, person, copies };
    while (!(await deps.say(plan.platform, said)) && !deps.signal.aborted) await pause(POLL_MS);
    return id;
  }

  async function settled(ids: readonly string[], patienceMs = deps.patienceMs): Promise<void> {
    const until = Date.now() + patienceMs;
    while (!deps.signal.aborted && !ids.every(deps.isSettled)) {
      if (Date.now() > until) {
        if (patienceMs === deps.patienceMs) impatient += 1;
        return;
      }
      await pause(POLL_MS);
    }
  }

  async function talk(plan: ConversationPlan): Promise<void> {
    const random = deps.random.fork(plan.key);
    const [owner = ''] = plan.members;
    await pause(random.between(0, deps.startWithinMs));
    // What comes next belongs below it.
    if (deps.signal.aborted) return;
    await settled([await say(plan, owner, random)]);
    for (let round = 1; round < deps.rounds && !deps.signal.aborted; round += 1) {
      while (deps.isAhead(sent.size) && !deps.signal.aborted) await pause(POLL_MS);
      const count = random.pick([1, 1, 1, 2, 3]);
      const ids: string[] = [];
      for (let index = 0; index < count; index += 1) {
        ids.push(await say(plan, random.pick(plan.members), random));
        if (index + 1 < count) await pause(random.between(0, 1_500));
      }
      if (deps.pace === null) await settled(ids);
      else await settled(ids, random.between(...deps.pace));
      await pause(random.between(0, 800));
    }
  }

  return {
    sent,
    get impatient() {
      return impatient;
    },
    run: async () => void (await Promise.all(deps.conversations.map(talk))),
  };
}
