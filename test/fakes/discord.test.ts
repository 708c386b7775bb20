// The fake Discord against the real discord.js REST class and client: messages, limits, permissions, threads,
// pings, files and rate limits. The gateway and the interactions have test files of their own.

import {
  ButtonBuilder,
  ButtonStyle,
  ChannelType,
  ContainerBuilder,
  DiscordAPIError,
  MessageFlags,
  MessageType,
  PermissionFlagsBits,
  type REST,
  Routes,
  TextDisplayBuilder,
} from 'discord.js';
import { afterEach, describe, expect, it } from 'vitest';
import { createFakeDiscord, type FakeDiscord, type FakeDiscordOptions } from './discord/fake-discord.ts';
import { createRest, loginClient } from './discord/login.ts';

const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A server with two people and a text channel, and REST calls as the bot. */
async function shop(options: FakeDiscordOptions = {}) {
  const fake = await createFakeDiscord({ rateLimits: false, identifyWindowMs: 0, ...options });
  stops.push(() => fake.stop());
  const ana = fake.as(fake.world.addUser('Ana').id);
  const ben = fake.as(fake.world.addUser('Ben').id);
  const guild = fake.world.addGuild('Shop', { members: [ana.id, ben.id] });
  const channel = fake.world.addChannel(guild.id, 'general');
  return { fake, ana, ben, guild, channel, rest: createRest(fake) };
}

interface SentMessage {
  id: string;
  content: string;
  flags: number;
  nonce?: string;
  mentions: { id: string }[];
  mention_everyone: boolean;
  attachments: { url: string; size: number; filename: string }[];
  components: Record<string, unknown>[];
  edited_timestamp: string | null;
}

async function send(rest: REST, channelId: string, body: Record<string, unknown>): Promise<SentMessage> {
  return (await rest.post(Routes.channelMessages(channelId), { body })) as SentMessage;
}

/** The error of a call that must fail. */
async function failure(call: Promise<unknown>): Promise<DiscordAPIError> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof DiscordAPIError) return outcome;
  throw new Error(`expected Discord to refuse, got ${String(outcome)}`);
}

function lastPing(fake: FakeDiscord) {
  const ping = fake.pings.at(-1);
  if (!ping) throw new Error('nothing was written');
  return ping;
}

describe('messages', () => {
  it('carries a conversation with the real client', async () => {
    const { fake, ana, channel } = await shop();
    const client = await loginClient(fake);
    stops.push(() => client.destroy());
    client.on('messageCreate', message => {
      if (!message.author.bot) void message.reply(`You said: ${message.content}`);
    });
    const said = ana.say(channel.id, `<@${fake.botId}> hello`);
    const reply = await fake.until(() => fake.messages(channel.id).find(m => m.authorId === fake.botId));
    expect(reply.content).toBe(`You said: <@${fake.botId}> hello`);
    expect(reply.reference?.messageId).toBe(said.id);
  });

  it('answers a repeated nonce with the message that has it', async () => {
    const { fake, channel, rest } = await shop();
    const body = { content: 'once', nonce: 'turn-1', enforce_nonce: true };
    const first = await send(rest, channel.id, body);
    const second = await send(rest, channel.id, { ...body, content: 'twice' });
    expect(second).toMatchObject({ id: first.id, content: 'once', nonce: 'turn-1' });
    expect(fake.messages(channel.id)).toHaveLength(1);

    await send(rest, channel.id, { ...body, enforce_nonce: false });
    fake.clock.advance(10 * 60_000);
    await send(rest, channel.id, body);
    expect(fake.messages(channel.id)).toHaveLength(3);
  });

  it('posts once although the first answer was lost, when the nonce is enforced', async () => {
    const { fake, channel, rest } = await shop();
    const lost = { method: 'POST', route: '/channels/:channel/messages' };
    fake.faults.add({ ...lost, effect: { type: 'status', status: 502, applied: 'after' } });
    fake.faults.add({ ...lost, effect: { type: 'drop', applied: 'after' } });
    await send(rest, channel.id, { content: 'a', nonce: '1', enforce_nonce: true });
    expect(fake.messages(channel.id)).toHaveLength(1);
    expect(fake.journal.rest(lost).map(call => call.status)).toEqual([502, null, 200]);

    fake.faults.add({ ...lost, effect: { type: 'status', status: 502, applied: 'after' } });
    await send(rest, channel.id, { content: 'b' });
    expect(fake.messages(channel.id).filter(message => message.content === 'b')).toHaveLength(2);
  });

  it('edits only its own messages and keeps every text they had', async () => {
    const { fake, ana, channel, rest } = await shop();
    const { id } = await send(rest, channel.id, { content: 'one' });
    await rest.patch(Routes.channelMessage(channel.id, id), { body: { content: 'two' } });
    expect(fake.messages(channel.id)[0]?.history.map(revision => revision.content)).toEqual(['one', 'two']);

    const theirs = ana.say(channel.id, 'mine');
    const edit = rest.patch(Routes.channelMessage(channel.id, theirs.id), { body: { content: 'x' } });
    expect(await failure(edit)).toMatchObject({ status: 403, code: 50005 });
    expect(await failure(rest.delete(Routes.channelMessage(channel.id, theirs.id)))).toMatchObject({
      code: 50013,
    });
    await rest.delete(Routes.channelMessage(channel.id, id));
    expect(await failure(rest.get(Routes.channelMessage(channel.id, id)))).toMatchObject({
      status: 404,
      code: 10008,
    });
  });

  it('pages through a channel before, after and around an id', async () => {
    const { ana, channel, rest } = await shop();
    const ids = ['a', 'b', 'c', 'd', 'e'].map(text => ana.say(channel.id, text).id);
    const list = async (query: Record<string, string>) => {
      const found = await rest.get(Routes.channelMessages(channel.id), { query: new URLSearchParams(query) });
      return (found as SentMessage[]).map(message => ids.indexOf(message.id));
    };
    expect(await list({})).toEqual([4, 3, 2, 1, 0]);
    expect(await list({ limit: '2' })).toEqual([4, 3]);
    expect(await list({ after: ids[1] ?? '', limit: '2' })).toEqual([3, 2]);
    expect(await list({ before: ids[2] ?? '' })).toEqual([1, 0]);
    expect(await list({ around: ids[2] ?? '', limit: '3' })).toEqual([3, 2, 1]);
    await expect(list({ limit: '101' })).rejects.toMatchObject({ code: 50035 });
  });

  it('hides what others wrote over REST from an app without the content intent', async () => {
    const { fake, ana, channel, rest } = await shop();
    ana.say(channel.id, 'secret');
    ana.say(channel.id, `<@${fake.botId}> open`);
    const read = async () =>
      ((await rest.get(Routes.channelMessages(channel.id))) as SentMessage[]).map(message => message.content);
    expect(await read()).toEqual([`<@${fake.botId}> open`, '']);
    fake.state.app.privileged.messageContent = true;
    expect(await read()).toEqual([`<@${fake.botId}> open`, 'secret']);
  });
});

