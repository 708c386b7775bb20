import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import type { BetaManagedAgentsStreamSessionEvents } from '@anthropic-ai/sdk/resources/beta/sessions/events';
import type { AgentLoop, LoopInput, LoopOutcome } from '../../src/runtime/ports.ts';
import { createRuntime, type Runtime, type RuntimeOptions } from '../../src/runtime/server.ts';

export type StreamEvent = BetaManagedAgentsStreamSessionEvents;

export interface RequestLine {
  method: string;
  path: string;
  status: number;
  requestID: string;
  ms: number;
}

export interface Harness {
  runtime: Runtime;
  client: Anthropic;
  dataDir: string;
  /** The request log so far. */
  requests: RequestLine[];
  /** Stops the server and starts another on the same data. */
  restart(options?: Partial<RuntimeOptions>): Promise<void>;
  close(): Promise<void>;
}

/** A real server on a free port, its data in a directory of its own, and the official client. */
export async function startHarness(options: Partial<RuntimeOptions> = {}): Promise<Harness> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'runtime-')));
  const requests: RequestLine[] = [];
  const log = {
    info(fields: object, message: string) {
      if (message === 'request') requests.push(fields as RequestLine);
    },
    warn() {},
    error() {},
  };
  const start = (more: Partial<RuntimeOptions>) =>
    createRuntime({ port: 0, loop: echo, log, ...options, ...more, dataDir });
  const runtime = await start({});
  const harness: Harness = {
    runtime,
    client: clientOf(runtime.url),
    dataDir,
    requests,
    async restart(more = {}) {
      await harness.runtime.stop();
      harness.runtime = await start(more);
      harness.client = clientOf(harness.runtime.url);
    },
    async close() {
      await harness.runtime.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  return harness;
}

export function clientOf(baseURL: string, apiKey = 'test-key'): Anthropic {
  return new Anthropic({ baseURL, apiKey, maxRetries: 0 });
}

/** Answers each turn with what the newest user message said. */
export const echo: AgentLoop = async input => {
  await say(input, `echo: ${lastText(input)}`);
  return { type: 'end_turn' };
};

export async function say(input: LoopInput, text: string, id?: string): Promise<void> {
  const content = [{ type: 'text' as const, text }];
  await input.emit({ type: 'agent.message', content, ...(id === undefined ? {} : { id }) });
}

/** The text of the newest user message of the log. */
export function lastText(input: Pick<LoopInput, 'history'>): string {
  for (const event of input.history.toReversed()) {
    if (event.type !== 'user.message') continue;
    return event.content.map(block => (block.type === 'text' ? block.text : '')).join('');
  }
  return '';
}

/** Resolves as aborted when the turn is interrupted or the server stops. */
export function untilAborted(signal: AbortSignal): Promise<LoopOutcome> {
  return new Promise(resolve => {
    if (signal.aborted) resolve({ type: 'aborted' });
    signal.addEventListener('abort', () => resolve({ type: 'aborted' }), { once: true });
  });
}

/** An agent with the file tools and an environment, as ids. */
export async function provision(client: Anthropic): Promise<{ agent: string; environment_id: string }> {
  const agent = await client.beta.agents.create({
    name: 'tester',
    model: 'claude-sonnet-5-5',
    tools: [{ type: 'agent_toolset_20260401' }],
  });
  const environment = await client.beta.environments.create({ name: `test ${agent.id}` });
  return { agent: agent.id, environment_id: environment.id };
}

export async function newSession(client: Anthropic): Promise<string> {
  return (await client.beta.sessions.create(await provision(client))).id;
}

export function userMessage(text: string) {
  return { type: 'user.message' as const, content: [{ type: 'text' as const, text }] };
}

/** Opens the stream, lets `act` send, and reads until `done` says the last event was seen. */
export async function watch(
  client: Anthropic,
  sessionId: string,
  act: () => Promise<unknown>,
  done: (event: StreamEvent, seen: StreamEvent[]) => boolean = isIdle,
  params: { event_deltas?: ('agent.message' | 'agent.thinking')[] } = {},
): Promise<StreamEvent[]> {
  const stream = await client.beta.sessions.events.stream(sessionId, params);
  const seen: StreamEvent[] = [];
  await act();
  for await (const event of stream) {
    seen.push(event);
    if (done(event, seen)) break;
  }
  return seen;
}

export function isIdle(event: StreamEvent): boolean {
  return event.type === 'session.status_idle';
}

/** True at the n-th idle. */
export function idles(count: number): (event: StreamEvent, seen: StreamEvent[]) => boolean {
  return (_event, seen) => seen.filter(isIdle).length === count;
}

export function types(events: readonly { type: string }[]): string[] {
  return events.map(event => event.type);
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The error a call is refused with; fails the test when it is not refused. */
export async function refusal(call: PromiseLike<unknown>): Promise<InstanceType<typeof Anthropic.APIError>> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Anthropic.APIError) return error;
    throw error;
  }
  throw new Error('the call was expected to be refused');
}
