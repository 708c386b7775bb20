// The fake's gateway against the real discord.js client: identifying, intents, sharding, and every way a
// connection can be lost and found again.

import { once } from 'node:events';
import {
  ChannelType,
  type Client,
  type ClientOptions,
  GatewayIntentBits,
  type Message,
  MessageType,
  PermissionFlagsBits,
  Routes,
} from 'discord.js';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createFakeDiscord, type FakeDiscord, type FakeDiscordOptions } from './discord/fake-discord.ts';
import { createRest, loginClient, PLAIN_INTENTS } from './discord/login.ts';

const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function shop(options: FakeDiscordOptions = {}) {
  const fake = await createFakeDiscord({ identifyWindowMs: 0, ...options });
  stops.push(() => fake.stop());
  const ana = fake.as(fake.world.addUser('Ana').id);
  const ben = fake.as(fake.world.addUser('Ben').id);
  const guild = fake.world.addGuild('Shop', { members: [ana.id, ben.id] });
  const channel = fake.world.addChannel(guild.id, 'general');
  return { fake, ana, ben, guild, channel };
}

async function login(fake: FakeDiscord, options: Partial<ClientOptions> = {}): Promise<Client<true>> {
  const client = await loginClient(fake, options);
  stops.push(() => client.destroy());
  return client;
}

function watch(client: Client): Message[] {
  const seen: Message[] = [];
  client.on('messageCreate', message => seen.push(message));
  return seen;
}

const CONTENT = [...PLAIN_INTENTS, GatewayIntentBits.MessageContent];

/** A bare connection, for what discord.js would never send. */
async function connect(fake: FakeDiscord, query = '?v=10&encoding=json') {
  const socket = new WebSocket(`${fake.gateway.url}/${query}`);
  stops.push(async () => socket.terminate());
  const frames: { op: number; d: unknown; t: string | null; s: number | null }[] = [];
  socket.on('message', data => {
    frames.push(JSON.parse(String(data)));
  });
  const closed = once(socket, 'close').then(([code]) => Number(code));
  await Promise.race([once(socket, 'message'), closed]);
  const send = (op: number, d: unknown) => socket.send(JSON.stringify({ op, d }));
  const identify = (more: Record<string, unknown> = {}) =>
    send(2, { token: fake.token, intents: 513, properties: {}, ...more });
  return { socket, frames, closed, send, identify };
}

describe('login', () => {
  it('gives the real client its servers, channels and application flags', async () => {
    const { fake, guild, channel } = await shop({ privileged: { messageContent: true } });
    const client = await login(fake);
    expect(client.user.id).toBe(fake.botId);
    expect(client.guilds.cache.get(guild.id)?.channels.cache.get(channel.id)?.name).toBe('general');
    expect(client.application.flags.has('GatewayMessageContentLimited')).toBe(true);
    expect(fake.journal.gateway({ direction: 'in' }).map(entry => entry.op)).toContain(2);
    expect(JSON.stringify(fake.journal.entries)).not.toContain(fake.token);
  });

  it('closes with 4014 when a privileged intent is not switched on', async () => {
    const { fake } = await shop();
    await expect(loginClient(fake, { intents: CONTENT })).rejects.toThrow(/disallowed intents/i);
  });

  it('refuses a wrong token over REST and on the gateway', async () => {
    const { fake } = await shop();
    const { identify, closed } = await connect(fake);
    identify({ token: 'wrong' });
    expect(await closed).toBe(4004);
    const old = fake.token;
    fake.resetToken('another');
    const rest = createRest(fake).setToken(old);
    await expect(rest.get('/gateway/bot')).rejects.toMatchObject({ status: 401 });
  });

  it('closes on invalid intents, shards, versions, payloads and order', async () => {
    const { fake } = await shop();
    const codeAfter = async (act: (connection: Awaited<ReturnType<typeof connect>>) => void) => {
      const connection = await connect(fake);
      act(connection);
      return connection.closed;
    };
    expect(await codeAfter(({ identify }) => identify({ intents: 1 << 30 }))).toBe(4013);
    expect(await codeAfter(({ identify }) => identify({ shard: [2, 2] }))).toBe(4010);
    expect(await codeAfter(({ send }) => send(3, {}))).toBe(4003);
    expect(await codeAfter(({ send }) => send(99, {}))).toBe(4001);
    expect(await codeAfter(({ socket }) => socket.send('not json'))).toBe(4002);
    expect(
      await codeAfter(({ identify }) => {
        identify();
        identify();
      }),
    ).toBe(4005);
    expect(
      await codeAfter(({ send }) => {
        for (let count = 0; count < 121; count += 1) send(1, null);
      }),
    ).toBe(4008);
    expect(await (await connect(fake, '?v=9&encoding=json')).closed).toBe(4012);
  });

  it('lets each max_concurrency bucket identify once in five seconds', async () => {
    const { fake } = await shop({ identifyWindowMs: 5_000, maxConcurrency: 2, speed: 0.001 });
    const first = await connect(fake);
    first.identify({ shard: [0, 4] });
    const other = await connect(fake);
    other.identify({ shard: [1, 4] });
    await fake.until(() => fake.gateway.sessions.length === 2);
    const same = await connect(fake);
    same.identify({ shard: [2, 4] });
    await fake.until(() => fake.journal.gateway({ direction: 'out', op: 9 }).length === 1);
    fake.clock.advance(5_000);
    same.identify({ shard: [2, 4] });
    await fake.until(() => fake.gateway.sessions.length === 3);
  });

  it('resets the token after too many identifies in a day', async () => {
    const { fake } = await shop({ identifiesPerDay: 1 });
    const before = fake.token;
    (await connect(fake)).identify();
    await fake.until(() => fake.gateway.sessions.length === 1);
    const late = await connect(fake);
    late.identify();
    expect(await late.closed).toBe(4004);
    expect(fake.token).not.toBe(before);
  });
});