describe('the client', () => {
  it('does with its own methods what a bot does', async () => {
    const { fake, ana, ben, channel } = await shop({ privileged: { messageContent: true } });
    const client = await loginClient(fake);
    stops.push(() => client.destroy());
    const said = ana.say(channel.id, `<@${fake.botId}> shoes?`);
    const place = await client.channels.fetch(channel.id);
    if (place?.type !== ChannelType.GuildText) throw new Error('expected a text channel');
    const message = await place.messages.fetch(said.id);
    await place.sendTyping();
    await message.react('👀');
    await message.reactions.resolve('👀')?.users.remove();

    const thread = await message.startThread({ name: 'Shoes', autoArchiveDuration: 60 });
    const reply = await thread.send({ content: 'Size?', nonce: '1', enforceNonce: true });
    await reply.edit('Which size?');
    await thread.members.add(ben.id);
    await thread.leave();
    await thread.join();
    await thread.setArchived(true);
    expect(ben.sees(thread.id).map(seen => seen.content)).toEqual(['', 'Which size?']);
    expect(thread.archived).toBe(true);

    const user = await client.users.fetch(ana.id);
    const dm = await user.send({
      content: 'hello',
      files: [{ attachment: Buffer.from('x'), name: 'x.txt' }],
    });
    await dm.delete();
    expect(ana.sees(dm.channelId)).toEqual([]);

    await client.application.commands.set([{ name: 'ping', description: 'Ping' }]);
    const [command] = (await client.application.commands.fetch()).values();
    await command?.edit({ description: 'Pong' });
    await command?.delete();
    await client.application.fetch();
    expect(fake.state.app.commands.size).toBe(0);
    expect(fake.journal.rest().filter(call => (call.status ?? 500) >= 400)).toEqual([]);
  });
});

describe('faults', () => {
  it('drops, delays and holds calls before or after they take effect', async () => {
    const { fake, channel } = await shop();
    const rest = createRest(fake, { retries: 0 });
    const route = '/channels/:channel/messages';
    const post = (content: string) => send(rest, channel.id, { content });
    fake.faults.add({ route, effect: { type: 'drop' } });
    await expect(post('dropped before')).rejects.toThrow();
    fake.faults.add({ route, effect: { type: 'drop', applied: 'after' } });
    await expect(post('dropped after')).rejects.toThrow();
    fake.faults.add({ route, times: 2, effect: { type: 'status', status: 503 } });
    await expect(post('unavailable')).rejects.toMatchObject({ status: 503 });
    await expect(post('unavailable')).rejects.toMatchObject({ status: 503 });

    let release = () => {};
    const released = new Promise<void>(resolve => {
      release = resolve;
    });
    fake.faults.add({
      route: /messages$/,
      method: 'POST',
      effect: { type: 'hold', until: released, applied: 'after' },
    });
    const held = post('held');
    await fake.until(() => fake.messages(channel.id).length === 2);
    expect(fake.journal.rest().at(-1)).toMatchObject({ status: null, faulted: true });
    release();
    await held;
    fake.faults.add({ route, effect: { type: 'delay', realMs: 1 } });
    await post('delayed');
    expect(fake.messages(channel.id).map(message => message.content)).toEqual([
      'dropped after',
      'held',
      'delayed',
    ]);
  });
});

