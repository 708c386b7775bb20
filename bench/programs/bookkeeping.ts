/** This bot's core between a platform that shows nothing and an agent that costs nothing: what is left is the state. */

import Anthropic from '@anthropic-ai/sdk';
import type { BotPort, ChatAdapter, ReplySink } from '../../src/core/adapter.ts';
import { readAgentFile } from '../../src/core/agent-file.ts';
import { createBot } from '../../src/core/bot.ts';
import type { Json, Message } from '../../src/core/message.ts';
import { openPostgresState } from '../../src/core/state/postgres.ts';
import { openRedisState } from '../../src/core/state/redis.ts';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import type { State } from '../../src/core/state/state.ts';
import { createCustomTools } from '../../src/core/turn/custom-tools.ts';
import { createLog } from '../../src/log.ts';
import { MODEL_PERSON, type Place, personAt } from '../known-people.ts';
import { serveProgram } from '../program.ts';

const place: Place = JSON.parse(process.env.BENCH_PLACE ?? '{}');

const waiting = new Map<string, () => void>();
let port: BotPort | undefined;

const nowhere: ChatAdapter = {
  platform: 'slack',
  async start(bot) {
    port = bot;
  },
  async stop() {},
  openReply(message: Message, _resume: Json, save: (handle: Json) => Promise<void>): ReplySink {
    let posting: Promise<void> | undefined;
    return {
      show: () => {},
      async finish() {
        // What a platform's sink keeps about the one message it has posted.
        posting ??= save({ parts: [], posting: null }).then(() => save({ parts: ['1'], posting: null }));
        await posting;
      },
      ask: async () => false,
      close: () => waiting.get(message.id)?.(),
    };
  },
  async notify() {},
  download: async () => new Uint8Array(),
};

async function open(): Promise<State> {
  switch (place.kind) {
    case 'sqlite':
      return openSqliteState(place.at);
    case 'postgres':
      return openPostgresState(place.at);
    case 'redis':
      return openRedisState(place.at, { prefix: place.prefix });
  }
}

const openedAt = performance.now();
const state = await open();
const bot = createBot({
  client: new Anthropic({ baseURL: process.env.BENCH_AGENT_URL, apiKey: 'bench', logLevel: 'off' }),
  state,
  file: await readAgentFile(process.env.BENCH_AGENT_FILE ?? ''),
  tools: createCustomTools([]),
  adapters: [nowhere],
  notices: undefined,
  limits: { turnMs: 60_000, questionMs: 60_000, outageMs: 20_000 },
  log: createLog('warn'),
});
await bot.start();
const startMs = performance.now() - openedAt;

/** Has no factor in common with any number of people that is measured. */
const STRIDE = 7_919;

let messages = 0;

/** From the delivery to the end of the turn, and to the acknowledgement in between, in milliseconds. */
async function turn(person: string): Promise<{ acceptMs: number; turnMs: number }> {
  messages += 1;
  const id = `${Date.now()}.${messages}`;
  const message: Message = {
    id,
    conversation: {
      person: { platform: 'slack', workspace: 'TBENCH', id: person, name: 'Somebody' },
      channel: `D${person}`,
      thread: '1.1',
      audience: 'private',
    },
    text: 'What would suit me?',
    attachments: [],
    context: [],
    replyTo: null,
  };
  const begun = performance.now();
  const over = new Promise<void>(resolve => {
    waiting.set(id, resolve);
  });
  await port?.receive(message);
  const acceptMs = performance.now() - begun;
  await over;
  waiting.delete(id);
  return { acceptMs, turnMs: performance.now() - begun };
}

serveProgram({
  startMs: () => startMs,
  model: () => turn(MODEL_PERSON),
  /** Turns of people who are known, each of somebody else, `clients` at a time. */
  async work(people: number, turns: number, clients: number) {
    const done: Awaited<ReturnType<typeof turn>>[] = [];
    let left = turns;
    const first = Math.floor(Math.random() * people);
    const begun = performance.now();
    const one = async () => {
      while (left > 0) {
        left -= 1;
        // Far apart, and nobody twice: two messages of one person could become one turn.
        done.push(await turn(personAt((first + left * STRIDE) % people)));
      }
    };
    await Promise.all(Array.from({ length: clients }, one));
    return { seconds: (performance.now() - begun) / 1_000, turns: done };
  },
  async stop() {
    await bot.stop();
    await state.close();
  },
});