describe('intents', () => {
  it('empties what others write, except in DMs, mentions and own messages', async () => {
    const { fake, ana, channel } = await shop();
    const client = await login(fake);
    const seen = watch(client);
    ana.say(channel.id, 'secret', { files: [{ name: 'a.txt', data: 'x' }] });
    ana.say(channel.id, `<@${fake.botId}> open`, { files: [{ name: 'b.txt', data: 'x' }] });
    ana.dm('private');
    const own = await createRest(fake).post(`/channels/${channel.id}/messages`, { body: { content: 'own' } });
    await fake.until(() => seen.length === 4);
    expect(seen.map(message => message.content)).toEqual(['', `<@${fake.botId}> open`, 'private', 'own']);
    expect(seen.map(message => message.attachments.size)).toEqual([0, 1, 0, 0]);
    expect(own).toMatchObject({ content: 'own' });
  });

  it('gives content to a session with the intent', async () => {
    const { fake, ana, channel } = await shop({ privileged: { messageContent: true } });
    const seen = watch(await login(fake, { intents: CONTENT }));
    ana.say(channel.id, 'plain');
    await fake.until(() => seen.length === 1);
    expect(seen[0]?.content).toBe('plain');
  });

  it('sends only the events of the intents identified with', async () => {
    const { fake, ana, channel } = await shop();
    await login(fake, { intents: [GatewayIntentBits.Guilds, GatewayIntentBits.DirectMessages] });
    ana.say(channel.id, 'in the server');
    ana.dm('in a DM');
    const events = fake.journal.gateway({ event: 'MESSAGE_CREATE' });
    expect(events.map(entry => entry.data)).toMatchObject([{ content: 'in a DM', channel_type: 1 }]);
  });

  it('marks direct mentions, reply pings, roles and @everyone apart', async () => {
    const { fake, ana, guild, channel } = await shop({ privileged: { messageContent: true } });
    const client = await login(fake, { intents: CONTENT });
    const seen = watch(client);
    const role = fake.world.addRole(guild.id, 'bots', { mentionable: true });
    fake.world.giveRole(guild.id, fake.botId, role.id);
    fake.world.overwrite(channel.id, ana.id, { allow: PermissionFlagsBits.MentionEveryone });
    const own = (await createRest(fake).post(Routes.channelMessages(channel.id), {
      body: { content: 'hello' },
    })) as { id: string };
    ana.say(channel.id, `<@${fake.botId}> direct`);
    ana.say(channel.id, `<@&${role.id}> role`);
    ana.say(channel.id, '@everyone');
    ana.say(channel.id, 'pinging reply', { replyTo: own.id });
    ana.say(channel.id, 'quiet reply', { replyTo: own.id, pingReply: false });
    await fake.until(() => seen.length === 6);
    const kinds = seen.slice(1).map(message => ({
      users: message.mentions.users.has(client.user.id),
      roles: message.mentions.roles.size > 0,
      everyone: message.mentions.everyone,
    }));
    expect(kinds).toEqual([
      { users: true, roles: false, everyone: false },
      { users: false, roles: true, everyone: false },
      { users: false, roles: false, everyone: true },
      { users: true, roles: false, everyone: false },
      { users: false, roles: false, everyone: false },
    ]);
    expect(seen[4]?.reference?.messageId).toBe(own.id);
  });

  it('tells nothing of channels the bot cannot see', async () => {
    const { fake, ana, guild, channel } = await shop();
    const hidden = fake.world.addChannel(guild.id, 'hidden');
    fake.world.overwrite(hidden.id, fake.botId, { deny: PermissionFlagsBits.ViewChannel });
    const seen = watch(await login(fake));
    ana.say(hidden.id, 'nobody hears');
    ana.say(channel.id, 'heard');
    await fake.until(() => seen.length === 1);
    expect(fake.journal.gateway({ event: 'MESSAGE_CREATE' })).toHaveLength(1);
  });

  it('carries edits, previews, deletions, webhooks, system messages and duplicates', async () => {
    const { fake, ana, ben, guild, channel } = await shop({ privileged: { messageContent: true } });
    const client = await login(fake, { intents: CONTENT });
    const seen = watch(client);
    const updates: (number | null)[] = [];
    const deleted: string[] = [];
    client.on('messageUpdate', (_, message) => updates.push(message.editedTimestamp));
    client.on('messageDelete', message => deleted.push(message.id));
    const said = ana.say(channel.id, 'see https://example.com', { times: 2 });
    fake.world.unfurlLink(channel.id, said.id, 'https://example.com');
    ana.edit(said.id, 'see nothing');
    ana.remove(said.id);
    fake.world.webhookSays(channel.id, 'News', 'from a webhook');
    fake.world.systemMessage(channel.id, MessageType.UserJoin, ben.id);
    const forum = fake.world.addChannel(guild.id, 'help', { type: ChannelType.GuildForum });
    const post = ben.post(forum.id, 'Question', 'How?');
    // The client's own cache swallows the repeated event.
    await fake.until(() => seen.length === 4);
    expect(fake.journal.gateway({ event: 'MESSAGE_CREATE' })).toHaveLength(5);
    expect(updates.map(time => time === null)).toEqual([true, false]);
    expect(deleted).toEqual([said.id]);
    expect(seen.map(message => [message.webhookId !== null, message.system])).toEqual([
      [false, false],
      [true, false],
      [false, true],
      [false, false],
    ]);
    expect(seen[3]?.id).toBe(post.id);
    expect(seen[3]?.channel.isThread()).toBe(true);
  });
});