describe('limits', () => {
  it('refuses content over 2,000 characters in the shape of Discord', async () => {
    const { channel, rest } = await shop();
    await send(rest, channel.id, { content: 'x'.repeat(2000) });
    const error = await failure(send(rest, channel.id, { content: 'x'.repeat(2001) }));
    expect(error.rawError).toEqual({
      code: 50035,
      message: 'Invalid Form Body',
      errors: {
        content: { _errors: [{ code: 'BASE_TYPE_MAX_LENGTH', message: 'Must be 2000 or fewer in length.' }] },
      },
    });
  });

  it('refuses empty messages, also when only white space is left', async () => {
    const { channel, rest } = await shop();
    expect(await failure(send(rest, channel.id, {}))).toMatchObject({ status: 400, code: 50006 });
    expect(await failure(send(rest, channel.id, { content: ' \n ' }))).toMatchObject({ code: 50006 });
    expect(await send(rest, channel.id, { content: '  kept \n' })).toMatchObject({ content: 'kept' });
  });

  it('holds embeds to ten and to 6,000 characters together', async () => {
    const { channel, rest } = await shop();
    const embeds = (count: number, length: number) =>
      Array.from({ length: count }, () => ({ description: 'x'.repeat(length) }));
    await send(rest, channel.id, { embeds: embeds(10, 600) });
    const tooMany = await failure(send(rest, channel.id, { embeds: embeds(11, 1) }));
    expect(tooMany.rawError).toMatchObject({
      errors: { embeds: { _errors: [{ code: 'BASE_TYPE_MAX_LENGTH' }] } },
    });
    const tooLong = await failure(send(rest, channel.id, { embeds: embeds(10, 601) }));
    expect(tooLong.rawError).toMatchObject({
      errors: { embeds: { _errors: [{ code: 'MAX_EMBED_SIZE_EXCEEDED' }] } },
    });
    const field = await failure(send(rest, channel.id, { embeds: [{ title: 'x'.repeat(257) }] }));
    expect(field.rawError).toMatchObject({ errors: { embeds: { 0: { title: { _errors: [{}] } } } } });
  });

  it('holds rows, buttons, labels and custom ids to their limits', async () => {
    const { channel, rest } = await shop();
    const button = (customId: string, label = 'ok') =>
      new ButtonBuilder().setCustomId(customId).setLabel(label).setStyle(ButtonStyle.Primary).toJSON();
    const row = (...components: unknown[]) => ({ type: 1, components });
    const post = (...rows: unknown[]) => send(rest, channel.id, { content: 'x', components: rows });
    const five = (prefix: string) => row(...[1, 2, 3, 4, 5].map(index => button(`${prefix}${index}`)));

    await post(five('a'), five('b'), five('c'), five('d'), five('e'));
    const rows = await failure(post(...[1, 2, 3, 4, 5, 6].map(index => row(button(`r${index}`)))));
    expect(rows.rawError).toMatchObject({ errors: { components: { _errors: [{}] } } });
    const buttons = await failure(post(row(...[1, 2, 3, 4, 5, 6].map(index => button(`b${index}`)))));
    expect(buttons.rawError).toMatchObject({
      errors: { components: { 0: { components: { _errors: [{ code: 'BASE_TYPE_BAD_LENGTH' }] } } } },
    });
    const label = await failure(post(row({ ...button('a'), label: 'x'.repeat(81) })));
    expect(label.message).toContain('components[0].components[0].label[BASE_TYPE_MAX_LENGTH]');
    const id = await failure(post(row({ ...button('a'), custom_id: 'x'.repeat(101) })));
    expect(id.message).toContain('components[0].components[0].custom_id');
    const twice = await failure(post(row(button('same'), button('same'))));
    expect(twice.message).toContain('COMPONENT_CUSTOM_ID_DUPLICATED');
    const bare = await failure(post(button('a')));
    expect(bare.message).toContain('UNION_TYPE_CHOICES');
  });

  it('keeps Components V2 to components, for good', async () => {
    const { channel, rest } = await shop();
    const container = new ContainerBuilder().addTextDisplayComponents(
      new TextDisplayBuilder().setContent('hello'),
    );
    const components = [container.toJSON()];
    const flags = MessageFlags.IsComponentsV2;
    const unflagged = await failure(send(rest, channel.id, { components }));
    expect(unflagged.message).toContain('components[0].type[UNION_TYPE_CHOICES]');
    const mixed = await failure(send(rest, channel.id, { components, flags, content: 'x' }));
    expect(mixed.message).toContain('content[MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2]');

    const sent = await send(rest, channel.id, { components, flags });
    const url = Routes.channelMessage(channel.id, sent.id);
    const text = await failure(rest.patch(url, { body: { content: 'x', flags: 0 } }));
    expect(text.message).toContain('LEGACY_FIELDS');
    const edited = (await rest.patch(url, { body: { flags: 0 } })) as SentMessage;
    expect(edited.flags & flags).toBe(flags);

    const display = { type: 10, content: 'x' };
    await send(rest, channel.id, { flags, components: Array.from({ length: 40 }, () => display) });
    const inside = [{ type: 17, components: Array.from({ length: 40 }, () => display) }];
    const many = await failure(send(rest, channel.id, { flags, components: inside }));
    expect(many.message).toContain('COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED');
    const long = [1, 2].map(() => ({ type: 10, content: 'x'.repeat(2001) }));
    const texts = await failure(send(rest, channel.id, { flags, components: long }));
    expect(texts.message).toContain('COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED');
  });

  it('turns a legacy message into V2 only when its text is emptied', async () => {
    const { channel, rest } = await shop();
    const { id } = await send(rest, channel.id, { content: 'text' });
    const body = { flags: MessageFlags.IsComponentsV2, components: [{ type: 10, content: 'new' }] };
    const url = Routes.channelMessage(channel.id, id);
    expect((await failure(rest.patch(url, { body }))).message).toContain('content');
    expect(await rest.patch(url, { body: { ...body, content: null } })).toMatchObject({ content: '' });
  });

  it('takes files up to 10 MiB and serves them from addresses that expire', async () => {
    const { fake, channel, rest } = await shop();
    const post = (data: Buffer) =>
      rest.post(Routes.channelMessages(channel.id), {
        body: { content: 'file' },
        files: [{ name: 'list.txt', data, contentType: 'text/plain' }],
      });
    const { id, attachments } = (await post(Buffer.from('milk'))) as SentMessage;
    const [file] = attachments;
    expect(file).toMatchObject({ filename: 'list.txt', size: 4 });
    expect(await (await fetch(file?.url ?? '')).text()).toBe('milk');
    expect((await fetch((file?.url ?? '').replace('hm=', 'hm=0'))).status).toBe(404);

    fake.clock.advance(25 * 60 * 60_000);
    expect((await fetch(file?.url ?? '')).status).toBe(404);
    const again = (await rest.get(Routes.channelMessage(channel.id, id))) as SentMessage;
    expect((await fetch(again.attachments[0]?.url ?? '')).status).toBe(200);

    const large = await failure(post(Buffer.alloc(10 * 1024 * 1024 + 1)));
    expect(large).toMatchObject({ status: 413, code: 40005 });
  });

  it('limits edits of messages older than an hour', async () => {
    const { fake, channel, rest } = await shop({
      rateLimits: { overrides: { 'edit of an old message': { limit: 1, windowMs: 60_000 } } },
    });
    const impatient = createRest(fake, { rejectOnRateLimit: ['/channels'] });
    const { id } = await send(rest, channel.id, { content: 'old' });
    fake.clock.advance(61 * 60_000);
    const url = Routes.channelMessage(channel.id, id);
    await impatient.patch(url, { body: { content: '1' } });
    await expect(impatient.patch(url, { body: { content: '2' } })).rejects.toThrow();
    expect(fake.journal.rest({ method: 'PATCH' }).at(-1)).toMatchObject({ status: 429, code: 30046 });
  });
});

