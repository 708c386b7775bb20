import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readAgentRecords } from './agent-records.ts';
import { createFleet, type FleetCounts } from './fleet.ts';
import { FAILURES, judge, type Verdict } from './judge.ts';
import { createLoad } from './load.ts';
import { type Sample, sampleMemory } from './memory-samples.ts';
import type { Options } from './options.ts';
import type { ModelOperations } from './programs/model.ts';
import type { PlatformOperations, PlatformRecords } from './programs/platform.ts';
import type { WireOperations } from './programs/wire.ts';
import { type Program, startProgram } from './programs.ts';
import { createRandom } from './random.ts';
import type { ConversationPlan, PersonPlan, Records } from './records.ts';
import { build, openShared, startRuntime } from './services.ts';
import { makeTrouble } from './trouble.ts';
import { tokensIn } from './words.ts';

export interface Outcome {
  verdict: Verdict;
  counts: FleetCounts;
  /** What went wrong on purpose, by kind. */
  struck: Record<string, number>;
  seconds: number;
  impatient: number;
  samples: Sample[];
  /** Where the records are; null once they were removed, because nothing failed. */
  folder: string | null;
  failed: boolean;
}

type Platform = ConversationPlan['platform'];
const KEY = 'chaos-key';
/** The bot has said nothing new for so long: it is not going to. */
const QUIET_MS = 2_000;
/** For a machine that others use as well. */
const CONNECT_MS = 180_000;
/** By this part of all that is said, people may be ahead of what goes wrong. */
const AHEAD = 0.08;

