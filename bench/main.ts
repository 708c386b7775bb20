/**
 * npm run bench [-- --quick] [-- --json FILE] [-- --only NAME]
 *
 * Measures this bot, Chat SDK and bare Bolt against the same fake Slack and the same agent, in turns, each in processes
 * of its own; and what this bot's state costs as it grows. NAME: conversation, in-flight, start, state, discord.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import type { ContenderName } from './arena.ts';
import { build } from './build.ts';
import { type ConversationSize, measureConversation, type Setting } from './measures/conversation.ts';
import { type DiscordSize, measureDiscord } from './measures/discord.ts';
import { type InFlightSize, measureInFlight } from './measures/in-flight.ts';
import { measureStart } from './measures/start.ts';
import { measureState } from './measures/state.ts';
import { createResults } from './results.ts';

const CONTENDERS: readonly ContenderName[] = ['shopper', 'chat-sdk', 'bare-bolt'];
const ON_DISCORD: readonly ContenderName[] = ['shopper', 'bare-discord'];

interface Size {
  repeats: number;
  conversation: ConversationSize;
  discord: DiscordSize;
  inFlight: InFlightSize;
  starts: number;
  state: { people: number[]; turns: number; stores: ('sqlite' | 'postgres' | 'redis')[] };
}

const FULL: Size = {
  repeats: 3,
  conversation: { warm: 64, alone: 8, together: 64, instants: 8, fast: 1_000 },
  discord: { warm: 16, alone: 8, together: 64 },
  inFlight: { turns: 1_000, comeWithinMs: 10_000, everyMs: 500 },
  starts: 3,
  state: { people: [1_000, 1_000_000], turns: 400, stores: ['sqlite', 'postgres', 'redis'] },
};

const QUICK: Size = {
  repeats: 1,
  conversation: { warm: 16, alone: 1, together: 16, instants: 1, fast: 64 },
  discord: { warm: 4, alone: 1, together: 8 },
  inFlight: { turns: 50, comeWithinMs: 1_000, everyMs: 40 },
  starts: 1,
  state: { people: [1_000, 5_000], turns: 30, stores: ['sqlite'] },
};

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    only: { type: 'string' },
  },
});

const size = values.quick ? QUICK : FULL;
const results = createResults();
const say = (what: string) => void process.stderr.write(`  ${what}\n`);
const setting: Setting = { programs: build(), results, say };
const begun = performance.now();

/** Contenders take turns, so that what else the machine does meets all of them. */
async function interleaved(
  repeats: number,
  measure: (contender: ContenderName) => Promise<void>,
  contenders = CONTENDERS,
): Promise<void> {
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const first = repeat % contenders.length;
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      await measure(contender);
      keep();
    }
  }
}

const measures: Record<string, () => Promise<void>> = {
  conversation: () =>
    interleaved(size.repeats, contender => measureConversation(setting, contender, size.conversation)),
  'in-flight': () =>
    interleaved(size.repeats, contender => measureInFlight(setting, contender, size.inFlight)),
  start: () => interleaved(size.starts, contender => measureStart(setting, contender)),
  state: () => measureState(setting, { ...size.state, repeats: size.repeats, onRun: keep }),
  discord: () =>
    interleaved(size.repeats, contender => measureDiscord(setting, contender, size.discord), ON_DISCORD),
};

const wanted = values.only === undefined ? Object.keys(measures) : [values.only];
for (const name of wanted) {
  const measure = measures[name];
  if (measure === undefined) throw new Error(`--only knows ${Object.keys(measures).join(', ')}`);
  await measure();
  keep();
}

process.stdout.write(`\n${results.table()}\n\n`);
const seconds = Math.round((performance.now() - begun) / 1_000);
process.stdout.write(`Medians of the runs (lowest–highest). ${machine()}, ${seconds} s.\n`);

/** After each run, so that what was measured is there when the rest is called off. */
function keep(): void {
  if (values.json === undefined) return;
  mkdirSync(dirname(values.json), { recursive: true });
  const report = {
    at: new Date().toISOString(),
    machine: machine(),
    quick: values.quick,
    rows: results.rows,
  };
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}

/** With how busy it is: the figures mean little where others use it too. */
function machine(): string {
  const load = loadavg()[0]?.toFixed(1);
  return `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}, ${process.platform}, load ${load}`;
}
