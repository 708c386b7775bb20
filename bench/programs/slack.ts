/** The fake Slack, and the people in it: they write, wait for the answer, and note what they see when. */

import type { User } from '../../test/fakes/slack/drivers/user.ts';
import { createFakeSlack } from '../../test/fakes/slack/fake-slack.ts';
import type { JournalEntry } from '../../test/fakes/slack/journal.ts';
import type { SlackSetup, TurnTimes, Work } from '../contender.ts';
import { serveProgram } from '../program.ts';
import { questionOf, TOKENS, tokensIn } from '../words.ts';

const SCOPES = [
  'app_mentions:read',
  'assistant:write',
  'channels:history',
  'chat:write',
  'commands',
  'files:read',
  'groups:history',
  'im:history',
  'im:write',
  'mpim:history',
  'users:read',
];
const EVENTS = [
  'agent_session_stopped',
  'app_context_changed',
  'app_home_opened',
  'app_mention',
  'message.channels',
  'message.groups',
  'message.im',
  'message.mpim',
];
const TURN_MS = 120_000;
/** After its last word a reply may still have calls to make, before the next one is asked for. */
const SETTLE_MS = 1_000;

interface Turn {
  times: TurnTimes;
  written: bigint;
  over: () => void;
}

interface Client {
  user: User;
  /** The thread of their conversation, once they have one. */
  thread: string | undefined;
}

/** By DM channel: nobody asks two things at once. */
const running = new Map<string, Turn>();
const clients: Client[] = [];
let turns = 0;

const slack = await createFakeSlack({
  app: { scopes: SCOPES, events: EVENTS },
  journal: 10,
  onCall: seen,
});

function seen(entry: JournalEntry): void {
  const channel = String(entry.args.channel ?? entry.args.channel_id ?? '');
  const turn = running.get(channel);
  if (turn === undefined) return;
  const at = process.hrtime.bigint();
  const { times } = turn;
  times.calls.push(entry.method);
  const text = JSON.stringify(entry.args);
  const isSign =
    entry.method === 'assistant.threads.setStatus'
      ? entry.args.status !== ''
      : entry.method.startsWith('chat.');
  if (isSign) times.signAt ??= String(at);
  if (!entry.method.startsWith('chat.')) return;
  const shown = tokensIn(text);
  for (let token = times.shownAt.length; token < shown; token += 1) times.shownAt.push(String(at));
  if (times.shownAt.length >= times.tokens) turn.over();
}

/** Null: it was not answered. */
function ask(client: Client, tokens: number, again: boolean): Promise<TurnTimes | null> {
  turns += 1;
  const number = turns;
  const channel = client.user.dmChannel;
  return new Promise(resolve => {
    const late = setTimeout(() => resolve(null), TURN_MS);
    const times: TurnTimes = { turn: number, tokens, writtenAt: '', signAt: null, shownAt: [], calls: [] };
    const turn: Turn = {
      times,
      written: process.hrtime.bigint(),
      over() {
        clearTimeout(late);
        resolve(times);
      },
    };
    times.writtenAt = String(turn.written);
    running.set(channel, turn);
    const thread = again ? client.thread : undefined;
    const posted = client.user.dm(questionOf(number), thread === undefined ? {} : { threadTs: thread });
    client.thread = thread ?? posted.ts;
  });
}

/** `clients` of them at the same time, each one question after the other, `turns` in all. */
async function work({
  clients: many,
  turns: total,
  tokens = TOKENS,
  again = false,
  settle = true,
  skip = 0,
  overMs = 0,
}: Work) {
  const done: TurnTimes[] = [];
  let next = skip;
  let lost = 0;
  const last = skip + total;
  const begun = process.hrtime.bigint();
  await Promise.all(
    Array.from({ length: many }, async (_, index) => {
      if (overMs > 0) await new Promise(resolve => setTimeout(resolve, (index * overMs) / many));
      for (let number = next++; number < last; number = next++) {
        // Somebody else each time, so that no workspace hears of many at once.
        const client = clients[number % clients.length];
        if (client === undefined) throw new Error('nobody is there');
        const times = await ask(client, tokens, again);
        if (times === null) lost += 1;
        else done.push(times);
        if (settle) await new Promise(resolve => setTimeout(resolve, SETTLE_MS * Math.min(1, 4 / many)));
      }
    }),
  );
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  return { seconds, turns: done, limited: slack.rates.limited(), lost };
}

serveProgram({
  /** Workspaces with people; each has the app. */
  setUp(workspaces: number, people: number): SlackSetup {
    const installed = Array.from({ length: workspaces }, (_, index) => {
      const workspace = slack.addWorkspace(`Workspace ${index}`);
      const { token, botUserId, botId } = workspace.install();
      return { workspace, team: workspace.id, token, botUserId, botId };
    });
    for (let person = 0; person < people; person += 1) {
      const { workspace } = installed[person % workspaces] ?? {};
      if (workspace !== undefined)
        clients.push({ user: workspace.addUser(`person-${person}`), thread: undefined });
    }
    return {
      apiUrl: slack.apiUrl,
      signingSecret: slack.app.signingSecret,
      clientId: slack.app.clientId,
      clientSecret: slack.app.clientSecret,
      installations: installed.map(({ team, token, botUserId, botId }) => ({
        team,
        token,
        botUserId,
        botId,
      })),
    };
  },
  deliverTo: async (url: string) => void (await slack.useHttp(url)),
  work,
});