/** One run: the whole bot as people run it, with everything around it in processes of its own, and then the judge. */
export async function run(
  options: Options,
  say: (line: string) => void,
  {
    enough = new AbortController().signal,
    built,
  }: {
    /** Ends the run before its time; what there is by then is judged. */
    enough?: AbortSignal;
    /** The compiled project, where several runs share it. */
    built?: string;
  } = {},
): Promise<Outcome> {
  const folder = options.records ?? (await mkdtemp(join(tmpdir(), 'shopper-chaos-')));
  await mkdir(folder, { recursive: true });
  const random = createRandom(options.seed);
  const stops: (() => Promise<unknown>)[] = [];
  const started = Date.now();
  try {
    const { conversations, people } = planOf(options);
    const dist = built ?? (await build(folder));
    const shared = await openShared(options.layout);
    stops.push(shared.remove);
    const { wire, runtime, platforms } = await startWorld(dist);

    const env: Record<string, string> = {
      ...shared.env,
      ANTHROPIC_BASE_URL: wire.url,
      ANTHROPIC_API_KEY: KEY,
      SHOPPER_DATA_DIR: join(folder, 'data'),
      AGENT_FILE: join(folder, 'agent.yml'),
      LOG_LEVEL: 'info',
      TURN_LIMIT_SECONDS: '3600',
      PORT: '0',
    };
    for (const platform of platforms.values()) {
      const its = conversations.filter(it => it.platform === platform.name);
      const theirs = people.filter(({ key }) => its.some(({ members }) => members.includes(key)));
      const setup = { seed: options.seed, conversations: its, people: theirs, rates: options.rates };
      Object.assign(env, await platform.program.call('start', setup));
    }
    await writeFile(join(folder, 'agent.yml'), AGENT);
    const fleet = createFleet({
      cli: join(dist, 'cli.js'),
      roles: shared.roles,
      env,
      firstOnly: platforms.has('slack') ? ['DISCORD_TOKEN', 'DISCORD_APPLICATION_ID', 'DISCORD_API_URL'] : [],
      folder,
      random: random.fork('fleet'),
    });
    stops.push(() => fleet.stop());
    fleet.start();
    await until(
      async () => (await all(platforms, it => it.call('connected', undefined))).every(Boolean),
      CONNECT_MS,
    );

    const settled = new Set<string>();
    let answered = 0;
    // A round is three messages at most, one and a half in the middle.
    const total = (1.6 * (options.rounds - 1) + 1) * conversations.length;
    let troubled = options.kills + options.rolls === 0 ? 1 : 0;
    const over = new AbortController();
    const load = createLoad({
      conversations,
      people,
      rounds: options['in-flight'] > 0 ? 1 : options.rounds,
      patienceMs: patienceOf(options),
      pace: options['outage-seconds'] > 0 ? [15_000, 45_000] : null,
      counts: options['in-flight'] > 0 ? [300, 450] : null,
      startWithinMs: options['in-flight'] > 0 ? 60_000 : 3_000,
      random: random.fork('load'),
      say: async (name, saying) => (await platforms.get(name)?.program.call('say', saying)) ?? false,
      isSettled: id => settled.has(id),
      isAhead: sent => troubled < 1 && sent / total > troubled + AHEAD,
      signal: AbortSignal.any([over.signal, enough]),
    });
    async function look(): Promise<void> {
      const progress = await all(platforms, it => it.call('progress', undefined));
      answered = progress.reduce((sum, its) => sum + its.answered.length, 0);
      for (const id of progress.flatMap(its => [...its.answered, ...its.undelivered])) settled.add(id);
    }
    const looking = (async () => {
      for (let at = 0; !over.signal.aborted; at += 1) {
        await look();
        if (at % 75 === 0) say(`${answered} answered of ${load.sent.size} sent, ${fleet.counts.kills} kills`);
        await pause(options['in-flight'] > 0 ? 2_000 : 200);
      }
    })();
    const calm = new AbortController();
    const samples: Sample[] = [];
    const sampling = sampleMemory({
      pids: () => fleet.pids(),
      runtime: runtime.pid,
      into: samples,
      signal: over.signal,
    });
    const trouble = makeTrouble({
      fleet,
      random: random.fork('trouble'),
      kills: options.kills,
      rolls: options.rolls,
      troubles: options.troubles,
      progress: () => ({ answered, total }),
      onAct(part) {
        troubled = part;
      },
      platforms: [...platforms.values()].map(({ program }) => ({
        trouble: () => program.call('trouble', undefined),
        hold: ms => program.call('hold', ms),
        again: () => program.call('again', undefined),
      })),
      cutWire: () => wire.program.call('cut', undefined),
      signal: calm.signal,
    });
    const outage =
      options['outage-seconds'] > 0 ? goDark(wire.program, options['outage-seconds'], say) : null;
    await Promise.all([load.run(), outage]);
    calm.abort();
    await trouble;
    await wire.program.call('calm', undefined);
    await all(platforms, it => it.call('calm', undefined));
    await quietDown();
    over.abort();
    await Promise.all([looking, sampling]);
    say('stopping the bot and reading the records');
    await fleet.stop();

    const records = await readRecords();
    await writeFile(join(folder, 'records.json'), JSON.stringify(records));
    const verdict = judge(records);
    const struck = await struckBy();
    const bad = FAILURES.some(name => verdict[name].length > 0);
    const failed = bad || fleet.counts.crashes > 0 || fleet.counts.hung > 0;
    const keep = failed || options.keep || options.records !== undefined;
    const outcome: Outcome = {
      verdict,
      counts: fleet.counts,
      struck,
      seconds: Math.round((Date.now() - started) / 1_000),
      impatient: load.impatient,
      samples,
      folder: keep ? folder : null,
      failed,
    };
    if (keep) await writeFile(join(folder, 'outcome.json'), JSON.stringify({ options, ...outcome }, null, 2));
    else stops.unshift(() => rm(folder, { recursive: true, force: true }));
    return outcome;

    async function quietDown(): Promise<void> {
      const giveUp = Date.now() + patienceOf(options);
      const isOpen = () => [...load.sent.keys()].some(id => !settled.has(id));
      while (isOpen() && Date.now() < giveUp && !enough.aborted) await pause(200);
      // Notices, cursors, and answers that come twice.
      await pause(QUIET_MS);
    }

    async function struckBy(): Promise<Record<string, number>> {
      const its = await all(platforms, it => it.call('records', undefined));
      const wires = await wire.program.call('struck', undefined);
      return Object.assign({}, ...its.map(each => each.struck), prefixed('wire: ', wires));
    }

    async function readRecords(): Promise<Records> {
      const seen: PlatformRecords[] = await all(platforms, it => it.call('records', undefined));
      const deliveries = Object.assign({}, ...seen.map(it => it.deliveries));
      return {
        conversations,
        people,
        ids: Object.assign({}, ...seen.map(it => it.ids)),
        sent: [...load.sent.values()].map(it => ({
          triedAt: null,
          acceptedAt: null,
          ...it,
          ...deliveries[it.id],
        })),
        shown: seen.flatMap(it => it.shown),
        ...(await readAgentRecords(runtime.url, KEY)),
        leaks: await leaksIn(fleet.logs),
      };
    }
  } finally {
    for (const stop of stops.reverse()) await stop().catch((error: unknown) => say(String(error)));
  }

  async function startWorld(dist: string) {
    const log = join(folder, 'programs.log');
    const model = await startProgram<ModelOperations>('model', log);
    stops.push(() => model.stop());
    const inFlight = options['in-flight'] > 0;
    const { url: modelUrl } = await model.call('start', {
      seed: options.seed,
      failing: options.failing,
      pieceMs: inFlight ? [1_000, 5_000] : [10, 120],
      pieces: inFlight ? [options.minutes * 20, options.minutes * 20] : [2, 12],
    });
    const runtime = await startRuntime({ dist, folder, modelUrl, key: KEY });
    stops.push(() => runtime.stop());
    const wire = await startProgram<WireOperations>('wire', log);
    stops.push(() => wire.stop());
    const { url } = await wire.call('start', {
      seed: options.seed,
      target: runtime.url,
      failing: options.failing,
    });
    const names: Platform[] = options.platform === 'both' ? ['slack', 'discord'] : [options.platform];
    const platforms = new Map<Platform, { name: Platform; program: Program<PlatformOperations> }>();
    for (const name of names) {
      const program = await startProgram<PlatformOperations>(name, log);
      stops.push(() => program.stop());
      platforms.set(name, { name, program });
    }
    return { runtime, platforms, wire: { program: wire, url } };
  }
}