describe('sharding', () => {
  it('routes servers by the formula and DMs to shard 0', async () => {
    const { fake, ana } = await shop({ maxConcurrency: 16 });
    const east = fake.world.addGuild('East', { shard: [0, 2], members: [ana.id] });
    const west = fake.world.addGuild('West', { shard: [1, 2], members: [ana.id] });
    const channels = [east, west].map(guild => fake.world.addChannel(guild.id, 'general'));
    await login(fake, { shards: [0, 1], shardCount: 2 });
    for (const channel of channels) ana.say(channel.id, 'hello');
    ana.dm('hello');
    const shards = fake.journal.gateway({ event: 'MESSAGE_CREATE' }).map(entry => entry.shard);
    expect(shards).toEqual([0, 1, 0]);
  });

  it('starts as many shards as it recommends', async () => {
    const { fake } = await shop({ shards: 3, maxConcurrency: 16 });
    const client = await login(fake, { shards: 'auto' });
    expect(client.ws.shards.size).toBe(3);
    expect(fake.gateway.sessions.map(session => session.shard).sort()).toEqual([0, 1, 2]);
  });
});

describe('losing the connection', () => {
  it('replays what was missed when the client resumes', async () => {
    const { fake, ana, channel } = await shop({ privileged: { messageContent: true } });
    const client = await login(fake, { intents: CONTENT });
    const seen = watch(client);
    const resumed = once(client, 'shardResume');
    fake.gateway.drop();
    ana.say(channel.id, 'while away 1');
    ana.say(channel.id, 'while away 2');
    const [, replayed] = await resumed;
    ana.say(channel.id, 'back');
    await fake.until(() => seen.length === 3);
    expect(replayed).toBeGreaterThanOrEqual(2);
    expect(seen.map(message => message.content)).toEqual(['while away 1', 'while away 2', 'back']);
    expect(fake.journal.gateway({ direction: 'open' }).at(-1)?.data).toMatchObject({
      path: expect.stringContaining('/resume'),
    });
  });

  it('resumes when told to reconnect', async () => {
    const { fake, ana, channel } = await shop();
    const client = await login(fake);
    const seen = watch(client);
    const resumed = once(client, 'shardResume');
    fake.gateway.reconnect();
    await resumed;
    ana.say(channel.id, 'still here');
    await fake.until(() => seen.length === 1);
    expect(fake.gateway.sessions).toHaveLength(1);
  });

  it('starts anew when the resume is refused, without what was missed', async () => {
    const { fake, ana, channel } = await shop();
    // Otherwise the client waits five seconds before it identifies again.
    const unhurried = async () => ({ waitForIdentify: async () => {} });
    const client = await login(fake, { ws: { buildIdentifyThrottler: unhurried } });
    const seen = watch(client);
    fake.gateway.refuseResumes(1);
    const ready = once(client, 'shardReady');
    fake.gateway.drop();
    ana.say(channel.id, 'lost');
    await ready;
    const said = ana.say(channel.id, 'found');
    await fake.until(() => seen.length === 1);
    expect(seen[0]?.id).toBe(said.id);
  });

  it('refuses a sequence from the future and sessions that timed out', async () => {
    const { fake } = await shop();
    const first = await connect(fake);
    first.identify();
    const session = await fake.until(() => fake.gateway.sessions[0]);
    first.socket.terminate();
    await fake.until(() => session.lostAt !== null);
    const ahead = await connect(fake);
    ahead.send(6, { token: fake.token, session_id: session.id, seq: session.seq + 1 });
    expect(await ahead.closed).toBe(4007);
    fake.clock.advance(180_000);
    const late = await connect(fake);
    late.send(6, { token: fake.token, session_id: session.id, seq: session.seq });
    await fake.until(() => late.frames.some(frame => frame.op === 9 && frame.d === false));
  });

  it('ends the session when the client closes with 1000', async () => {
    const { fake } = await shop();
    const { identify, socket } = await connect(fake);
    identify();
    await fake.until(() => fake.gateway.sessions.length === 1);
    socket.close(1000);
    await fake.until(() => fake.gateway.sessions.length === 0);
  });

  it('closes a client that stops its heartbeats, and is left by one that gets no acknowledgement', async () => {
    const { fake } = await shop({ heartbeatIntervalMs: 60 });
    const silent = await connect(fake);
    expect(await silent.closed).toBe(4009);
    const client = await login(fake);
    fake.gateway.acknowledge(false);
    await fake.until(() =>
      fake.journal.gateway({ direction: 'close' }).some(entry => entry.closeCode === 4200),
    );
    const resumed = once(client, 'shardResume');
    fake.gateway.acknowledge(true);
    await resumed;
  });

  it('keeps events for sessions while the gateway is down', async () => {
    const { fake, ana, channel } = await shop();
    const client = await login(fake);
    const seen = watch(client);
    fake.gateway.down(true);
    ana.say(channel.id, 'during the outage');
    await fake.until(() => !fake.gateway.connected());
    fake.gateway.down(false);
    await fake.until(() => seen.length === 1, 'the replayed message', 10_000);
  });
});
