import type { AgentFile } from '../agent-file.ts';
import { conversationKey, type Message, personKey } from '../message.ts';
import type { State } from '../state/state.ts';
import type { TurnUsage } from '../turn/turn-state.ts';

export type Admission = { allowed: true } | { allowed: false; sentence: string };

export interface DailyLimits {
  /** Counts a turn that begins now, or says when the next one may. Asked again about the same message: the same turn. */
  admit(message: Message): Promise<Admission>;
  /** What the turn used; null: it never reached the agent and does not count. May be said twice. */
  spent(message: Message, sessionId: string | null, usage: TurnUsage | null): Promise<void>;
}

type Limit = AgentFile['limits']['person'];

/** One turn. A row each, keyed by its message, so that nothing is counted twice and processes need no lock. */
interface Spent {
  tokens: number;
  cents: number;
}

/** What a session had cost before and after the last turn counted. */
interface SessionCost {
  turn: string;
  before: number;
  after: number;
}

const KEEP_MS = 3 * 24 * 3600_000;
const KEEP_COST_MS = 90 * 24 * 3600_000;
/** After this long, what other processes counted is read as well. */
const FRESH_MS = 5_000;

/** Days begin in the configured time zone. Counts survive a restart; a turn that runs may still go over its limit. */
export function createDailyLimits(deps: {
  state: State;
  limits: AgentFile['limits'];
  now: () => number;
}): DailyLimits {
  const { limits, now } = deps;
  const turns = deps.state.table<Spent>('spent');
  const costs = deps.state.table<SessionCost>('session-cost');
  const isLimited = [limits.person, limits.workspace].some(limit => Object.keys(limit).length > 0);
  const read = new Map<string, { at: number; rows: Map<string, Spent> }>();
  // One admission after the other: two at once would both see the last free turn.
  let tail: Promise<unknown> = Promise.resolve();

  const dayOf = (at: number) => dayIn(limits.time_zone, at);
  const keyOf = (day: string, message: Message) =>
    `${day}/${conversationKey(message.conversation)}/${encodeURIComponent(message.id)}`;

  async function rowsOf(prefix: string): Promise<Map<string, Spent>> {
    const known = read.get(prefix);
    if (known !== undefined && now() - known.at < FRESH_MS) return known.rows;
    const rows = new Map<string, Spent>();
    for await (const [key, spent] of turns.entries(prefix)) rows.set(key, spent);
    for (const [other, { at }] of read) if (now() - at >= FRESH_MS) read.delete(other);
    read.set(prefix, { at: now(), rows });
    return rows;
  }

  function note(key: string, spent: Spent | null): void {
    for (const [prefix, { rows }] of read) {
      if (!key.startsWith(prefix)) continue;
      if (spent === null) rows.delete(key);
      else rows.set(key, spent);
    }
  }

  async function admit(message: Message): Promise<Admission> {
    const day = dayOf(now());
    const key = keyOf(day, message);
    if ((await turns.get(key)) !== undefined) return { allowed: true };
    const { person } = message.conversation;
    const workspace = [person.platform, person.workspace].map(encodeURIComponent).join('/');
    const scopes = [
      { whose: 'you', limit: limits.person, prefix: `${day}/${personKey(person)}/` },
      { whose: 'workspace', limit: limits.workspace, prefix: `${day}/${workspace}/` },
    ] as const;
    for (const { whose, limit, prefix } of scopes) {
      if (Object.keys(limit).length === 0) continue;
      const reached = reachedOf(limit, [...(await rowsOf(prefix)).values()]);
      if (reached !== null) {
        return { allowed: false, sentence: sentenceOf(whose, reached, limits.time_zone, now()) };
      }
    }
    const begun = { tokens: 0, cents: 0 };
    await turns.set(key, begun, KEEP_MS);
    note(key, begun);
    return { allowed: true };
  }

  /** The service reports a session's cost as a running total. */
  async function centsOf(turn: string, sessionId: string, total: number | null): Promise<number> {
    if (total === null) return 0;
    const last = await costs.get(sessionId);
    const before = last === undefined ? 0 : last.turn === turn ? last.before : last.after;
    await costs.set(sessionId, { turn, before, after: total }, KEEP_COST_MS);
    return Math.max(0, total - before);
  }

  return {
    admit(message) {
      if (!isLimited) return Promise.resolve({ allowed: true });
      const admission = tail.then(() => admit(message));
      tail = admission.catch(() => {});
      return admission;
    },

    async spent(message, sessionId, usage) {
      if (!isLimited) return;
      // A turn that ran past midnight stays with the day it began on.
      const yesterday = keyOf(dayOf(now() - 24 * 3600_000), message);
      const key = (await turns.get(yesterday)) === undefined ? keyOf(dayOf(now()), message) : yesterday;
      if (usage === null || sessionId === null) {
        await turns.delete(key);
        note(key, null);
        return;
      }
      const row = { tokens: usage.tokens, cents: await centsOf(key, sessionId, usage.sessionCents) };
      await turns.set(key, row, KEEP_MS);
      note(key, row);
    },
  };
}

type Reached = { type: 'turns'; turns: number } | { type: 'tokens' } | { type: 'cost' };

function reachedOf(limit: Limit, rows: readonly Spent[]): Reached | null {
  if (limit.turns !== undefined && rows.length >= limit.turns) return { type: 'turns', turns: limit.turns };
  const tokens = rows.reduce((sum, row) => sum + row.tokens, 0);
  if (limit.tokens !== undefined && tokens >= limit.tokens) return { type: 'tokens' };
  const cents = rows.reduce((sum, row) => sum + row.cents, 0);
  if (limit.cost_usd !== undefined && cents >= limit.cost_usd * 100) return { type: 'cost' };
  return null;
}

function sentenceOf(whose: 'you' | 'workspace', reached: Reached, timeZone: string, at: number): string {
  const resetAt = nextDay(timeZone, at);
  const again = `It resets at ${timeIn(timeZone, resetAt)}, ${inWords(resetAt - at)}.`;
  if (whose === 'workspace') return `Everyone here together has reached today's limit. ${again}`;
  return reached.type === 'turns'
    ? `You have reached today's limit of ${reached.turns} ${reached.turns === 1 ? 'message' : 'messages'}. ${again}`
    : `You have reached today's limit for one person. ${again}`;
}

/** "2026-03-14" */
function dayIn(timeZone: string, at: number): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(at);
}

/** The first moment of the next day, found rather than computed: days have 23 to 25 hours. */
function nextDay(timeZone: string, at: number): number {
  const today = dayIn(timeZone, at);
  let before = at;
  let after = at + 27 * 3600_000;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (dayIn(timeZone, middle) === today) before = middle;
    else after = middle;
  }
  return after;
}

/** "00:00 (Europe/Berlin)" */
function timeIn(timeZone: string, at: number): string {
  const time = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' }).format(at);
  return `${time} (${timeZone})`;
}

function inWords(ms: number): string {
  const minutes = Math.max(1, Math.ceil(ms / 60_000));
  if (minutes < 90) return minutes === 1 ? 'in a minute' : `in ${minutes} minutes`;
  return `in about ${Math.round(minutes / 60)} hours`;
}
