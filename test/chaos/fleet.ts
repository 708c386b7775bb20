import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { endWithUs } from './programs.ts';
import type { Random } from './random.ts';

export interface FleetOptions {
  /** The built command, dist/cli.js. */
  cli: string;
  /** One process each. */
  roles: readonly string[];
  env: Record<string, string>;
  /** What only the first process has that receives: Discord has one gateway connection. */
  firstOnly: readonly string[];
  /** Working directory, and where logs go. */
  folder: string;
  random: Random;
}

export interface FleetCounts {
  kills: number;
  rolls: number;
  /** A process that ended though nobody told it to, after it had started. */
  crashes: number;
  /** A process that gave up while it started: what it needs was not there. */
  failedStarts: number;
  /** A process told to go that had not gone after forty seconds. */
  hung: number;
}

/** The bot's processes, started again whenever one ends, as a supervisor does. */
export interface Fleet {
  readonly counts: FleetCounts;
  start(): void;
  /** kill -9 of one that runs. It comes back after a moment. */
  kill(): Promise<void>;
  /** SIGTERM of one; where it is not the only one, its successor starts before it has gone. */
  roll(): Promise<void>;
  pids(): number[];
  logs: readonly string[];
  /** SIGTERM to all. Safe to call twice. */
  stop(): Promise<void>;
}

interface Slot {
  role: string;
  env: Record<string, string>;
  child: ChildProcess | null;
  /** Ended on purpose: no crash. */
  told: boolean;
}

const LEAVE_MS = 40_000;

export function createFleet(options: FleetOptions): Fleet {
  const { random } = options;
  const counts: FleetCounts = { kills: 0, rolls: 0, crashes: 0, failedStarts: 0, hung: 0 };
  const slots: Slot[] = options.roles.map((role, at) => ({
    role,
    env: envOf(role, at),
    child: null,
    told: false,
  }));
  const logs: string[] = [];
  const leaving = new Set<Promise<void>>();
  let stopping = false;

  function envOf(role: string, at: number): Record<string, string> {
    const every = Object.entries(options.env);
    if (role !== 'ingest' || at === 0) return options.env;
    return Object.fromEntries(every.filter(([name]) => !options.firstOnly.includes(name)));
  }

  function spawnIn(slot: Slot): void {
    if (stopping) return;
    const log = join(options.folder, `bot-${logs.length + 1}-${slot.role}.log`);
    logs.push(log);
    const output = openSync(log, 'w');
    const child = spawn(process.execPath, [options.cli, 'start', '--role', slot.role], {
      cwd: options.folder,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...slot.env },
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    endWithUs(child);
    slot.child = child;
    slot.told = false;
    child.once('exit', code => void ended(slot, child, code, log));
  }

  async function ended(slot: Slot, child: ChildProcess, code: number | null, log: string): Promise<void> {
    if (slot.child !== child || slot.told || stopping) return;
    slot.child = null;
    const words = await readFile(log, 'utf8');
    // One that has started writes log lines; one that cannot start says why, on one line.
    if (code === 1 && !/"level":[56]0/.test(words) && words.length < 4_000) counts.failedStarts += 1;
    else counts.crashes += 1;
    await pause(1_000);
    if (slot.child === null) spawnIn(slot);
  }

  async function leave(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const patience = new AbortController();
    const late = pause(LEAVE_MS, 'late', { signal: patience.signal }).catch(() => 'gone');
    if ((await Promise.race([gone, late])) === 'late') {
      counts.hung += 1;
      child.kill('SIGKILL');
      await gone;
    }
    patience.abort();
  }

  const running = () => slots.filter(({ child }) => child !== null);

  return {
    counts,
    logs,
    start() {
      for (const slot of slots) spawnIn(slot);
    },
    async kill() {
      const alive = running();
      if (alive.length === 0) return;
      const slot = random.pick(alive);
      const { child } = slot;
      if (child === null) return;
      counts.kills += 1;
      slot.told = true;
      slot.child = null;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      await pause(random.pick([0, 50, 300, 1_000]));
      spawnIn(slot);
    },
    async roll() {
      const alive = running();
      if (alive.length === 0) return;
      const slot = random.pick(alive);
      const { child } = slot;
      if (child === null) return;
      counts.rolls += 1;
      slot.told = true;
      slot.child = null;
      const left = leave(child);
      leaving.add(left);
      if (slots.length === 1) await left;
      spawnIn(slot);
      void left.finally(() => leaving.delete(left));
    },
    pids: () => running().flatMap(({ child }) => child?.pid ?? []),
    async stop() {
      stopping = true;
      const children = running().flatMap(({ child }) => child ?? []);
      for (const slot of slots) slot.told = true;
      await Promise.all([...children.map(leave), ...leaving]);
    },
  };
}