describe('permissions', () => {
  it('tells missing access from missing permissions', async () => {
    const { fake, guild, channel, rest } = await shop();
    fake.world.overwrite(channel.id, guild.id, { deny: PermissionFlagsBits.SendMessages });
    expect(await failure(send(rest, channel.id, { content: 'x' }))).toMatchObject({
      status: 403,
      code: 50013,
    });
    fake.world.overwrite(channel.id, fake.botId, { allow: PermissionFlagsBits.SendMessages });
    await send(rest, channel.id, { content: 'x' });
    fake.world.overwrite(channel.id, guild.id, { deny: PermissionFlagsBits.ViewChannel });
    fake.world.overwrite(channel.id, fake.botId, {});
    expect(await failure(send(rest, channel.id, { content: 'x' }))).toMatchObject({ code: 50001 });
    expect(await failure(rest.get(Routes.channel(channel.id)))).toMatchObject({ code: 50001 });
    fake.world.removeBot(guild.id);
    expect(await failure(send(rest, channel.id, { content: 'x' }))).toMatchObject({ code: 50001 });
    const unknown = fake.world.addChannel(guild.id, 'gone');
    fake.world.deleteChannel(unknown.id);
    expect(await failure(send(rest, unknown.id, { content: 'x' }))).toMatchObject({
      status: 404,
      code: 10003,
    });
  });

  it('asks for embeds, files, history and voice separately', async () => {
    const { fake, ana, guild, channel, rest } = await shop();
    const said = ana.say(channel.id, 'hello');
    fake.world.overwrite(channel.id, guild.id, {
      deny:
        PermissionFlagsBits.EmbedLinks |
        PermissionFlagsBits.AttachFiles |
        PermissionFlagsBits.ReadMessageHistory,
    });
    expect(await failure(send(rest, channel.id, { embeds: [{ title: 'x' }] }))).toMatchObject({
      code: 50013,
    });
    const withFile = rest.post(Routes.channelMessages(channel.id), { files: [{ name: 'a', data: 'x' }] });
    expect(await failure(withFile)).toMatchObject({ code: 50013 });
    const reply = { content: 'x', message_reference: { message_id: said.id } };
    expect(await failure(send(rest, channel.id, reply))).toMatchObject({ code: 160002 });
    expect(await rest.get(Routes.channelMessages(channel.id))).toEqual([]);

    const voice = fake.world.addChannel(guild.id, 'lounge', { type: ChannelType.GuildVoice });
    await send(rest, voice.id, { content: 'voice text' });
    fake.world.overwrite(voice.id, guild.id, { deny: PermissionFlagsBits.Connect });
    expect(await failure(send(rest, voice.id, { content: 'x' }))).toMatchObject({ code: 50001 });
  });

  it('reaches people by DM only where Discord lets it', async () => {
    const { fake, ana, guild, rest } = await shop();
    const open = async (userId: string) =>
      (await rest.post(Routes.userChannels(), { body: { recipient_id: userId } })) as { id: string };
    const dm = await open(ana.id);
    expect((await open(ana.id)).id).toBe(dm.id);
    await send(rest, dm.id, { content: 'hi' });
    expect(ana.sees(dm.id).map(message => message.content)).toEqual(['hi']);

    const closed = fake.world.addUser('Closed', { acceptsDms: false });
    fake.world.addMember(guild.id, closed.id);
    expect(await failure(send(rest, (await open(closed.id)).id, { content: 'x' }))).toMatchObject({
      status: 403,
      code: 50007,
    });
    const stranger = fake.world.addUser('Stranger');
    expect(await failure(send(rest, (await open(stranger.id)).id, { content: 'x' }))).toMatchObject({
      code: 50278,
    });
  });

  it('rejects a wrong token with 401 and counts it', async () => {
    const { fake } = await shop();
    const rest = createRest(fake).setToken('wrong');
    expect(await failure(rest.get(Routes.user()))).toMatchObject({ status: 401, code: 0 });
    expect(fake.rateLimits.counters.invalidRequests).toBe(1);
  });

  it('bans the address after too many invalid requests', async () => {
    const { fake, channel, rest } = await shop({ rateLimits: { invalidRequestsPerTenMinutes: 2 } });
    fake.world.overwrite(channel.id, fake.botId, { deny: PermissionFlagsBits.ViewChannel });
    await failure(rest.get(Routes.channel(channel.id)));
    await failure(rest.get(Routes.channel(channel.id)));
    const response = await fetch(`${fake.apiUrl}/v10/users/@me`);
    expect(response.status).toBe(429);
    expect(await response.text()).toBe('error code: 1015');
    fake.clock.advance(600_001);
    await failure(rest.get(Routes.channel(channel.id)));
  });
});

