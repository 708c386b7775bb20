/** The fake Slack with the people of a run in it: direct messages in threads, and channels where two share a thread. */

import { asInManifest } from '../../adapters/slack/harness.ts';
import type { Delivery } from '../../fakes/slack/deliveries.ts';
import type { User } from '../../fakes/slack/drivers/user.ts';
import type { ChannelDriver } from '../../fakes/slack/drivers/workspace.ts';
import { createFakeSlack, type FakeSlack } from '../../fakes/slack/fake-slack.ts';
import type { Fault } from '../../fakes/slack/faults.ts';
import { bodyOf, textsOf } from '../../fakes/slack/rendering.ts';
import type { Channel, Json, Message } from '../../fakes/slack/world.ts';
import { createRandom, type Random } from '../random.ts';
import type { ConversationPlan, Sent, Shown } from '../records.ts';
import { readAnswers, sayingsIn } from '../words.ts';
import { type Open, type PlatformOperations, turnedAway } from './platform.ts';
import { serve } from './serve.ts';

interface Talk extends Open {
  plan: ConversationPlan;
  channel: string;
  root: string | null;
}

const CALLS = [
  'chat.postMessage',
  'chat.update',
  'chat.startStream',
  'chat.appendStream',
  'chat.stopStream',
  'chat.postEphemeral',
  'conversations.replies',
  'users.info',
  'assistant.threads.setStatus',
  'apps.connections.open',
] as const;

const RETRIES_MS = [0, 2_000, 6_000, 15_000, 30_000, 60_000];

let slack: FakeSlack;
let random: Random;
const users = new Map<string, User>();
const talks = new Map<string, Talk>();
const counts = new Map<string, number>();
const deliveries: Record<string, Pick<Sent, 'triedAt' | 'acceptedAt'>> = {};
const undelivered: string[] = [];
const answered: string[] = [];
const acknowledged: Delivery[] = [];
const struck: Record<string, number> = {};

serve({
  async start({ seed, people, conversations, rates }) {
    random = createRandom(seed);
    const scaled = Object.fromEntries(CALLS.map(name => [name, Math.ceil(usualRate(name) * rates)]));
    slack = await createFakeSlack({
      app: asInManifest(),
      // The pauses between tries are shorter than Slack's, so that a run need not wait five minutes for the last.
      limits: { retriesMs: RETRIES_MS, socketConnections: 10 },
      rateLimits: { perMinute: scaled, postsPerMinute: 300 * rates },
      journal: 1_000,
    });
    const workspace = slack.addWorkspace('Acme');
    const { token } = workspace.install();
    for (const { key } of people) users.set(key, workspace.addUser(key));
    let place: ChannelDriver | undefined;
    for (const plan of conversations) {
      const members = plan.members.map(userOf);
      const [owner] = members;
      if (owner === undefined) continue;
      if (plan.kind === 'shared') place = workspace.addChannel(`place-${plan.key}`, { members });
      const channel = plan.kind === 'private' ? owner.dmChannel : (place?.id ?? '');
      talks.set(plan.key, { plan, channel, root: null, open: new Set(), turnedAway: 0 });
    }
    return { SLACK_BOT_TOKEN: token, SLACK_APP_TOKEN: slack.appToken, SLACK_API_URL: slack.apiUrl };
  },

  say({ id, text, conversation, person, copies }) {
    const talk = talkOf(conversation);
    const user = userOf(person);
    const writing = talk.root === null ? {} : { threadTs: talk.root };
    slack.deliveries.copies = copies;
    const said =
      talk.plan.kind === 'private' ? user.dm(text, writing) : user.mention(talk.channel, text, writing);
    slack.deliveries.copies = 1;
    talk.root ??= said.ts;
    talk.open.add(id);
    counts.set(id, sayingsIn(text)[0]?.count ?? 0);
    const record: (typeof deliveries)[string] = { triedAt: null, acceptedAt: null };
    deliveries[id] = record;
    for (const delivery of said.deliveries) {
      void delivery.settled.then(it => {
        const first = it.attempts[0]?.at ?? Date.now();
        record.triedAt = Math.min(record.triedAt ?? first, first);
        if (it.state !== 'acked') return;
        record.acceptedAt ??= Date.now();
        acknowledged.push(it);
      });
    }
    void said.settled.then(() => {
      if (record.acceptedAt !== null) return;
      undelivered.push(id);
      talk.open.delete(id);
    });
    return true;
  },

  progress() {
    for (const talk of talks.values()) {
      if (talk.open.size === 0) continue;
      const text = wordsIn(talk).map(textOf).join(' ');
      const { answers, refusals } = readAnswers(text, it => counts.get(it));
      for (const { id } of answers) {
        if (talk.open.delete(id)) answered.push(id);
      }
      undelivered.push(...turnedAway(talk, refusals));
    }
    return { answered, undelivered };
  },

  connected: () => slack.socket.connections > 0,

  trouble() {
    const kind = random.next();
    if (kind < 0.04) {
      count('sockets cut');
      slack.socket.cut();
    } else if (kind < 0.06) {
      count('sockets recycled');
      slack.socket.refresh();
    } else {
      const fault = random.pick<Fault>([
        { type: 'rate_limited', retryAfter: random.between(1, 2) },
        { type: 'http', status: random.pick([500, 502, 503]) },
        { type: 'drop', when: 'before' },
        { type: 'drop', when: 'after' },
        { type: 'delay', ms: random.between(100, 2_000) },
      ]);
      count(fault.type === 'drop' ? `dropped ${fault.when}` : fault.type);
      slack.fail(random.pick(CALLS), fault);
    }
  },

  hold(ms) {
    const held = slack.deliveries.hold();
    count('held and reversed');
    setTimeout(() => held.release('reversed'), ms);
  },

  again() {
    const delivery =
      acknowledged[random.between(Math.max(0, acknowledged.length - 30), acknowledged.length - 1)];
    if (delivery === undefined) return;
    count('delivered again');
    void delivery.again({ num: 1, reason: 'timeout' });
  },

  calm: () => slack.clearFaults(),

  records() {
    const ids = Object.fromEntries([...users].map(([key, user]) => [key, user.id]));
    return { ids, deliveries, shown: everythingShown(), struck };
  },
} satisfies PlatformOperations);

