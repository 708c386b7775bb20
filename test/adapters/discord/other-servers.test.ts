import { REST } from 'discord.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDiscordApi } from '../../../src/adapters/discord/connection/api.ts';
import { createFiles } from '../../../src/adapters/discord/inbound/files.ts';
import {
  answerWith,
  botSaid,
  createWorld,
  done,
  notice,
  nthMessage,
  openReply,
  type World,
  working,
} from './harness.ts';

let world: World;

beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

/** DISCORD_API_URL may name a server that says less than Discord, or does less. */
describe('on another server that speaks Discord’s API', () => {
  it('begins where READY says little more than that it is one', async () => {
    const { discord, ana } = world;
    discord.gateway.leaveOut('READY', ['v', 'user', 'guilds', 'shard', 'application', 'private_channels']);
    await world.start();
    discord.as(ana.id).dm('hello');
    expect((await nthMessage(world, 1)).text).toBe('hello');
  });

  it('hears what follows a deletion that does not say of what', async () => {
    await world.start();
    const { discord, ana, channel } = world;
    discord.gateway.leaveOut('MESSAGE_DELETE_BULK', ['ids']);
    discord.world.purge(channel.id, [discord.as(ana.id).say(channel.id, 'sold').id]);
    discord.as(ana.id).dm('hello');
    expect((await nthMessage(world, 1)).text).toBe('hello');
  });

  it('hears messages that come with what matters alone', async () => {
    await world.start();
    const { discord, ana } = world;
    discord.gateway.leaveOut('MESSAGE_CREATE', ['type', 'timestamp', 'attachments', 'mentions', 'embeds']);
    discord.as(ana.id).dm('hello');
    expect((await nthMessage(world, 1)).text).toBe('hello');
  });

  it('answers and shows notices once each where a message that is posted comes back as its id', async () => {
    await world.start();
    const { discord, ana } = world;
    discord.faults.add({
      method: 'POST',
      route: '/channels/:channel/messages',
      times: 100,
      effect: { type: 'tell', fields: ['id'] },
    });
    const { channelId } = discord.as(ana.id).dm('hello');
    const message = await nthMessage(world, 1);
    const { sink } = openReply(world, message);
    sink.show(working('Hel'));
    await sink.finish(done('Hello.'));
    sink.close();
    await world.adapter.notify(message, notice, 'thread');
    expect(botSaid(world, channelId)).toEqual(['Hello.', expect.stringContaining('shoe size: 9')]);
    expect(world.logs.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('has its commands where they cannot be asked for', async () => {
    const { discord } = world;
    discord.faults.add({
      method: 'GET',
      route: '/applications/:application/commands',
      effect: { type: 'status', status: 404, body: { message: '404: Not Found', code: 0 } },
    });
    await world.start();
    expect([...discord.state.app.commands.values()].map(({ name }) => name)).toContain('preferences');
  });

  it.each(['its kind alone', 'nothing'] as const)(
    'answers a mention where %s is told of the channel',
    async told => {
      await world.start();
      const { discord, ana, guild } = world;
      discord.gateway.leaveOut('CHANNEL_CREATE', ['id', 'type']);
      if (told === 'nothing') discord.gateway.leaveOut('MESSAGE_CREATE', ['channel_type']);
      discord.faults.add({
        method: 'GET',
        route: '/channels/:channel',
        times: 100,
        effect: { type: 'status', status: 404, body: { message: '404: Not Found', code: 0 } },
      });
      const unknown = discord.world.addChannel(guild.id, 'unheard-of');
      const { id } = discord.as(ana.id).say(unknown.id, `<@${discord.botId}> boots?`);
      expect((await nthMessage(world, 1)).conversation).toMatchObject({
        channel: told === 'nothing' ? unknown.id : id,
        audience: 'shared',
      });
    },
  );

  it('follows up in a thread of which it was not told', async () => {
    await world.start();
    const { discord, ana, channel } = world;
    discord.gateway.leaveOut('THREAD_CREATE', ['id', 'type']);
    discord.faults.add({
      method: 'GET',
      route: '/channels/:channel',
      times: 100,
      effect: { type: 'status', status: 404, body: { message: '404: Not Found', code: 0 } },
    });
    answerWith(world, () => 'Yes?');
    const { id } = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hello`);
    await discord.until(() => botSaid(world, id).includes('Yes?'));
    discord.as(ana.id).say(id, 'in size 9 please');
    expect((await nthMessage(world, 2)).text).toBe('in size 9 please');
  });

  it('answers a mention in a thread where nothing is told of roles', async () => {
    const { discord, ana, channel } = world;
    discord.gateway.leaveOut('GUILD_CREATE', ['roles']);
    await world.start();
    const { id } = discord.as(ana.id).say(channel.id, `<@${discord.botId}> boots?`);
    expect((await nthMessage(world, 1)).conversation.channel).toBe(id);
  });

  it('answers what it missed where ids tell no time, after every restart', async () => {
    await world.close();
    world = await createWorld({ fake: { countedIds: true } });
    await world.start();
    const { discord, ana } = world;
    const { channelId } = discord.as(ana.id).dm('hello');
    await nthMessage(world, 1);
    for (const text of ['first', 'second']) {
      await world.halt();
      discord.as(ana.id).dm(text);
      await world.restart();
      expect((await nthMessage(world, 1)).text).toBe(text);
    }
    expect(botSaid(world, channelId)).toEqual([]);
  });

  it('fetches files from it by whichever name this machine has', async () => {
    await world.start();
    const { discord, ana } = world;
    discord.as(ana.id).dm('look', { files: [{ name: 'boots.png', contentType: 'image/png', data: 'png' }] });
    const [attachment] = (await nthMessage(world, 1)).attachments;
    if (attachment === undefined) throw new Error('no attachment');
    const api = createDiscordApi({ rest: new REST(), applicationId: discord.applicationId });
    const apiUrl = discord.apiUrl.replace('127.0.0.1', 'localhost');
    const files = createFiles({ api, apiUrl, now: discord.clock.now });
    const bytes = await files.download(attachment, AbortSignal.timeout(5_000));
    expect(Buffer.from(bytes).toString()).toBe('png');
  });
});
