import { ChannelType, MessageType } from 'discord.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerWith, botSaid, createWorld, nthMessage, type World } from './harness.ts';

let world: World;

beforeEach(async () => {
  world = await createWorld();
  await world.start();
});
afterEach(() => world.close());

describe('entry points', () => {
  it('takes a DM as a private conversation in the DM channel', async () => {
    const { discord, ana } = world;
    const sent = discord.as(ana.id).dm('I wear size 9');
    const message = await nthMessage(world, 1);
    expect(message).toMatchObject({
      id: sent.id,
      text: 'I wear size 9',
      conversation: {
        person: { platform: 'discord', workspace: 'discord', id: ana.id, name: 'Ana' },
        channel: sent.channelId,
        thread: null,
        audience: 'private',
      },
    });
  });

  it('answers a mention in a thread made from the message', async () => {
    const { discord, ana, channel } = world;
    answerWith(world, () => 'What size do you wear?');
    const sent = discord.as(ana.id).say(channel.id, `<@${discord.botId}> find me **running** shoes`);
    const message = await nthMessage(world, 1);
    expect(message.text).toBe('find me **running** shoes');
    expect(message.conversation).toMatchObject({ channel: sent.id, audience: 'shared' });
    await discord.until(() => botSaid(world, sent.id).includes('What size do you wear?'));
    expect(discord.channel(sent.id)).toMatchObject({ name: 'find me running shoes', parentId: channel.id });
    expect(botSaid(world, channel.id)).toEqual([]);
  });

  it('answers although the thread’s name would be cut inside an emoji', async () => {
    const { discord, ana, channel } = world;
    answerWith(world, () => 'Here you are.');
    const asked = `${'x'.repeat(79)}👟 and more`;
    const sent = discord.as(ana.id).say(channel.id, `<@${discord.botId}> ${asked}`);
    await discord.until(() => botSaid(world, sent.id).includes('Here you are.'));
    expect(discord.channel(sent.id).name).toBe(`${'x'.repeat(79)}…`);
  });

  it('answers in the channel when Discord fails at making the thread again and again', async () => {
    const { discord, ana, channel } = world;
    answerWith(world, () => 'Here you are.');
    discord.faults.add({
      method: 'POST',
      route: /\/threads$/,
      times: 1_000,
      effect: { type: 'status', status: 500 },
    });
    discord.as(ana.id).say(channel.id, `<@${discord.botId}> boots?`);
    await discord.until(() => botSaid(world, channel.id).includes('Here you are.'), 'the answer', 15_000);
  });

  it('follows up in the thread without a mention, from the first moment on, for those who talk to it there', async () => {
    const { discord, ana, ben, channel } = world;
    answerWith(world, () => 'Yes?');
    const sent = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hello`);
    await discord.until(() => botSaid(world, sent.id).includes('Yes?'));
    discord.as(ben.id).say(sent.id, 'I like the blue ones');
    discord.as(ana.id).say(sent.id, 'in size 9 please');
    const second = await nthMessage(world, 2);
    expect(second).toMatchObject({
      text: 'in size 9 please',
      conversation: { channel: sent.id, person: { id: ana.id } },
      context: [{ author: 'Ben', text: 'I like the blue ones' }],
    });
    discord.as(ben.id).say(sent.id, `<@${discord.botId}> and for me?`);
    const third = await nthMessage(world, 3);
    expect(third.conversation).toMatchObject({ channel: sent.id, person: { id: ben.id } });
    expect(third.context).toEqual([
      { author: 'Ana', text: 'hello' },
      { author: 'Ben', text: 'I like the blue ones', own: true },
      { author: 'Ana', text: 'in size 9 please' },
    ]);
  });

  it('keeps following up after a restart', async () => {
    const { discord, ana, channel } = world;
    answerWith(world, () => 'Yes?');
    const sent = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hello`);
    await discord.until(() => botSaid(world, sent.id).includes('Yes?'));
    await world.restart();
    discord.as(ana.id).say(sent.id, 'still there?');
    expect((await nthMessage(world, 1)).text).toBe('still there?');
  });

  it('answers a mention in a forum post, in a thread of others, and in the text of a voice channel where it is', async () => {
    const { discord, guild, ana, channel } = world;
    answerWith(world, message => `about ${message.text}`);
    const forum = discord.world.addChannel(guild.id, 'ideas', { type: ChannelType.GuildForum });
    const voice = discord.world.addChannel(guild.id, 'lounge', { type: ChannelType.GuildVoice });
    const post = discord.as(ana.id).post(forum.id, 'Boots', `<@${discord.botId}> boots`);
    await discord.until(() => botSaid(world, post.id).includes('about boots'));
    const thread = discord.as(ana.id).startThread(channel.id, 'Hats');
    discord.as(ana.id).say(thread.id, `<@${discord.botId}> hats`);
    await discord.until(() => botSaid(world, thread.id).includes('about hats'));
    discord.as(ana.id).say(voice.id, `<@${discord.botId}> socks`);
    await discord.until(() => botSaid(world, voice.id).includes('about socks'));
    // Without a thread every remark of a voice channel's regulars would be one for the bot: a reply is.
    discord.as(ana.id).say(voice.id, 'nice weather');
    const answer = discord.messages(voice.id).find(({ content }) => content === 'about socks');
    discord.as(ana.id).say(voice.id, 'woollen ones', { replyTo: answer?.id ?? '' });
    expect((await nthMessage(world, 4)).text).toBe('woollen ones');
  });

  it('answers in the channel where it may not make threads, and a reply to that continues the conversation', async () => {
    const { discord, guild, ana, channel } = world;
    discord.world.overwrite(channel.id, guild.id, { deny: 1n << 35n });
    answerWith(world, message => `about ${message.text}`);
    const sent = discord.as(ana.id).say(channel.id, `<@${discord.botId}> shoes`);
    await discord.until(() => botSaid(world, channel.id).includes('about shoes'));
    const answer = discord.messages(channel.id).find(({ content }) => content === 'about shoes');
    expect(answer?.reference?.messageId).toBe(sent.id);
    discord.as(ana.id).say(channel.id, 'red ones', { replyTo: answer?.id ?? '' });
    const second = await nthMessage(world, 2);
    expect(second.conversation).toEqual(world.bot.received[0]?.conversation);
  });

  it('is not woken by @everyone, roles, the ping of a reply, bots, webhooks, system messages, or other people', async () => {
    const { discord, guild, ana, ben, channel } = world;
    answerWith(world, () => 'Hello.');
    const thread = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hi`);
    await discord.until(() => botSaid(world, thread.id).includes('Hello.'));
    const answer = discord.messages(thread.id).find(({ content }) => content === 'Hello.');
    const role = discord.world.addRole(guild.id, 'shoppers', { mentionable: true });
    discord.world.giveRole(guild.id, discord.botId, role.id);
    const robot = discord.world.addUser('Robot', { bot: true });
    discord.world.addMember(guild.id, robot.id);

    discord.as(ben.id).say(channel.id, '@everyone sale today');
    discord.as(ben.id).say(channel.id, `<@&${role.id}> look`);
    discord.as(ben.id).say(thread.id, 'lol', { replyTo: answer?.id ?? '', pingReply: true });
    discord.as(robot.id).say(channel.id, `<@${discord.botId}> beep`);
    discord.world.webhookSays(channel.id, 'News', `<@${discord.botId}> beep`);
    discord.world.systemMessage(channel.id, MessageType.UserJoin, ben.id);
    discord.as(ben.id).say(channel.id, `look at \`<@${discord.botId}>\``);
    discord.as(ana.id).dm('after all that');
    expect((await nthMessage(world, 2)).text).toBe('after all that');
  });

  it('quotes what the person replies to, with the name of its author', async () => {
    const { discord, ana, ben, channel } = world;
    const original = discord.as(ben.id).say(channel.id, 'These boots are great: Otter 3');
    discord.as(ana.id).say(channel.id, `<@${discord.botId}> would they suit me?`, { replyTo: original.id });
    const message = await nthMessage(world, 1);
    expect(message).toMatchObject({
      text: 'would they suit me?',
      context: [{ author: 'Ben', text: 'These boots are great: Otter 3' }],
    });
  });

  it('sees what is shown or passed on in the message that the person replies to', async () => {
    const { discord, ana, ben, channel } = world;
    const shown = discord.as(ben.id).say(channel.id, `for <@${ana.id}>`, {
      files: [{ name: 'boots.png', contentType: 'image/png', data: 'png' }],
    });
    discord.as(ana.id).say(channel.id, `<@${discord.botId}> what are these?`, { replyTo: shown.id });
    const first = await nthMessage(world, 1);
    expect(first.context).toEqual([{ author: 'Ben', text: 'for @Ana\n[file: boots.png]' }]);
    const [file] = first.attachments;
    if (file === undefined) throw new Error('no file');
    const bytes = await world.adapter.download(file, AbortSignal.timeout(5_000));
    expect(Buffer.from(bytes).toString()).toBe('png');

    const passedOn = discord.as(ben.id).forward(shown.id, channel.id);
    discord.as(ana.id).say(channel.id, `<@${discord.botId}> and these?`, { replyTo: passedOn.id });
    const second = await nthMessage(world, 2);
    expect(second.context).toEqual([{ author: 'a forwarded message', text: 'for @Ana\n[file: boots.png]' }]);
    expect(second.attachments.map(({ name }) => name)).toEqual(['boots.png']);
  });

  it('passes on what the person said in a thread before they called the bot, as theirs, and what they only passed on as not', async () => {
    const { discord, ana, ben, channel } = world;
    const wish = discord.as(ana.id).say(channel.id, 'I need boots for the Alps');
    const tip = discord.as(ben.id).say(channel.id, 'Otter 3');
    const thread = discord.as(ben.id).startThread(channel.id, 'Boots', { messageId: wish.id });
    discord.as(ana.id).say(thread.id, 'size 9', {
      files: [{ name: 'foot.png', contentType: 'image/png', data: 'png' }],
    });
    discord.as(ben.id).say(thread.id, 'not wool');
    discord.as(ana.id).forward(tip.id, thread.id);
    discord.as(ana.id).say(thread.id, `<@${discord.botId}> what do you think?`);
    const message = await nthMessage(world, 1);
    expect(message.context).toEqual([
      { author: 'Ana', text: 'I need boots for the Alps', own: true },
      { author: 'Ana', text: 'size 9\n[file: foot.png]', own: true },
      { author: 'Ben', text: 'not wool' },
      { author: 'a forwarded message', text: 'Otter 3' },
    ]);
    expect(message.unquoted).toBeUndefined();
    discord.as(ana.id).say(thread.id, 'well?', { replyTo: discord.messages(thread.id).at(-1)?.id ?? '' });
    expect((await nthMessage(world, 2)).context).toEqual([]);
  });

  it('passes on what the person replies to also where that is their own, and never twice', async () => {
    const { discord, ana, ben, channel } = world;
    const wish = discord.as(ana.id).say(channel.id, 'I need boots for the Alps');
    discord.as(ana.id).say(channel.id, `<@${discord.botId}> any ideas?`, { replyTo: wish.id });
    expect((await nthMessage(world, 1)).context).toEqual([
      { author: 'Ana', text: 'I need boots for the Alps', own: true },
    ]);
    const thread = discord.as(ben.id).startThread(channel.id, 'Hats');
    const tip = discord.as(ben.id).say(thread.id, 'a felt hat');
    discord.as(ana.id).say(thread.id, `<@${discord.botId}> like this?`, { replyTo: tip.id });
    expect((await nthMessage(world, 2)).context).toEqual([{ author: 'Ben', text: 'a felt hat' }]);
  });

  it('says what of a thread it does not pass on: what was long ago or too much, or all when it cannot be read', async () => {
    const { discord, ana, ben, channel } = world;
    const thread = discord.as(ben.id).startThread(channel.id, 'Hats');
    for (let line = 1; line <= 21; line += 1) discord.as(ben.id).say(thread.id, `line ${line}`);
    discord.as(ana.id).say(thread.id, `<@${discord.botId}> summary?`);
    const first = await nthMessage(world, 1);
    expect(first.context.map(({ text }) => text)).toEqual(
      Array.from({ length: 20 }, (_, index) => `line ${index + 2}`),
    );
    expect(first.unquoted).toBe('earlier');

    for (let line = 0; line < 11; line += 1) discord.as(ben.id).say(thread.id, `${line}`.padEnd(2_000, '.'));
    discord.as(ana.id).say(thread.id, 'and now?');
    const second = await nthMessage(world, 2);
    expect(second.context.map(({ text }) => text.slice(0, 3))).toEqual(
      Array.from({ length: 10 }, (_, index) => `${index + 1}`.padEnd(3, '.')),
    );
    expect(second.unquoted).toBe('earlier');

    discord.faults.add({
      method: 'GET',
      route: '/channels/:channel/messages',
      effect: { type: 'status', status: 403, body: { message: 'Missing Access', code: 50001 } },
    });
    discord.as(ana.id).say(thread.id, 'and now?');
    expect(await nthMessage(world, 3)).toMatchObject({ context: [], unquoted: 'all' });
  });

  it('knows one person on two servers as one person', async () => {
    const { discord, ana, channel } = world;
    const other = discord.world.addGuild('Club', { members: [ana.id] });
    const elsewhere = discord.world.addChannel(other.id, 'chat');
    discord.as(ana.id).say(channel.id, `<@${discord.botId}> one`);
    discord.as(ana.id).say(elsewhere.id, `<@${discord.botId}> two`);
    await nthMessage(world, 2);
    const [first, second] = world.bot.received;
    expect(first?.conversation.person).toEqual(second?.conversation.person);
    expect(first?.conversation.channel).not.toBe(second?.conversation.channel);
  });

  it('takes a message once, however often it is delivered', async () => {
    const { discord, ana } = world;
    discord.as(ana.id).dm('hello', { times: 3 });
    discord.as(ana.id).dm('bye');
    expect((await nthMessage(world, 2)).text).toBe('bye');
  });
});