describe('the servers a bot is in', () => {
  it('come by pages of 200 at most, with what it may do there whatever the channels say', async () => {
    const { fake, rest, guild, channel } = await shop();
    const hats = fake.world.addGuild('Hats', { everyone: PermissionFlagsBits.ViewChannel });
    fake.world.addGuild('Strangers', { withBot: false });
    fake.world.overwrite(channel.id, guild.id, { deny: PermissionFlagsBits.SendMessages });
    const page = async (query: Record<string, string>) =>
      (await rest.get(Routes.userGuilds(), { query: new URLSearchParams(query) })) as {
        id: string;
        permissions: string;
      }[];
    expect((await page({})).map(({ id }) => id)).toEqual([guild.id, hats.id]);
    const [first, second] = await page({});
    expect(BigInt(first?.permissions ?? 0) & PermissionFlagsBits.SendMessages).not.toBe(0n);
    expect(second?.permissions).toBe(String(PermissionFlagsBits.ViewChannel));
    expect(await page({ limit: '1', after: guild.id })).toMatchObject([{ id: hats.id }]);
    expect((await failure(page({ limit: '201' }))).status).toBe(400);
  });

  it('hear of no interaction while there is an endpoint for them', async () => {
    const { fake, ana, rest, guild } = await shop({ interactionsEndpointUrl: 'https://example.com' });
    const app = (await rest.get(Routes.currentApplication())) as Record<string, unknown>;
    expect(app).toMatchObject({ interactions_endpoint_url: 'https://example.com' });
    const client = await loginClient(fake);
    stops.push(() => client.destroy());
    const heard: string[] = [];
    client.on('interactionCreate', () => heard.push('interaction'));
    client.on('messageCreate', () => heard.push('message'));
    const body = [{ name: 'ask', description: 'Ask' }];
    await rest.put(Routes.applicationCommands(fake.applicationId), { body });
    const channel = fake.world.addChannel(guild.id, 'questions');
    ana.slash(channel.id, 'ask');
    ana.say(channel.id, 'hello');
    await fake.until(() => (heard.includes('message') ? heard : undefined), 'the message');
    expect(heard).toEqual(['message']);
  });
});

