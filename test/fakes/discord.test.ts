// The fake Discord against the real discord.js client: what it enforces, so that passing tests elsewhere mean
// something.

import {
  ActionRowBuilder,
  ButtonBuilder,
  ButtonStyle,
  ChannelType,
  Client,
  type ClientOptions,
  DiscordAPIError,
  GatewayIntentBits,
  type Message,
  MessageFlags,
  Partials,
  REST,
  Routes,
} from 'discord.js';
import { afterEach, describe, expect, it } from 'vitest';
import { createFakeDiscord, type FakeDiscord, type FakeDiscordOptions } from './discord/fake-discord.ts';

const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function startFake(options: FakeDiscordOptions = {}): Promise<FakeDiscord> {
  const fake = await createFakeDiscord({ identifyWindowMs: 0, ...options });
  stops.push(() => fake.stop());
  return fake;
}

const INTENTS = [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.DirectMessages];

async function login(fake: FakeDiscord, options: Partial<ClientOptions> = {}): Promise<Client<true>> {
  const client = new Client({
    intents: INTENTS,
    partials: [Partials.Channel],
    rest: { api: fake.apiUrl, offset: 0 },
    ...options,
  });
  client.on('error', () => {});
  stops.push(() => client.destroy());
  const ready = new Promise(resolve => client.once('clientReady', resolve));
  await client.login(fake.token);
  await ready;
  return client as Client<true>;
}

function scene(fake: FakeDiscord) {
  const ana = fake.world.addUser('Ana');
  const ben = fake.world.addUser('Ben');
  const guild = fake.world.addGuild('Shop', { members: [ana.id, ben.id] });
  const channel = fake.world.addChannel(guild.id, 'general');
  return { guild, channel, ana: fake.as(ana.id), ben: fake.as(ben.id) };
}

function collect(client: Client): Message[] {
  const seen: Message[] = [];
  client.on('messageCreate', message => seen.push(message));
  return seen;
}

describe('login and messages', () => {
  it('logs the real client in, with its servers and channels', async () => {
    const fake = await startFake();
    const { guild, channel } = scene(fake);
    const client = await login(fake);
    expect(client.user.id).toBe(fake.botId);
    expect(client.guilds.cache.get(guild.id)?.channels.cache.get(channel.id)?.name).toBe('general');
  });

  it('delivers a message and takes the answer', async () => {
    const fake = await startFake({ privileged: { messageContent: true } });
    const { channel, ana } = scene(fake);
    const client = await login(fake, { intents: [...INTENTS, GatewayIntentBits.MessageContent] });
    client.on('messageCreate', message => {
      if (message.author.bot) return;
      void message.reply(`You said: ${message.content}`);
    });
    const said = ana.say(channel.id, 'hello');
    const reply = await fake.until(() => fake.messages(channel.id).find(m => m.authorId === fake.botId));
    expect(reply.content).toBe('You said: hello');
    expect(reply.reference?.messageId).toBe(said.id);
  });
});
