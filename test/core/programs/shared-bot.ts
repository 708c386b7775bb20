/**
 * One of several processes of a bot, as a test starts and kills them. It takes what people do from standard input,
 * a line each, and posts its replies to PLATFORM_URL, where the test keeps what a platform would keep.
 */

import { createInterface } from 'node:readline';
import Anthropic from '@anthropic-ai/sdk';
import type { BotPort, ChatAdapter, Reply } from '../../../src/core/adapter.ts';
import { parseAgentFile } from '../../../src/core/agent-file.ts';
import { createBot, type Role } from '../../../src/core/bot.ts';
import type { Message } from '../../../src/core/message.ts';
import { createBullmqDispatcher } from '../../../src/core/queue/dispatcher-bullmq.ts';
import { createLeases } from '../../../src/core/queue/leases.ts';
import { createRedisSignals } from '../../../src/core/queue/signals-redis.ts';
import { openPostgresState } from '../../../src/core/state/postgres.ts';
import { openRedisState } from '../../../src/core/state/redis.ts';
import { createCustomTools } from '../../../src/core/turn/custom-tools.ts';
import { createLog } from '../../../src/log.ts';

/** What a line on standard input asks for. */
export type Order = { type: 'say' | 'interrupt' | 'forget-me'; message: Message };

const {
  DATABASE_URL = '',
  REDIS_URL = '',
  PREFIX = '',
  API_URL,
  PLATFORM_URL = '',
  ROLE = 'all',
} = process.env;
const QUICK = { ttlMs: 1_500, beatMs: 300, marginMs: 300, pollMs: 50 };

const log = createLog('silent');
const state = DATABASE_URL.startsWith('redis')
  ? await openRedisState(DATABASE_URL, { prefix: `{${PREFIX}}` })
  : await openPostgresState(DATABASE_URL, { schema: PREFIX });
const bot = createBot({
  client: new Anthropic({ baseURL: API_URL, apiKey: 'key', logLevel: 'off' }),
  state,
  file: parseAgentFile('name: shopper\nmodel: claude-sonnet-5-5\nsystem: You are a shopper.\n', 'agent.yml'),
  tools: createCustomTools([]),
  adapters: [createAdapter()],
  notices: undefined,
  limits: { turnMs: 60_000, questionMs: 60_000, outageMs: 20_000 },
  role: roleOf(ROLE),
  dispatch: run =>
    createBullmqDispatcher({ url: REDIS_URL, run, log, prefix: `{${PREFIX}q}`, lockMs: 1_000, checkMs: 300 }),
  signals: await createRedisSignals({ url: REDIS_URL, log, prefix: `{${PREFIX}q}` }),
  leases: createLeases(state, log, QUICK),
  log,
});
await bot.start();
process.once('SIGTERM', () => {
  void bot
    .stop()
    .then(() => state.close())
    .then(() => process.exit(0));
});
process.stdout.write('ready\n');

function createAdapter(): ChatAdapter {
  return {
    platform: 'test',
    async start(port, connect) {
      if (connect === 'both') listen(port);
    },
    async stop() {},
    openReply(message, resume, save) {
      let posting = Promise.resolve(typeof resume === 'string' ? resume : null);
      const write = (reply: Reply) => {
        posting = posting.then(async posted => {
          if (posted !== null) {
            await request('PUT', `/posts/${posted}`, reply);
            return posted;
          }
          const id = await request('POST', `/posts?of=${encodeURIComponent(message.id)}`, reply);
          await save(id);
          return id;
        });
        return posting;
      };
      return {
        show: reply => void write(reply).catch(() => {}),
        async finish(reply) {
          await write(reply);
        },
        ask: async () => false,
        close() {},
      };
    },
    async notify() {},
    async download() {
      return new Uint8Array();
    },
  };
}

function listen(port: BotPort): void {
  createInterface({ input: process.stdin }).on('line', line => {
    const order: Order = JSON.parse(line);
    answerTo(port, order).then(
      it => process.stdout.write(`${order.type} ${order.message.id}: ${JSON.stringify(it)}\n`),
      (error: unknown) =>
        process.stdout.write(`${order.type} ${order.message.id}: failed ${String(error)}\n`),
    );
  });
}

function answerTo(port: BotPort, { type, message }: Order): Promise<unknown> {
  switch (type) {
    case 'say':
      return port.receive(message);
    case 'interrupt':
      return port.interrupt(message.conversation);
    case 'forget-me':
      return port.command({
        person: message.conversation.person,
        action: { type: 'forget-me', confirmed: true },
      });
  }
}

async function request(method: string, path: string, body: unknown): Promise<string> {
  const response = await fetch(`${PLATFORM_URL}${path}`, { method, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`the platform said ${response.status}`);
  return response.text();
}

function roleOf(name: string): Role {
  if (name === 'all' || name === 'ingest' || name === 'worker') return name;
  throw new Error(`no such role: ${name}`);
}