describe('edits and deletions', () => {
  it('stop the turn that is running, and an edit is answered afresh', async () => {
    const { discord, ana, bot } = world;
    const sent = discord.as(ana.id).dm('blue shoes');
    await nthMessage(world, 1);
    bot.withdrawAnswer = 'running';
    discord.as(ana.id).edit(sent.id, 'red shoes');
    const edited = await nthMessage(world, 2);
    expect(edited).toMatchObject({ text: 'red shoes', conversation: bot.received[0]?.conversation });
    expect(edited.id).toMatch(new RegExp(`^${sent.id}:edited-\\d+$`));
    discord.as(ana.id).remove(sent.id);
    await discord.until(() => bot.withdrawn.length === 2);
    expect(bot.withdrawn.map(({ messageId }) => messageId)).toEqual([sent.id, edited.id]);
  });

  it('of many at once take each back', async () => {
    const { discord, ana, ben, channel, bot } = world;
    const said = [ana, ben].map(({ id }) => discord.as(id).say(channel.id, `<@${discord.botId}> boots?`).id);
    await nthMessage(world, 2);
    discord.world.purge(channel.id, said);
    await discord.until(() => bot.withdrawn.length === 2);
    expect(bot.withdrawn.map(({ messageId }) => messageId).sort()).toEqual([...said].sort());
  });

  it('bring the new wording though it could not be handed over at first', async () => {
    const { discord, ana, bot } = world;
    const sent = discord.as(ana.id).dm('blue shoes');
    await nthMessage(world, 1);
    bot.withdrawAnswer = 'running';
    bot.beforeReceive = async () => {
      bot.beforeReceive = async () => {};
      // As the core says of what was taken back before.
      bot.withdrawAnswer = 'answered';
      throw new Error('the disk is busy');
    };
    discord.as(ana.id).edit(sent.id, 'red shoes');
    expect((await nthMessage(world, 2)).text).toBe('red shoes');
    expect(new Set(bot.withdrawn.map(({ messageId }) => messageId))).toEqual(new Set([sent.id]));
  });

  it('leave a finished answer alone, as do previews of links', async () => {
    const { discord, ana, bot } = world;
    const sent = discord.as(ana.id).dm('look https://example.com');
    await nthMessage(world, 1);
    discord.world.unfurlLink(sent.channelId, sent.id, 'https://example.com');
    discord.as(ana.id).edit(sent.id, 'look at this https://example.com');
    await discord.until(() => bot.withdrawn.length === 1);
    discord.as(ana.id).dm('next');
    expect((await nthMessage(world, 2)).text).toBe('next');
  });

  it('takes the message back when an edit takes the mention away, and the mention was all that called the bot', async () => {
    const { discord, ana, ben, channel, bot } = world;
    const own = discord.as(ana.id).say(channel.id, `<@${discord.botId}> boots?`);
    await nthMessage(world, 1);
    bot.withdrawAnswer = 'running';
    const thread = discord.as(ben.id).startThread(channel.id, 'Hats');
    const first = discord.as(ana.id).say(thread.id, `<@${discord.botId}> and hats?`);
    await nthMessage(world, 2);
    discord.as(ana.id).edit(first.id, 'Ben, and hats?');
    discord.as(ana.id).edit(own.id, 'boots?');
    await discord.until(() => bot.withdrawn.length === 2);
    discord.as(ana.id).say(channel.id, `<@${discord.botId}> socks?`);
    expect((await nthMessage(world, 3)).text).toBe('socks?');
    expect(bot.withdrawn.map(({ messageId }) => messageId).sort()).toEqual([own.id, first.id].sort());
  });

  it('take a message back also when a reply that pings the bot no longer names it', async () => {
    const { discord, ana, ben, channel, bot } = world;
    answerWith(world, () => 'Hello.');
    const thread = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hi`);
    await discord.until(() => botSaid(world, thread.id).includes('Hello.'));
    const answer = discord.messages(thread.id).find(({ content }) => content === 'Hello.');
    const options = { replyTo: answer?.id ?? '', pingReply: true };
    const sent = discord.as(ben.id).say(thread.id, `<@${discord.botId}> lol`, options);
    await nthMessage(world, 2);
    bot.withdrawAnswer = 'running';
    discord.as(ben.id).edit(sent.id, 'lol');
    discord.as(ana.id).say(thread.id, 'and boots?');
    expect((await nthMessage(world, 3)).text).toBe('and boots?');
    expect(bot.withdrawn.map(({ messageId }) => messageId)).toEqual([sent.id]);
  });

  it('need no mention where the person talks with the bot anyway', async () => {
    const { discord, ana, channel, bot } = world;
    answerWith(world, () => 'Hello.');
    const thread = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hi`);
    await discord.until(() => botSaid(world, thread.id).includes('Hello.'));
    const sent = discord.as(ana.id).say(thread.id, `<@${discord.botId}> boots?`);
    await nthMessage(world, 2);
    bot.withdrawAnswer = 'running';
    discord.as(ana.id).edit(sent.id, 'red boots?');
    expect(await nthMessage(world, 3)).toMatchObject({
      text: 'red boots?',
      conversation: { channel: thread.id },
    });
  });

  it('take a message back though that failed at first', async () => {
    const { discord, ana, bot } = world;
    const sent = discord.as(ana.id).dm('blue shoes');
    await nthMessage(world, 1);
    const { withdraw } = bot;
    bot.withdraw = async () => {
      bot.withdraw = withdraw;
      throw new Error('the disk is busy');
    };
    discord.as(ana.id).remove(sent.id);
    await discord.until(() => bot.withdrawn.length === 1);
    expect(bot.withdrawn[0]?.messageId).toBe(sent.id);
  });

  it('are not looked up where nobody talks with the bot, nor when only a preview or another bot is behind them', async () => {
    const { discord, guild, ana, ben, channel } = world;
    const live = discord.world.addChannel(guild.id, 'live');
    discord.as(ana.id).say(live.id, `<@${discord.botId}> look https://example.com`);
    await nthMessage(world, 1);
    const link = discord.as(ben.id).say(live.id, 'https://example.com');
    const said = discord.as(ben.id).say(channel.id, 'hello');
    const robot = discord.world.addUser('Robot', { bot: true });
    discord.world.addMember(guild.id, robot.id);
    const beep = discord.as(robot.id).say(live.id, 'beep');
    await discord.until(() => world.adapter.linkTo?.({ ...conversationOf(1), channel: live.id }));
    const taken = world.state.table('discord-taken');
    const { get } = taken;
    const lookedUp: string[] = [];
    taken.get = key => {
      lookedUp.push(key);
      return get(key);
    };
    discord.world.unfurlLink(live.id, link.id, 'https://example.com');
    discord.as(robot.id).edit(beep.id, 'boop');
    discord.as(ben.id).edit(said.id, 'hello all');
    discord.as(ben.id).remove(said.id);
    discord.as(ana.id).say(live.id, `<@${discord.botId}> still there?`);
    discord.as(ana.id).say(channel.id, `<@${discord.botId}> and here?`);
    await nthMessage(world, 3);
    for (const { id } of [link, beep, said]) expect(lookedUp).not.toContain(id);
  });

  function conversationOf(count: number) {
    const conversation = world.bot.received[count - 1]?.conversation;
    if (conversation === undefined) throw new Error('not received');
    return conversation;
  }
});