describe('threads', () => {
  it('makes one thread of a message, with its id', async () => {
    const { fake, ana, channel, rest } = await shop();
    const message = ana.say(channel.id, 'topic');
    const start = () => rest.post(Routes.threads(channel.id, message.id), { body: { name: 'Topic' } });
    expect(await start()).toMatchObject({
      id: message.id,
      type: ChannelType.PublicThread,
      parent_id: channel.id,
      owner_id: fake.botId,
      member: { user_id: fake.botId },
    });
    expect(fake.messages(message.id).map(first => first.type)).toEqual([MessageType.ThreadStarterMessage]);
    expect(await failure(start())).toMatchObject({ status: 400, code: 160004 });
  });

  it('wants names of 1 to 100 characters, the right channel and the right permission', async () => {
    const { fake, ana, guild, channel, rest } = await shop();
    const message = ana.say(channel.id, 'topic');
    const start = (channelId: string, messageId: string, name: string) =>
      rest.post(Routes.threads(channelId, messageId), { body: { name } });
    expect((await failure(start(channel.id, message.id, 'x'.repeat(101)))).message).toContain('name');
    const voice = fake.world.addChannel(guild.id, 'lounge', { type: ChannelType.GuildVoice });
    const spoken = ana.say(voice.id, 'hi');
    expect(await failure(start(voice.id, spoken.id, 'x'))).toMatchObject({ code: 50024 });
    const dm = ana.dm('hi');
    expect(await failure(start(dm.channelId, dm.id, 'x'))).toMatchObject({ code: 50024 });
    fake.world.overwrite(channel.id, guild.id, { deny: PermissionFlagsBits.CreatePublicThreads });
    expect(await failure(start(channel.id, message.id, 'x'))).toMatchObject({ code: 50013 });

    const news = fake.world.addChannel(guild.id, 'news', { type: ChannelType.GuildAnnouncement });
    const announced = ana.say(news.id, 'sale');
    expect(await start(news.id, announced.id, 'Sale')).toMatchObject({
      type: ChannelType.AnnouncementThread,
    });
  });

  it('opens an archived thread by sending, unless it is locked, and never by editing', async () => {
    const { fake, ana, guild, channel, rest } = await shop();
    const thread = ana.startThread(channel.id, 'talk', { messageId: ana.say(channel.id, 'topic').id });
    const { id } = await send(rest, thread.id, { content: 'one' });
    fake.clock.advance(4320 * 60_000);
    const edit = () => rest.patch(Routes.channelMessage(thread.id, id), { body: { content: 'x' } });
    expect(await failure(edit())).toMatchObject({ status: 400, code: 50083 });
    await send(rest, thread.id, { content: 'two' });
    expect(thread.thread?.archived).toBe(false);
    fake.world.setThread(thread.id, { archived: true, locked: true });
    expect(await failure(send(rest, thread.id, { content: 'three' }))).toMatchObject({ code: 50083 });
    fake.world.setThread(thread.id, { archived: false });
    expect(await failure(send(rest, thread.id, { content: 'three' }))).toMatchObject({ code: 160005 });
    fake.world.setThread(thread.id, { locked: false });
    fake.world.overwrite(channel.id, guild.id, { deny: PermissionFlagsBits.SendMessagesInThreads });
    expect(await failure(send(rest, thread.id, { content: 'three' }))).toMatchObject({ code: 50013 });
  });

  it('posts into forums as threads only', async () => {
    const { fake, ana, guild, rest } = await shop();
    const forum = fake.world.addChannel(guild.id, 'help', { type: ChannelType.GuildForum });
    expect(await failure(send(rest, forum.id, { content: 'x' }))).toMatchObject({ code: 40058 });
    const body = { name: 'Question', message: { content: 'How?' } };
    const made = (await rest.post(Routes.threads(forum.id), { body })) as {
      id: string;
      message: SentMessage;
    };
    expect(made.message).toMatchObject({ id: made.id, content: 'How?' });
    const post = ana.post(forum.id, 'Mine', 'first');
    expect(fake.messages(post.id).map(message => message.id)).toEqual([post.id]);
  });

  it('keeps a private thread to its members', async () => {
    const { ana, ben, channel, fake, rest } = await shop();
    fake.world.setRolePermissions(
      channel.guildId ?? '',
      channel.guildId ?? '',
      PermissionFlagsBits.ViewChannel |
        PermissionFlagsBits.SendMessages |
        PermissionFlagsBits.SendMessagesInThreads |
        PermissionFlagsBits.CreatePrivateThreads,
    );
    const thread = ana.startThread(channel.id, 'quiet', { isPrivate: true });
    ana.say(thread.id, 'only us');
    expect(ben.sees(thread.id)).toEqual([]);
    expect(await failure(send(rest, thread.id, { content: 'x' }))).toMatchObject({ code: 50001 });
    ana.say(thread.id, `<@${fake.botId}> come in`);
    await send(rest, thread.id, { content: 'here' });
  });
});

