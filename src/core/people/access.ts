import type Anthropic from '@anthropic-ai/sdk';
import type { AgentFile } from '../agent-file.ts';
import { type Message, type Person, personKey } from '../message.ts';
import type { State } from '../state/state.ts';
import type { TurnUsage } from '../turn/turn-state.ts';
import { type Admission, createDailyLimits } from './daily-limits.ts';
import { createPairing } from './pairing.ts';

/** Who may talk with the bot, and how much in a day. */
export interface Access {
  /** Asked before any work for a turn; the sentence is for the person. Counts the turn when it may begin. */
  admit(message: Message): Promise<Admission>;
  /** What the turn for this message used; null: it never reached the agent and does not count. May be said twice. */
  spent(message: Message, sessionId: string | null, usage: TurnUsage | null): Promise<void>;
  /** Whether this person may be served at all. Asks nothing of them and counts nothing. */
  isAdmitted(person: Person): Promise<boolean>;
}

type Mode = AgentFile['access']['default'];

/** How long an approval is believed without asking again; taking one back takes effect after it. */
const APPROVED_MS = 60_000;

export function createAccess(deps: {
  client: Anthropic;
  state: State;
  file: AgentFile;
  now: () => number;
}): Access {
  const { client, state, file, now } = deps;
  const pairing = createPairing({ client, app: file.name, now });
  const limits = createDailyLimits({ state, limits: file.limits, now });
  const approvedAt = new Map<string, number>();

  async function isAdmitted(person: Person): Promise<boolean> {
    const { mode, allowed } = ruleFor(file.access, person);
    if (mode === 'open' || allowed) return true;
    return mode === 'pairing' && isApproved(person);
  }

  async function isApproved(person: Person): Promise<boolean> {
    const key = personKey(person);
    if (now() - (approvedAt.get(key) ?? Number.NEGATIVE_INFINITY) < APPROVED_MS) return true;
    const approved = await pairing.isApproved(person);
    if (approved) approvedAt.set(key, now());
    else approvedAt.delete(key);
    return approved;
  }

  async function refusalFor(person: Person): Promise<string> {
    if (ruleFor(file.access, person).mode === 'allowlist') {
      return `I only talk with people on my list. The people who run me can add you: your id here is ${person.id}.`;
    }
    const code = await pairing.codeFor(person);
    return code === null
      ? "I don't know you yet, and many new people are already waiting to be let in. Please try again later."
      : `I don't know you yet. Give this code to the people who run me: ${code} (valid for a day). Once they have let you in, write to me again.`;
  }

  return {
    isAdmitted,
    async admit(message) {
      const { person } = message.conversation;
      if (!(await isAdmitted(person))) return { allowed: false, sentence: await refusalFor(person) };
      return limits.admit(message);
    },
    spent: limits.spent,
  };
}

/** The rule for the person's workspace, else the one for the platform, else the default. */
function ruleFor(access: AgentFile['access'], person: Person): { mode: Mode; allowed: boolean } {
  const rules = access.rules.filter(rule => rule.platform === person.platform);
  const rule =
    rules.find(({ workspace }) => workspace === person.workspace) ??
    rules.find(({ workspace }) => workspace === undefined);
  if (rule === undefined) return { mode: access.default, allowed: false };
  return { mode: rule.mode, allowed: rule.allow.includes(person.id) };
}
