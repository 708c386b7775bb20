import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Log } from '../../log.ts';
import type { Json } from '../message.ts';
import { connectRedis } from './redis-connection.ts';
import type { Signal, SignalHandler, Signals } from './signals.ts';

/** Those who are alive answer in milliseconds. */
const PATIENCE_MS = 2_000;

const signalSchema = z.union([
  z.object({ type: z.literal('interrupt'), conversation: z.string(), entry: z.string().nullable() }),
  z.object({ type: z.literal('halt'), person: z.string() }),
  z.object({ type: z.literal('relay'), platform: z.string(), payload: z.json() }),
]);
const questionSchema = z.object({ id: z.string(), from: z.string(), signal: signalSchema });
const answerSchema = z.object({ id: z.string(), answer: z.json() });

interface Asked {
  /** How many others have yet to answer; unknown until Redis has said how many were reached. */
  left: number;
  settle(answer: Json): void;
}

/** Signals by Redis publish and subscribe: every process hears every question and answers on the asker's own channel. */
export async function createRedisSignals(options: {
  url: string;
  log: Log;
  /** Before all channels: see redisPrefix. */
  prefix: string;
  patienceMs?: number;
}): Promise<Signals> {
  const { log, prefix, patienceMs = PATIENCE_MS } = options;
  const me = randomUUID();
  const questions = `${prefix}:signals`;
  const answersTo = (id: string) => `${prefix}:signals:${id}`;
  const publisher = await connectRedis(options.url);
  // A connection that subscribes can do nothing else.
  const subscriber = publisher.duplicate();
  subscriber.on('error', () => {});
  const asked = new Map<string, Asked>();
  let handler: SignalHandler = () => null;

  subscriber.on('message', (channel: string, text: string) => {
    try {
      if (channel === questions) hear(JSON.parse(text));
      else heed(JSON.parse(text));
    } catch (error) {
      log.warn({ event: 'signals.unreadable', err: error }, 'a signal of another process was not understood');
    }
  });
  await subscriber.subscribe(questions, answersTo(me));

  function hear(given: unknown): void {
    const { id, from, signal } = questionSchema.parse(given);
    if (from === me) return;
    const answer = handler(signal);
    publisher.publish(answersTo(from), JSON.stringify({ id, answer })).catch((error: unknown) => {
      log.warn({ event: 'signals.not_answered', err: error }, 'a signal could not be answered');
    });
  }

  function heed(given: unknown): void {
    const { id, answer } = answerSchema.parse(given);
    const question = asked.get(id);
    if (question === undefined) return;
    question.left -= 1;
    if (answer !== null || question.left === 0) question.settle(answer);
  }

  function askOthers(signal: Signal): Promise<Json> {
    const id = randomUUID();
    return new Promise(resolve => {
      const settle = (answer: Json) => {
        clearTimeout(timer);
        asked.delete(id);
        resolve(answer);
      };
      const timer = setTimeout(() => settle(null), patienceMs);
      // Answers may overtake the count of those who were reached.
      const question: Asked = { left: 0, settle };
      asked.set(id, question);
      publisher.publish(questions, JSON.stringify({ id, from: me, signal })).then(
        reached => {
          question.left += reached - 1;
          if (question.left <= 0) settle(null);
        },
        (error: unknown) => {
          log.warn({ event: 'signals.not_asked', err: error }, 'the other processes could not be asked');
          settle(null);
        },
      );
    });
  }

  return {
    answer(given) {
      handler = given;
    },
    async ask(signal) {
      return handler(signal) ?? (await askOthers(signal));
    },
    async stop() {
      for (const { settle } of asked.values()) settle(null);
      subscriber.disconnect();
      publisher.disconnect();
    },
  };
}