describe('pings and previews', () => {
  it('works out who is notified, from text, allowances and permissions', async () => {
    const { fake, ana, ben, guild, channel, rest } = await shop();
    const role = fake.world.addRole(guild.id, 'buyers', { mentionable: true });
    fake.world.giveRole(guild.id, ben.id, role.id);
    const content = `@everyone <@${ana.id}> <@&${role.id}> \`<@${ben.id}>\``;
    await send(rest, channel.id, { content });
    expect(lastPing(fake)).toMatchObject({ users: [ana.id], roles: [role.id], everyone: false });
    expect(lastPing(fake).notified.sort()).toEqual([ana.id, ben.id].sort());

    await send(rest, channel.id, { content, allowed_mentions: { parse: [] } });
    expect(lastPing(fake)).toMatchObject({ users: [], roles: [], everyone: false, notified: [] });

    fake.world.overwrite(channel.id, fake.botId, { allow: PermissionFlagsBits.MentionEveryone });
    const loud = await send(rest, channel.id, { content });
    expect(loud.mention_everyone).toBe(true);
    expect(lastPing(fake).notified).toHaveLength(2);
    await rest.patch(Routes.channelMessage(channel.id, loud.id), {
      body: { content, allowed_mentions: { parse: [] } },
    });
    expect(lastPing(fake)).toMatchObject({ kind: 'edit', notified: [] });

    const both = { content, allowed_mentions: { parse: ['users'], users: [ana.id] } };
    expect((await failure(send(rest, channel.id, both))).message).toContain('mutually exclusive');
  });

  it('pings the author replied to by default, and not when told so', async () => {
    const { fake, ana, channel, rest } = await shop();
    const said = ana.say(channel.id, 'hello');
    const reply = { content: 'x', message_reference: { message_id: said.id } };
    expect((await send(rest, channel.id, reply)).mentions).toMatchObject([{ id: ana.id }]);
    expect(lastPing(fake)).toMatchObject({ repliedUser: ana.id, notified: [ana.id] });
    await send(rest, channel.id, { ...reply, allowed_mentions: { parse: [], replied_user: false } });
    expect(lastPing(fake)).toMatchObject({ repliedUser: null, notified: [] });
    const gone = { content: 'x', message_reference: { message_id: '123456789012345678' } };
    expect((await failure(send(rest, channel.id, gone))).message).toContain('REPLIES_UNKNOWN_MESSAGE');
  });

  it('knows which links unfold', async () => {
    const { fake, guild, channel, rest } = await shop();
    const content =
      'https://a.example/x <https://b.example> [c](https://c.example) `https://d.example` discord.gg/abc';
    await send(rest, channel.id, { content });
    expect(lastPing(fake)).toMatchObject({
      links: ['https://a.example/x', 'https://c.example'],
      invites: ['discord.gg/abc'],
    });
    await send(rest, channel.id, { content, flags: MessageFlags.SuppressEmbeds });
    expect(lastPing(fake).links).toEqual([]);
    await send(rest, channel.id, { content: '<https://discord.gg/abc>' });
    expect(lastPing(fake)).toMatchObject({ links: [], invites: [] });
    fake.world.overwrite(channel.id, guild.id, { deny: PermissionFlagsBits.EmbedLinks });
    await send(rest, channel.id, { content });
    expect(lastPing(fake).links).toEqual([]);
  });
});