describe('a message the core refuses', () => {
  it('is answered with the reason, where the answer would be, also when Discord has that wait', async () => {
    await world.close();
    world = await createWorld();
    world.port = bot => ({
      ...bot,
      receive: async () => ({ refused: 'There is too much waiting already.' }),
    });
    await world.start();
    const { discord, ana, channel } = world;
    const effect = { type: 'rate-limit', retryAfterMs: 50 } as const;
    discord.faults.add({ method: 'POST', route: '/channels/:channel/messages', effect });
    const sent = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hello`);
    await discord.until(() => botSaid(world, sent.id).includes('There is too much waiting already.'));
  });
});

describe('the link to a conversation', () => {
  it('leads to its thread or DM, and to nowhere where there is none', async () => {
    const { discord, ana, guild, channel, adapter } = world;
    const dm = discord.as(ana.id).dm('hello');
    const mention = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hello`);
    await nthMessage(world, 2);
    // What is noted about a channel follows the message that made it live.
    await discord.until(() => world.bot.received.every(({ conversation }) => adapter.linkTo?.(conversation)));
    const links = world.bot.received.map(({ conversation }) => adapter.linkTo?.(conversation));
    expect(links.sort()).toEqual(
      [
        `https://discord.com/channels/@me/${dm.channelId}`,
        `https://discord.com/channels/${guild.id}/${mention.id}`,
      ].sort(),
    );
    const [first] = world.bot.received;
    expect(first && adapter.linkTo?.({ ...first.conversation, channel: 'ask-1' })).toBeNull();
  });
});

