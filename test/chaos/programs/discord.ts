/** The fake Discord with the people of a run in it: direct messages, and a server where two share a thread. */

import { createFakeDiscord, type FakeDiscord } from '../../fakes/discord/fake-discord.ts';
import type { FaultEffect } from '../../fakes/discord/faults.ts';
import { WRITTEN_TYPES } from '../../fakes/discord/messages.ts';
import type { Message } from '../../fakes/discord/state.ts';
import { createRandom, type Random } from '../random.ts';
import type { ConversationPlan, Sent, Shown } from '../records.ts';
import { readAnswers, sayingsIn } from '../words.ts';
import { type Open, type PlatformOperations, turnedAway } from './platform.ts';
import { serve } from './serve.ts';

interface Talk extends Open {
  plan: ConversationPlan;
  /** Where it is begun: the direct conversation, or a channel of the server. */
  channel: string;
  /** Messages that began it, which are also the threads made from them; more than one where the bot never saw the first. */
  roots: string[];
  /** Something in it was answered: from then on it is caught up with. */
  stands: boolean;
}

/** Nobody is told whether the bot got what begins a conversation. After this long it is said again. */
const UNHEARD_MS = 20_000;

const ROUTES = [
  { method: 'POST', route: '/channels/:channel/messages' },
  { method: 'GET', route: '/channels/:channel/messages' },
  { method: 'PATCH', route: '/channels/:channel/messages/:message' },
  { method: 'POST', route: '/channels/:channel/messages/:message/threads' },
  { method: 'POST', route: '/channels/:channel/typing' },
] as const;

let discord: FakeDiscord;
let random: Random;
const ids = new Map<string, string>();
const talks = new Map<string, Talk>();
const counts = new Map<string, number>();
const deliveries: Record<string, Pick<Sent, 'triedAt' | 'acceptedAt'>> = {};
const answered: string[] = [];
const undelivered: string[] = [];
const struck: Record<string, number> = {};

serve({
  async start({ seed, people, conversations, rates }) {
    random = createRandom(seed);
    discord = await createFakeDiscord({
      privileged: { messageContent: true },
      rateLimits: { globalPerSecond: 50 * rates },
      identifiesPerDay: 1_000_000,
      journalLimit: 2_000,
    });
    for (const { key } of people) ids.set(key, discord.world.addUser(key).id);
    const guild = discord.world.addGuild('Shop', { members: [...ids.values()] });
    for (const plan of conversations) {
      const [owner = ''] = plan.members;
      const channel =
        plan.kind === 'private'
          ? discord.as(idOf(owner)).dmChannel()
          : discord.world.addChannel(guild.id, `place-${plan.key}`);
      talks.set(plan.key, {
        plan,
        channel: channel.id,
        roots: [],
        open: new Set(),
        turnedAway: 0,
        stands: false,
      });
    }
    return {
      DISCORD_TOKEN: discord.token,
      DISCORD_APPLICATION_ID: discord.applicationId,
      DISCORD_API_URL: discord.apiUrl,
    };
  },

  say({ id, text, conversation, person, copies }) {
    const talk = talks.get(conversation);
    if (talk === undefined) throw new Error(`there is no conversation ${conversation}`);
    const isPrivate = talk.plan.kind === 'private';
    const thread = talk.roots.findLast(root => discord.state.channels.has(root));
    const begins = isPrivate ? talk.roots.length === 0 : thread === undefined;
    // Nobody speaks to a bot that is shown as away.
    if (begins && !discord.gateway.connected()) return false;
    const as = discord.as(idOf(person));
    const name = isPrivate || (thread !== undefined && random.chance(0.3) && person === talk.plan.members[0]);
    const said = as.say(
      isPrivate ? talk.channel : (thread ?? talk.channel),
      name ? text : `<@${discord.botId}> ${text}`,
      { times: copies },
    );
    counts.set(id, sayingsIn(text)[0]?.count ?? 0);
    talk.open.add(id);
    const at = said.createdAt;
    // Whatever follows in a conversation that stands is caught up with; what begins it is heard or not.
    deliveries[id] = { triedAt: at, acceptedAt: talk.stands ? at : null };
    if (begins) talk.roots.push(said.id);
    if (talk.stands) return true;
    setTimeout(() => {
      if (!talk.open.has(id)) return;
      if (isPrivate && !talk.stands) talk.roots = [];
      undelivered.push(id);
    }, UNHEARD_MS);
    return true;
  },

  progress() {
    for (const talk of talks.values()) {
      if (talk.open.size === 0) continue;
      const text = wordsIn(talk).map(textOf).join(' ');
      const { answers, refusals } = readAnswers(text, it => counts.get(it));
      for (const { id } of answers) {
        if (!talk.open.delete(id)) continue;
        answered.push(id);
        talk.stands = true;
      }
      undelivered.push(...turnedAway(talk, refusals));
    }
    return { answered, undelivered };
  },

  connected: () => discord.gateway.connected(),

  trouble() {
    const kind = random.next();
    if (kind < 0.04) {
      count('gateway dropped');
      discord.gateway.drop();
    } else if (kind < 0.07) {
      count('gateway asks to reconnect');
      discord.gateway.reconnect();
    } else if (kind < 0.09) {
      count('gateway session ended');
      discord.gateway.invalidate({ resumable: false });
    } else {
      const effect = random.pick<FaultEffect>([
        { type: 'rate-limit', retryAfterMs: random.between(500, 2_000), scope: 'user' },
        { type: 'rate-limit', retryAfterMs: random.between(500, 2_000), scope: 'shared' },
        { type: 'status', status: random.pick([500, 502, 503]), applied: random.pick(['before', 'after']) },
        { type: 'drop', applied: 'before' },
        { type: 'drop', applied: 'after' },
        { type: 'delay', realMs: random.between(100, 2_000) },
      ]);
      count('applied' in effect ? `${effect.type} ${effect.applied}` : effect.type);
      discord.faults.add({ ...random.pick(ROUTES), effect });
    }
  },

  hold(ms) {
    count('gateway held');
    discord.gateway.pause(true);
    setTimeout(() => discord.gateway.pause(false), ms);
  },

  again() {
    count('gateway delivers twice');
    discord.gateway.duplicate(2);
    setTimeout(() => discord.gateway.duplicate(1), 500);
  },

  calm: () => discord.faults.clear(),

  records: () => ({ ids: Object.fromEntries(ids), deliveries, shown: everythingShown(), struck }),
} satisfies PlatformOperations);