function userOf(key: string): User {
  const user = users.get(key);
  if (user === undefined) throw new Error(`nobody is called ${key}`);
  return user;
}

function talkOf(key: string): Talk {
  const talk = talks.get(key);
  if (talk === undefined) throw new Error(`there is no conversation ${key}`);
  return talk;
}

function count(kind: string): void {
  struck[kind] = (struck[kind] ?? 0) + 1;
}

/** The bot's messages in a conversation, in order. */
function wordsIn(talk: Talk): Message[] {
  const [owner] = talk.plan.members;
  if (talk.root === null || owner === undefined) return [];
  return userOf(owner)
    .sees(talk.channel, talk.root)
    .filter(({ fromApp }) => fromApp)
    .map(({ message }) => message);
}

function everythingShown(): Shown[] {
  const channels = new Map<string, Channel>();
  for (const user of users.values()) {
    for (const { channel } of user.sees(user.dmChannel).map(({ message }) => message))
      channels.set(channel.id, channel);
  }
  for (const talk of talks.values()) {
    for (const message of wordsIn(talk)) channels.set(message.channel.id, message.channel);
  }
  const keys = new Map([...users].map(([key, user]) => [user.id, key]));
  return [...channels.values()].flatMap(channel =>
    [...channel.messages.values()]
      .filter(({ author }) => author.type === 'app')
      .map((message): Shown => {
        const talk = [...talks.values()].find(
          ({ channel: id, root }) => id === channel.id && root === message.threadTs,
        );
        const readers = message.ephemeralTo === undefined ? [...channel.members] : [message.ephemeralTo];
        return {
          conversation: talk?.plan.key ?? null,
          readers: readers.flatMap(id => keys.get(id) ?? []),
          at: Number(message.ts) * 1_000,
          kind: isNotice(message) ? 'notice' : 'reply',
          text: textOf(message),
          earlier: message.versions.map(({ text }) => text),
          open: message.stream?.state === 'streaming',
        };
      }),
  );
}

/** The agent's words: without cards above and buttons below. */
function textOf(message: Message): string {
  if (message.stream !== undefined) return bodyOf({ ...message, blocks: [] });
  const words = message.blocks.filter(isMarkdown);
  return textsOf(words.length > 0 ? words : message.blocks).join('\n') || message.text;
}

const isMarkdown = (block: Json) => block.type === 'markdown';

function isNotice(message: Message): boolean {
  return message.blocks.some(({ block_id }) => String(block_id).endsWith(':notice'));
}

/** Of the methods above, what Slack bears in a minute; see rate-limits.ts of the fake. */
function usualRate(method: (typeof CALLS)[number]): number {
  switch (method) {
    case 'chat.startStream':
    case 'chat.stopStream':
      return 24;
    case 'chat.postEphemeral':
    case 'chat.appendStream':
    case 'users.info':
      return 120;
    case 'chat.postMessage':
      return 300;
    case 'assistant.threads.setStatus':
      return 600;
    default:
      return 60;
  }
}
