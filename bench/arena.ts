/** One contender with a platform and an agent of its own, each in its own process, on this machine. */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Pace } from './agent-server.ts';
import type { ContenderSetup, Work } from './contender.ts';
import { type Program, startProgram, type Usage } from './program.ts';

export type ContenderName = 'shopper' | 'chat-sdk' | 'bare-bolt' | 'bare-discord';
export type PlatformName = 'slack' | 'discord';

const slackSchema = z.object({
  apiUrl: z.string(),
  signingSecret: z.string(),
  clientId: z.string(),
  clientSecret: z.string(),
  installations: z.array(
    z.object({ team: z.string(), token: z.string(), botUserId: z.string(), botId: z.string() }),
  ),
});

const setupSchema = z.object({
  slack: slackSchema.optional(),
  discord: z.object({ apiUrl: z.string(), token: z.string(), applicationId: z.string() }).optional(),
});

const workSchema = z.object({
  seconds: z.number(),
  limited: z.number(),
  lost: z.number(),
  turns: z.array(
    z.object({
      turn: z.number(),
      tokens: z.number(),
      writtenAt: z.string(),
      signAt: z.string().nullable(),
      shownAt: z.array(z.string()),
      calls: z.array(z.string()),
    }),
  ),
});

const usageSchema = z.object({
  cpuMs: z.number(),
  mainMs: z.number().nullable(),
  rss: z.number(),
  heap: z.number(),
});

/** A turn as a person saw it, in milliseconds. */
export interface SeenTurn {
  signMs: number | null;
  /** From the first token to the first words. */
  firstTextMs: number;
  /** From each token to its being seen. */
  deltaMs: number[];
  calls: string[];
}

export interface Worked {
  seconds: number;
  turns: SeenTurn[];
  /** Calls that Slack refused, and turns that nobody answered. */
  limited: number;
  lost: number;
}

export interface Arena {
  readonly readyMs: number;
  pace(pace: Partial<Pace>): Promise<void>;
  work(work: Work): Promise<Worked>;
  /** Resolves when the contender does nothing any more; what it has used until then. */
  settled(): Promise<Usage>;
  peakRss(): Promise<number>;
  /** Processor time so far, in milliseconds: who is in the way of whom. */
  load(): Promise<{ platform: number; agent: number; contender: number }>;
  /** Requests to the agent service by kind, since the last call. */
  requests(): Promise<Record<string, number>>;
  stop(): Promise<void>;
}

export interface ArenaOptions {
  /** The folder of the programs: sources, or what was built of them. */
  programs: URL;
  contender: ContenderName;
  /** Slack unless told. */
  platform?: PlatformName;
  workspaces: number;
  people: number;
  env?: Record<string, string>;
}

export async function openArena(options: ArenaOptions): Promise<Arena> {
  const dir = await mkdtemp(join(tmpdir(), 'shopper-bench-'));
  const stops: (() => Promise<void>)[] = [() => rm(dir, { recursive: true, force: true })];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    const start = async (name: string, env?: Record<string, string>): Promise<Program> => {
      const program = await startProgram(programFile(options.programs, name), env);
      stops.push(() => program.stop());
      return program;
    };
    const [platform, agent] = await Promise.all([start(options.platform ?? 'slack'), start('agent')]);
    const setup: ContenderSetup = {
      agentUrl: z.string().parse(await agent.call('url')),
      dataDir: join(dir, 'data'),
      ...setupSchema.parse(await platform.call('setUp', options.workspaces, options.people)),
      port: await freePort(),
    };
    const setupFile = join(dir, 'setup.json');
    await writeFile(setupFile, JSON.stringify(setup));
    const env = {
      BENCH_SETUP: setupFile,
      BENCH_AGENT_FILE: fileURLToPath(new URL('agent.yml', rootOf(options.programs))),
      BENCH_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
      ...options.env,
    };
    let contender = await start(options.contender, env);
    let { readyMs } = contender;
    if (options.contender === 'shopper') {
      // Installing the app is not part of a start; what is installed is found there.
      await contender.call('stop');
      await contender.stop();
      contender = await start(options.contender, { ...env, BENCH_INSTALLED: '1' });
      readyMs = contender.readyMs;
    }
    await platform.call('deliverTo', setup.port);
    const usageOf = async (program: Program) => usageSchema.parse(await program.call('usage'));
    const usage = () => usageOf(contender);

    return {
      readyMs,
      pace: async pace => void (await agent.call('pace', pace)),
      async work(work) {
        const done = workSchema.parse(await platform.call('work', work));
        const numbers = done.turns.map(({ turn }) => turn);
        const times = z.array(z.array(z.string())).parse(await agent.call('times', numbers));
        const turns = done.turns.map((turn, index) => seenTurn(turn, times[index] ?? []));
        return { seconds: done.seconds, limited: done.limited, lost: done.lost, turns };
      },
      async settled() {
        for (let last = await usage(); ; ) {
          await new Promise(resolve => setTimeout(resolve, 250));
          const now = await usage();
          if (now.cpuMs - last.cpuMs < 10) return now;
          last = now;
        }
      },
      peakRss: async () => z.number().parse(await contender.call('peak')),
      async load() {
        const [a, b, c] = await Promise.all([platform, agent, contender].map(usageOf));
        return { platform: a?.cpuMs ?? 0, agent: b?.cpuMs ?? 0, contender: c?.cpuMs ?? 0 };
      },
      requests: async () => z.record(z.string(), z.number()).parse(await agent.call('requests')),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function seenTurn(turn: z.infer<typeof workSchema>['turns'][number], sent: string[]): SeenTurn {
  const between = (from: string | undefined, to: string | undefined) =>
    from === undefined || to === undefined ? Number.NaN : Number(BigInt(to) - BigInt(from)) / 1e6;
  return {
    signMs: turn.signAt === null ? null : between(turn.writtenAt, turn.signAt),
    firstTextMs: between(sent[0], turn.shownAt[0]),
    deltaMs: turn.shownAt.map((at, index) => between(sent[index], at)),
    calls: turn.calls,
  };
}

/** Programs have the ending of the folder they are in: sources, or built. */
export function programFile(programs: URL, name: string): URL {
  const ending = import.meta.url.endsWith('.ts') && !programs.pathname.includes('/.cache/') ? 'ts' : 'js';
  return new URL(`${name}.${ending}`, programs);
}

/** The project, seen from its `bench/programs/`, or from what was built of it. */
export function rootOf(programs: URL): URL {
  return new URL('../../', programs);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise(resolve => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