function idOf(key: string): string {
  const id = ids.get(key);
  if (id === undefined) throw new Error(`nobody is called ${key}`);
  return id;
}

function count(kind: string): void {
  struck[kind] = (struck[kind] ?? 0) + 1;
}

function channelsOf({ channel, roots }: Talk): string[] {
  return [channel, ...roots].filter(id => discord.state.channels.has(id));
}

function wordsIn(talk: Talk): Message[] {
  return channelsOf(talk).flatMap(id =>
    discord.messages(id).filter(({ authorId }) => authorId === discord.botId),
  );
}

function everythingShown(): Shown[] {
  const keys = new Map([...ids].map(([key, id]) => [id, key]));
  const talkIn = new Map(
    [...talks.values()].flatMap(talk => channelsOf(talk).map(id => [id, talk.plan.key])),
  );
  return [...discord.state.channels.values()].flatMap(channel =>
    discord
      .messages(channel.id)
      .filter(({ authorId, type }) => authorId === discord.botId && WRITTEN_TYPES.includes(type))
      .map((message): Shown => {
        const readers = channel.recipients.length > 0 ? channel.recipients : [...ids.values()];
        const only = message.ephemeralFor === null ? readers : [message.ephemeralFor];
        return {
          conversation: talkIn.get(channel.id) ?? null,
          readers: only.flatMap(id => keys.get(id) ?? []),
          at: message.createdAt,
          kind:
            message.content.startsWith('-# ') && /updated my memory/.test(message.content)
              ? 'notice'
              : 'reply',
          text: textOf(message),
          earlier: message.history.map(({ content }) => content),
          open: JSON.stringify(message.components).includes('"Stop"'),
        };
      }),
  );
}

/** Without the quiet lines that say what is going on. */
function textOf({ content }: Message): string {
  if (/updated my memory/.test(content)) return content;
  return content
    .split('\n')
    .filter(line => !line.startsWith('-# '))
    .join('\n');
}