describe('without the Message Content intent', () => {
  async function talkingInThread() {
    await world.close();
    world = await createWorld({ fake: { privileged: { messageContent: false } } });
    await world.start();
    const { discord, ana, channel } = world;
    answerWith(world, () => 'Hello.');
    const thread = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hi`);
    await discord.until(() => botSaid(world, thread.id).includes('Hello.'));
    return { discord, ana, thread };
  }

  it('does not say that it missed what it could not have read', async () => {
    const { discord, ana, thread } = await talkingInThread();
    await world.halt();
    discord.as(ana.id).say(thread.id, 'Ben, have you seen these?');
    discord.clock.advance(31 * 60_000);
    await world.restart(world.bot.successor());
    discord.as(ana.id).say(thread.id, `<@${discord.botId}> still there?`);
    expect((await nthMessage(world, 1)).text).toBe('still there?');
    expect(botSaid(world, thread.id).filter(text => text.includes('missed'))).toEqual([]);
  });

  it('takes back what an edit hides, since nothing of it can be read', async () => {
    const { discord, ana, thread } = await talkingInThread();
    const sent = discord.as(ana.id).say(thread.id, `<@${discord.botId}> boots?`);
    await nthMessage(world, 2);
    world.bot.withdrawAnswer = 'running';
    discord.as(ana.id).edit(sent.id, 'red boots?');
    await discord.until(() => botSaid(world, thread.id).some(text => text.includes('mention me')));
    discord.as(ana.id).say(thread.id, `<@${discord.botId}> socks?`);
    expect((await nthMessage(world, 3)).text).toBe('socks?');
    expect(world.bot.withdrawn.map(({ messageId }) => messageId)).toEqual([sent.id]);
  });

  it('says so at start-up, answers mentions and DMs, and tells once how to go on in a thread', async () => {
    const { discord, ana, thread } = await talkingInThread();
    expect(world.logs.find(({ event }) => event === 'discord.ready')?.fields).toMatchObject({
      message_content: false,
    });
    discord.as(ana.id).say(thread.id, 'and shoes?');
    discord.as(ana.id).say(thread.id, 'hello??');
    await discord.until(() => botSaid(world, thread.id).some(text => text.includes('mention me')));
    const hint = discord.messages(thread.id).at(-1);
    discord.as(ana.id).say(thread.id, 'like this?', { replyTo: hint?.id ?? '' });
    expect((await nthMessage(world, 2)).text).toBe('like this?');
    discord.as(ana.id).dm('and here?');
    await nthMessage(world, 3);
    expect(botSaid(world, thread.id).filter(text => text.includes('mention me'))).toHaveLength(1);
  });

  it('does not start where the intent is demanded and not granted', async () => {
    const strict = await createWorld({
      fake: { privileged: { messageContent: false } },
      settings: { messageContent: 'on' },
    });
    await expect(strict.start()).rejects.toThrow('Message Content intent');
    await strict.close();
  });
});