describe('rate limits', () => {
  it('tells the client by headers, so that it waits by itself', async () => {
    const { fake, channel, rest } = await shop({
      rateLimits: { overrides: { 'create message': { limit: 2, windowMs: 300 } } },
    });
    const started = Date.now();
    for (const content of ['1', '2', '3', '4', '5']) await send(rest, channel.id, { content });
    expect(Date.now() - started).toBeGreaterThanOrEqual(580);
    expect(fake.journal.rest({ status: 429 })).toEqual([]);
    expect(fake.messages(channel.id).map(message => message.content)).toEqual(['1', '2', '3', '4', '5']);
  });

  it('counts each channel by itself and answers 429 with the scope of a user', async () => {
    const { fake, guild, channel } = await shop({
      rateLimits: { overrides: { 'create message': { limit: 1, windowMs: 5_000 } } },
    });
    const other = fake.world.addChannel(guild.id, 'other');
    const post = (channelId: string) =>
      fetch(`${fake.apiUrl}/v10/channels/${channelId}/messages`, {
        method: 'POST',
        headers: { authorization: `Bot ${fake.token}`, 'content-type': 'application/json' },
        body: '{"content":"x"}',
      });
    const first = await post(channel.id);
    expect(first.headers.get('x-ratelimit-remaining')).toBe('0');
    expect((await post(other.id)).status).toBe(200);
    const refused = await post(channel.id);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('x-ratelimit-scope')).toBe('user');
    expect(refused.headers.get('x-ratelimit-bucket')).toBe(first.headers.get('x-ratelimit-bucket'));
    const body = (await refused.json()) as { retry_after: number };
    expect(body).toMatchObject({ global: false, message: 'You are being rate limited.' });
    expect(body.retry_after).toBeGreaterThan(4);
    fake.clock.advance(5_000);
    expect((await post(channel.id)).status).toBe(200);
  });

  it('is waited out by the client when a 429 comes unannounced', async () => {
    const { fake, channel, rest } = await shop();
    fake.faults.add({ effect: { type: 'rate-limit', retryAfterMs: 100, scope: 'shared' } });
    await send(rest, channel.id, { content: 'x' });
    expect(fake.journal.rest({ method: 'POST' }).map(call => call.status)).toEqual([429, 200]);
    expect(fake.rateLimits.counters).toMatchObject({ shared: 1, invalidRequests: 0 });
  });

  it('caps all requests of the bot at so many a second', async () => {
    const { fake } = await shop({ rateLimits: { globalPerSecond: 3 } });
    const get = () =>
      fetch(`${fake.apiUrl}/v10/users/@me`, { headers: { authorization: `Bot ${fake.token}` } });
    const answers = await Promise.all([get(), get(), get(), get()]);
    const refused = answers.filter(answer => answer.status === 429);
    expect(refused).toHaveLength(1);
    expect(refused[0]?.headers.get('x-ratelimit-global')).toBe('true');
    expect(await refused[0]?.json()).toMatchObject({ global: true });
  });

  it('keeps slow mode', async () => {
    const { fake, guild, rest } = await shop();
    const slow = fake.world.addChannel(guild.id, 'slow', { slowmodeSeconds: 30 });
    await send(rest, slow.id, { content: '1' });
    const impatient = createRest(fake, { rejectOnRateLimit: ['/channels'] });
    await expect(send(impatient, slow.id, { content: '2' })).rejects.toThrow();
    expect(fake.journal.rest().at(-1)).toMatchObject({ status: 429, code: 20016 });
    fake.clock.advance(30_000);
    await send(rest, slow.id, { content: '3' });
  });
});

describe('commands', () => {
  const command = { name: 'preferences', description: 'What I remember' };

  it('keeps ids of unchanged commands and counts only what is new', async () => {
    const { fake, rest } = await shop();
    const put = (body: unknown) => rest.put(Routes.applicationCommands(fake.applicationId), { body });
    const [first] = (await put([command])) as { id: string; version: string }[];
    const [same] = (await put([command])) as { id: string; version: string }[];
    expect(same).toMatchObject({ id: first?.id, version: first?.version });
    const [changed] = (await put([{ ...command, description: 'New' }])) as { id: string; version: string }[];
    expect(changed?.id).toBe(first?.id);
    expect(changed?.version).not.toBe(first?.version);
    expect(fake.state.app.commandCreates.get('global')?.count).toBe(1);
    expect(await rest.get(Routes.applicationCommands(fake.applicationId))).toMatchObject([
      { name: 'preferences', description: 'New', type: 1 },
    ]);
  });

  it('refuses 201 creates in a day', async () => {
    const { fake, rest } = await shop();
    const names = (prefix: string) =>
      Array.from({ length: 100 }, (_, index) => ({ ...command, name: `${prefix}${index}` }));
    const put = (body: unknown) => rest.put(Routes.applicationCommands(fake.applicationId), { body });
    await put(names('a'));
    await put(names('b'));
    expect(await failure(put([command]))).toMatchObject({ status: 400, code: 30034 });
    fake.clock.advance(86_400_000);
    await put([command]);
  });

  it('checks names, descriptions, duplicates and scopes', async () => {
    const { fake, guild, rest } = await shop();
    const put = (...body: unknown[]) => rest.put(Routes.applicationCommands(fake.applicationId), { body });
    expect((await failure(put({ ...command, name: 'Big Name' }))).message).toContain(
      'APPLICATION_COMMAND_INVALID_NAME',
    );
    expect((await failure(put({ name: 'x' }))).message).toContain('0.description[BASE_TYPE_REQUIRED]');
    expect((await failure(put(command, command))).message).toContain('APPLICATION_COMMANDS_DUPLICATE_NAME');
    await put(command, { name: 'Ask the shopper about this', type: 3 });
    const guildOnly = rest.put(Routes.applicationGuildCommands(fake.applicationId, guild.id), {
      body: [{ ...command, contexts: [0] }],
    });
    expect((await failure(guildOnly)).message).toContain('contexts');
  });
});