const AGENT = `name: chaos-${randomBytes(4).toString('hex')}
model: claude-sonnet-5-5
system: You answer what was said.
tools: {read: allow, write: allow}
`;

/** Of five conversations one is a thread that two people share, and one is a second one of somebody who has one already. */
function planOf(options: Options): { conversations: ConversationPlan[]; people: PersonPlan[] } {
  const random = createRandom(options.seed).fork('plan');
  const count = options['in-flight'] > 0 ? options['in-flight'] : options.conversations;
  const platforms: Platform[] = options.platform === 'both' ? ['slack', 'discord'] : [options.platform];
  const conversations: ConversationPlan[] = [];
  const people: PersonPlan[] = [];
  const person = () => {
    const key = `p${people.length + 1}`;
    people.push({ key, token: `tok9${random.between(0x10000000, 0xfffffff0).toString(36)}${people.length}` });
    return key;
  };
  for (let at = 0; at < count; at += 1) {
    const platform = platforms[at % platforms.length] ?? 'slack';
    const before = conversations.filter(it => it.platform === platform).at(-1)?.members[0];
    const kind = options['in-flight'] === 0 && at % 5 === 3 ? 'shared' : 'private';
    // On Discord a person has one direct conversation.
    const again = at % 5 === 4 && before !== undefined && platform === 'slack' && options['in-flight'] === 0;
    const owner = again ? before : person();
    const members = kind === 'shared' ? [owner, person()] : [owner];
    conversations.push({ key: `c${at + 1}`, platform, kind, members });
  }
  return { conversations, people };
}

/** How long an answer may take, with all that is done to it. */
function patienceOf(options: Options): number {
  const slow = options['in-flight'] > 0 ? options.minutes * 60 : 0;
  return (options['patience-seconds'] + options['outage-seconds'] + slow) * 1_000;
}

async function all<T>(
  platforms: Map<Platform, { program: Program<PlatformOperations> }>,
  ask: (program: Program<PlatformOperations>) => Promise<T>,
): Promise<T[]> {
  return Promise.all([...platforms.values()].map(({ program }) => ask(program)));
}

async function goDark(
  wire: Program<WireOperations>,
  seconds: number,
  say: (line: string) => void,
): Promise<void> {
  await pause(10_000);
  say(`the agent service is gone for ${seconds} seconds`);
  await wire.call('down', undefined);
  await pause(seconds * 1_000);
  await wire.call('up', undefined);
  say('the agent service is back');
}

async function until(look: () => Promise<boolean>, patienceMs: number): Promise<void> {
  const giveUp = Date.now() + patienceMs;
  while (!(await look())) {
    if (Date.now() > giveUp) throw new Error('the bot did not connect');
    await pause(50);
  }
}

/** Words of people have no business in a log. */
async function leaksIn(logs: readonly string[]): Promise<string[]> {
  const leaks: string[] = [];
  for (const log of logs) {
    for (const line of (await readFile(log, 'utf8')).split('\n')) {
      if (tokensIn(line).length > 0 || /\bmsg\d{5}\b/.test(line)) leaks.push(`${log}: ${line.slice(0, 300)}`);
    }
  }
  return leaks;
}

function prefixed(prefix: string, counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [`${prefix}${name}`, count]));
}
