import { afterEach, describe, expect, it } from 'vitest';
import { createSlackAdapter } from '../../../src/adapters/slack/adapter.ts';
import type { Message } from '../../../src/core/message.ts';
import { done, keeper, reply } from '../scripted-bot.ts';
import {
  createWorld,
  recordingLog,
  TRANSPORTS,
  transportOf,
  type World,
  type WorldOptions,
} from './harness.ts';

let world: World;
afterEach(() => world.stop());

/** The bot takes nothing in until told to. */
function holdInbox(): () => void {
  let open = () => {};
  const opened = new Promise<void>(resolve => {
    open = resolve;
  });
  world.bot.beforeReceive = () => opened;
  return () => open();
}

async function answer(message: Message, text: string): Promise<void> {
  const sink = world.open(message, keeper());
  await sink.finish(done(text));
  sink.close();
}

describe.each(TRANSPORTS)('a delivery over %s', transport => {
  it('is acknowledged when it is in the inbox and not before, and shows at once that work begins', async () => {
    world = await createWorld({ transport });
    const release = holdInbox();
    const posted = world.ann.dm('Hello');
    await world.slack.until(() => world.ann.status(posted.channel, posted.ts), 'a status');
    expect(world.ann.status(posted.channel, posted.ts)).toBe('is thinking…');
    expect(posted.deliveries.map(({ state }) => state)).toEqual(['pending']);
    release();
    const settled = await posted.settled;
    expect(settled.map(({ state }) => state)).toEqual(['acked']);
    expect(world.bot.received).toHaveLength(1);
  });

  it('comes again when the inbox failed, and is then taken', async () => {
    world = await createWorld({ transport });
    let failures = 1;
    world.bot.beforeReceive = async () => {
      if (failures-- > 0) throw new Error('disk full');
    };
    const posted = world.ann.dm('Hello');
    const delivery = posted.deliveries[0];
    if (transport === 'socket') {
      // Over a socket silence is the only "no": Slack waits three seconds.
      await world.slack.until(() => world.logs.some(({ event }) => event === 'slack.delivery_failed'));
      world.slack.clock.advance(3_000);
    }
    await posted.settled;
    expect(delivery?.attempts.map(({ retry }) => retry?.num)).toEqual([undefined, 1]);
    expect(world.bot.received).toHaveLength(1);
  });

  it('is one turn with its retries and its mention twin, before and after a restart', async () => {
    world = await createWorld({ transport });
    const channel = world.workspace.addChannel('general', { members: [world.ann] });
    world.slack.deliveries.copies = 3;
    const posted = world.ann.mention(channel.id, 'Hello');
    expect(posted.deliveries).toHaveLength(2);
    await posted.settled;
    await Promise.all(posted.deliveries.map(delivery => delivery.again({ num: 1, reason: 'http_timeout' })));
    expect(world.bot.received).toHaveLength(1);
    await answer(await world.received(), 'Hello Ann');
    await world.restart();
    await Promise.all(posted.deliveries.map(delivery => delivery.again({ num: 2, reason: 'http_timeout' })));
    expect(world.bot.received).toEqual([]);
    // Nobody would remove a status that the late copy brought.
    await world.adapter.stop();
    expect(world.ann.status(channel.id, posted.ts)).toBeUndefined();
  });

  it('waits for nobody’s name and for no thread longer than Slack waits for the bot', async () => {
    world = await createWorld({ transport });
    const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
    const root = world.ben.post(channel.id, 'Which boots?');
    await root.settled;
    world.slack.fail('users.info', { type: 'delay', ms: 3600_000 }, { times: 9 });
    world.slack.fail('conversations.replies', { type: 'delay', ms: 3600_000 }, { times: 9 });
    const posted = world.ann.mention(channel.id, 'And you?', { threadTs: root.ts });
    await posted.settled;
    expect(world.bot.received).toMatchObject([{ text: 'And you?', context: [], unquoted: 'all' }]);
  });

  it('that names no place is for the one there is', async () => {
    world = await createWorld({ transport });
    const event = {
      type: 'message',
      channel: 'D1',
      channel_type: 'im',
      user: world.ann.id,
      text: 'Hi',
      ts: '1.1',
    };
    world.slack.deliveries.send({ kind: 'events_api', body: { type: 'event_callback', event } });
    expect((await world.received()).conversation.person.workspace).toBe(world.workspace.id);
  });

  it('from a place where the app is not installed is refused', async () => {
    world = await createWorld({ transport });
    const other = world.slack.addWorkspace('Other');
    other.install();
    const posted = other.addUser('eve').dm('Hello');
    await world.slack.until(() => world.logs.some(({ event }) => event === 'slack.not_installed'));
    expect(world.bot.received).toEqual([]);
    if (transport === 'socket') await posted.settled;
  });
});

describe('in a thread', () => {
  async function thread() {
    world = await createWorld();
    const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
    const root = world.ann.mention(channel.id, 'Find me boots');
    await root.settled;
    await answer(await world.received(), 'Which size?');
    return { channel, root, inThread: { threadTs: root.ts } };
  }

  it('goes on with who talks to the bot there, without another mention, also after a restart', async () => {
    const { channel, inThread } = await thread();
    await world.ann.post(channel.id, 'Size 9', inThread).settled;
    await world.ann.post(channel.id, 'to everybody: 9', { ...inThread, broadcast: true }).settled;
    expect(world.bot.received.map(({ text }) => text)).toEqual([
      'Find me boots',
      'Size 9',
      'to everybody: 9',
    ]);
    await world.restart();
    await world.ann.post(channel.id, 'In green', inThread).settled;
    expect(world.bot.received.map(({ text }) => text)).toEqual(['In green']);
  });

  it('asks for the name of somebody whom Slack does not know once in five minutes', async () => {
    const { channel, inThread } = await thread();
    const asked = () => world.slack.calls('users.info').filter(({ args }) => args.user === 'U0NOBODY').length;
    for (const text of ['Ask <@U0NOBODY>', 'I mean <@U0NOBODY>'])
      await world.ann.post(channel.id, text, inThread).settled;
    expect(asked()).toBe(1);
    world.slack.clock.advance(5 * 60_000);
    await world.ann.post(channel.id, 'Or ask <@U0NOBODY>', inThread).settled;
    expect(asked()).toBe(2);
    expect(world.bot.received.at(-1)?.text).toBe('Or ask @U0NOBODY');
  });

  it('takes a follow-up that comes before the first message is answered', async () => {
    world = await createWorld();
    const channel = world.workspace.addChannel('general', { members: [world.ann] });
    const root = world.ann.mention(channel.id, 'Find me boots');
    await root.settled;
    world.bot.knows = async () => false;
    await world.ann.post(channel.id, 'Size 9', { threadTs: root.ts }).settled;
    expect(world.bot.received).toHaveLength(2);
  });

  it('leaves others alone, and what is said to others', async () => {
    const { channel, inThread } = await thread();
    await world.ben.post(channel.id, 'Nice boots', inThread).settled;
    await world.ann.post(channel.id, `<@${world.ben.id}> what do you think?`, inThread).settled;
    await world.ann.post(channel.id, 'Lunch, anyone?').settled;
    expect(world.bot.received).toHaveLength(1);
    expect(world.ben.status(channel.id, inThread.threadTs)).toBeUndefined();
  });

  it('quotes what others said since, by name, and nothing the bot said to anybody', async () => {
    const { channel, inThread } = await thread();
    await world.ben.post(channel.id, `I like <@${world.ann.id}>'s green ones`, inThread).settled;
    await world.ben.post(channel.id, 'or https://shop.example/b', inThread).settled;
    await world.ann.post(channel.id, 'Which ones?', inThread).settled;
    expect(world.bot.received[1]?.context).toEqual([
      { author: 'Ben', text: "I like @Ann's green ones" },
      { author: 'Ben', text: 'or https://shop.example/b' },
    ]);
    await world.ben.post(channel.id, 'or red', inThread).settled;
    await world.ann.post(channel.id, 'Now?', inThread).settled;
    expect(world.bot.received[2]?.context).toEqual([{ author: 'Ben', text: 'or red' }]);
    await world.ben.mention(channel.id, 'And me?', inThread).settled;
    const bens = world.bot.received[3];
    expect(bens?.context.filter(({ own }) => own !== true).map(({ author }) => author)).toEqual([
      'Ann',
      'Ann',
      'Ann',
    ]);
    expect(bens?.conversation.person.id).toBe(world.ben.id);
    expect(JSON.stringify(bens?.context)).not.toContain('Which size?');
  });

  it('passes on as their own what the person said there before they called the bot', async () => {
    world = await createWorld();
    const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
    const inThread = { threadTs: world.ann.post(channel.id, 'I need shoes for a wedding').ts };
    await world.ben.post(channel.id, 'Which size?', inThread).settled;
    await world.ann.post(channel.id, `<@${world.ben.id}> 9`, inThread).settled;
    await world.ann.mention(channel.id, 'what do you think?', inThread).settled;
    expect(world.bot.received.map(({ context }) => context)).toEqual([
      [
        { author: 'Ann', text: 'I need shoes for a wedding', own: true },
        { author: 'Ben', text: 'Which size?' },
        { author: 'Ann', text: '@Ben 9', own: true },
      ],
    ]);
    await answer(await world.received(), 'Brogues.');
    await world.ann.post(channel.id, `<@${world.ben.id}> and you?`, inThread).settled;
    await world.ann.post(channel.id, 'In brown?', inThread).settled;
    expect(world.bot.received[1]).toMatchObject({
      text: 'In brown?',
      context: [{ author: 'Ann', text: '@Ben and you?', own: true }],
    });
  });

  it('passes on nothing of one’s own that comes to the bot as a message', async () => {
    const { channel, inThread } = await thread();
    const release = holdInbox();
    const posts = [
      world.ann.post(channel.id, 'Size 9', inThread),
      world.ann.post(channel.id, 'In green', inThread),
    ];
    await world.slack.until(() => world.slack.calls('conversations.replies').length === 2, 'both to be read');
    release();
    await Promise.all(posts.map(({ settled }) => settled));
    expect(world.bot.received.slice(1).map(({ text, context }) => [text, context])).toEqual([
      ['Size 9', []],
      ['In green', []],
    ]);
  });

  it('quotes what was passed on there as its author’s, whoever passed it on, names files, and no words of Slack’s', async () => {
    world = await createWorld();
    const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
    const carol = world.workspace.addUser('carol', { displayName: 'Carol' });
    const files = [{ name: 'boots.png', mimetype: 'image/png', content: 'png' }];
    const offer = carol.post(
      world.workspace.addChannel('offers', { members: [carol, world.ann, world.ben] }).id,
      `Half price, <@${world.ann.id}>`,
    );
    const root = channel.systemMessage('pinned_item', world.ann, 'pinned a message to this channel.');
    const inThread = { threadTs: root.ts };
    await world.ben.share(offer, channel, 'See this', inThread).settled;
    await world.ann.share(offer, channel, 'Still true?', inThread).settled;
    await world.ben.post(channel.id, '', { ...inThread, files }).settled;
    await world.ann.post(channel.id, 'and mine', { ...inThread, files }).settled;
    await world.ann.mention(channel.id, 'what do you think?', inThread).settled;
    expect(world.bot.received[0]?.context).toEqual([
      { author: 'Ben', text: 'See this' },
      { author: 'Carol', text: 'Half price, @Ann' },
      { author: 'Ann', text: 'Still true?', own: true },
      { author: 'Carol', text: 'Half price, @Ann' },
      { author: 'Ben', text: '[file: boots.png]' },
      { author: 'Ann', text: 'and mine\n[file: boots.png]', own: true },
    ]);
  });

  it('quotes it again in the new wording of a message that was not answered yet', async () => {
    const { channel, inThread } = await thread();
    world.bot.withdrawAnswer = 'waiting';
    await world.ben.post(channel.id, 'I like the green ones', inThread).settled;
    const asked = world.ann.post(channel.id, 'Which ones?', inThread);
    await asked.settled;
    await world.ben.post(channel.id, 'or the red', inThread).settled;
    await world.ann.post(channel.id, 'Or boots?', inThread).settled;
    await world.ann.edit(asked, 'Which of these?').settled;
    expect(world.bot.received.slice(1)).toMatchObject([
      { text: 'Which ones?', context: [{ author: 'Ben', text: 'I like the green ones' }] },
      { text: 'Or boots?', context: [{ author: 'Ben', text: 'or the red' }] },
      { text: 'Which of these?', context: [{ author: 'Ben', text: 'I like the green ones' }] },
    ]);
    await world.ann.post(channel.id, 'Well?', inThread).settled;
    expect(world.bot.received.at(-1)?.context).toEqual([]);
  });

  /** A thread in which Ben said much before the bot was there. */
  async function longThread(remarks: number, fake?: WorldOptions['fake']) {
    world = await createWorld({ fake: { ...fake } });
    const channel = world.workspace.addChannel('general', {
      members: [world.ann, world.ben],
      withBot: false,
    });
    const inThread = { threadTs: world.ben.post(channel.id, 'Which boots?').ts };
    for (let n = 1; n <= remarks; n += 1) world.ben.post(channel.id, `Remark ${n}`, inThread);
    channel.addBot();
    return { channel, inThread };
  }
  const quoted = (message: Message | undefined) => message?.context.map(({ text }) => text);
  const remarks = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, at) => `Remark ${from + at}`);

  it('quotes what a long one is about and how it ends, and says that there is more between', async () => {
    const { channel, inThread } = await longThread(600);
    await world.ann.mention(channel.id, 'And you?', inThread).settled;
    const [message] = world.bot.received;
    expect(quoted(message)).toEqual(['Which boots?', ...remarks(582, 600)]);
    expect(message?.unquoted).toBe('earlier');
  });

  it('quotes how one begins whose end cannot be reached, and says that the end is missing', async () => {
    const { channel, inThread } = await longThread(700, { limits: { messagePage: 200 } });
    await world.ann.mention(channel.id, 'And you?', inThread).settled;
    const [message] = world.bot.received;
    expect(quoted(message)).toEqual(['Which boots?', ...remarks(1, 19)]);
    expect(message?.unquoted).toBe('later');
  });

  it('quotes the end of one that it heard, though Slack gives little of it and only once a minute', async () => {
    const { channel, inThread } = await longThread(0, {
      limits: { messagePage: 15 },
      rateLimits: { perMinute: { 'conversations.replies': 1 } },
    });
    for (let n = 1; n <= 30; n += 1) await world.ben.post(channel.id, `Remark ${n}`, inThread).settled;
    await world.ann.mention(channel.id, 'And you?', inThread).settled;
    expect(world.bot.received[0]).toMatchObject({ unquoted: 'later' });
    const carol = world.workspace.addUser('carol');
    await carol.mention(channel.id, 'And for me?', inThread).settled;
    expect(world.bot.received[1]).toMatchObject({ context: [], unquoted: 'all' });
    world.slack.clock.advance(60_000);
    const dave = world.workspace.addUser('dave');
    await dave.mention(channel.id, 'And for me?', inThread).settled;
    const [, , message] = world.bot.received;
    expect(quoted(message)?.slice(0, -2)).toEqual(['Which boots?', ...remarks(22, 30)]);
    expect(message?.unquoted).toBe('earlier');
  });

  it('cuts what is too long to be quoted as a whole', async () => {
    const { channel, inThread } = await thread();
    await world.ben.post(channel.id, 'Hello', inThread).settled;
    await world.ben.post(channel.id, `These boots are ${'very '.repeat(2_000)}good`, inThread).settled;
    await world.ann.post(channel.id, 'Are they?', inThread).settled;
    const [text = '', ...more] = quoted(world.bot.received[1]) ?? [];
    expect([text.length, more]).toEqual([6_000, []]);
    expect(text).toMatch(/^These boots are very .*…$/);
    expect(world.bot.received[1]?.unquoted).toBe('earlier');
  });
});

describe('edits and deletions', () => {
  it('know a preview from an edit', async () => {
    world = await createWorld();
    const posted = world.ann.dm('See https://shop.example/');
    await posted.settled;
    await world.workspace.unfurl(posted).settled;
    expect(world.bot.withdrawn).toEqual([]);
    expect(world.bot.received).toHaveLength(1);
  });

  it('answer the newest of several wordings', async () => {
    world = await createWorld();
    world.bot.withdrawAnswer = 'running';
    const posted = world.ann.dm('one');
    await posted.settled;
    await world.ann.edit(posted, 'two').settled;
    await world.ann.edit(posted, 'three').settled;
    expect(world.bot.received.map(({ text }) => text)).toEqual(['one', 'two', 'three']);
    expect(world.bot.withdrawn.map(({ messageId }) => messageId)).toEqual(
      world.bot.received.slice(0, 2).map(({ id }) => id),
    );
    await world.ann.delete(posted).settled;
    expect(world.bot.withdrawn.at(-1)?.messageId).toBe(world.bot.received[2]?.id);
  });

  it('are taken once, though the delivery comes again', async () => {
    world = await createWorld();
    world.bot.withdrawAnswer = 'running';
    const posted = world.ann.dm('one');
    await posted.settled;
    const edit = world.ann.edit(posted, 'two');
    await edit.settled;
    await edit.deliveries[0]?.again({ num: 1, reason: 'http_timeout' });
    await world.restart();
    await edit.deliveries[0]?.again({ num: 2, reason: 'http_timeout' });
    expect(world.bot.received).toEqual([]);
    expect(world.bot.withdrawn).toEqual([]);
  });

  it('bring the new wording though the process ended after the old one was taken back', async () => {
    world = await createWorld();
    world.bot.withdrawAnswer = 'waiting';
    const posted = world.ann.dm('one');
    await posted.settled;
    world.bot.beforeReceive = () => Promise.reject(new Error('the process ends here'));
    const edit = world.ann.edit(posted, 'two');
    await world.slack.until(() => world.logs.some(({ event }) => event === 'slack.delivery_failed'));
    await world.restart();
    world.bot.withdrawAnswer = 'answered';
    await edit.deliveries[0]?.again({ num: 1, reason: 'http_timeout' });
    expect(world.bot.received.map(({ text }) => text)).toEqual(['two']);
  });

  it('wait for the message when it is still on its way into the inbox', async () => {
    world = await createWorld();
    const { bot } = world;
    const found: string[] = [];
    bot.withdraw = async (_, id) => {
      if (!bot.received.some(message => message.id === id)) return 'answered';
      found.push(id);
      return 'waiting';
    };
    let release = () => {};
    const released = new Promise<void>(resolve => {
      release = resolve;
    });
    bot.beforeReceive = ({ text }) => (text === 'Hello' ? Promise.resolve() : released);
    const [worded, regretted] = [world.ann.dm('one'), world.ann.dm('never mind')];
    const isShown = (ts: string) => world.ann.status(world.ann.dmChannel, ts) !== undefined;
    await world.slack.until(() => isShown(worded.ts) && isShown(regretted.ts), 'both to be on their way');
    const changes = [world.ann.edit(worded, 'two'), world.ann.delete(regretted)];
    // What comes after them is taken: they have come.
    await world.ben.dm('Hello').settled;
    release();
    await Promise.all(changes.map(({ settled }) => settled));
    expect(bot.received.map(({ text }) => text).sort()).toEqual(['Hello', 'never mind', 'one', 'two']);
    const idOf = (text: string) => bot.received.find(message => message.text === text)?.id;
    expect(found.sort()).toEqual([idOf('one'), idOf('never mind')].sort());
  });

  it('of a message with replies are deletions all the same', async () => {
    world = await createWorld();
    const posted = world.ann.dm('one');
    await posted.settled;
    await answer(await world.received(), 'An answer.');
    await world.ann.delete(posted).settled;
    expect(world.bot.withdrawn).toHaveLength(1);
  });

  it('of conversations the bot is not in are nothing to it', async () => {
    world = await createWorld();
    const channel = world.workspace.addChannel('general', { members: [world.ann] });
    const posted = world.ann.post(channel.id, 'Lunch?');
    await posted.settled;
    await world.ann.edit(posted, `Lunch, <@${world.installed.botUserId}>?`).settled;
    await world.ann.delete(posted).settled;
    expect(world.bot.withdrawn).toEqual([]);
    expect(world.bot.received).toEqual([]);
  });
});

it('says why when the bot takes no more, also when Slack does not answer at first', async () => {
  world = await createWorld();
  world.slack.fail('chat.postMessage', { type: 'http', status: 503 });
  world.slack.fail('chat.postMessage', { type: 'drop', when: 'before' });
  world.bot.receive = async () => ({ refused: 'I am busy; please wait a little.' });
  const posted = world.ann.dm('Hello');
  await posted.settled;
  await world.slack.until(
    () =>
      world.ann
        .sees(posted.channel, posted.ts)
        .some(({ text }) => text === 'I am busy; please wait a little.'),
    'the sentence',
  );
});

it('shows that work begins until it is answered, also when the twin of a mention comes to another process', async () => {
  world = await createWorld();
  const { slack, state, logs, bot } = world;
  const second = { ...bot.successor(), receive: bot.receive };
  const other = createSlackAdapter({
    transport: transportOf('socket', slack, 0),
    install: { type: 'token', botToken: world.installed.token },
    apiUrl: slack.apiUrl,
    linkHosts: [],
    state,
    suggestedPrompts: [],
    log: recordingLog(logs),
  });
  await other.start(second);
  const channel = world.workspace.addChannel('general', { members: [world.ann] });
  const posted = world.ann.mention(channel.id, 'Hello');
  await posted.settled;
  expect(bot.received).toHaveLength(1);
  // What either has begun is over then.
  await other.stop();
  await world.adapter.stop();
  expect(world.ann.status(channel.id, posted.ts)).toBe('is thinking…');
  await answer(await world.received(), 'Hello Ann');
  expect(world.ann.status(channel.id, posted.ts)).toBeUndefined();
});

it('stops the reply that is stopped, whoever pressed the button', async () => {
  world = await createWorld();
  const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
  const posted = world.ann.mention(channel.id, 'Tell me a story');
  await posted.settled;
  const message = await world.received();
  const sink = world.open(message);
  sink.show(reply('Once upon a time '));
  await world.slack.until(() => world.ann.sees(channel.id, posted.ts).some(({ streaming }) => streaming));
  await world.slack.until(() => world.slack.calls('agents.sessions.setStatus')[0]?.status);
  await world.ben.stop(channel.id, posted.ts).settled;
  expect(world.bot.interrupted).toContainEqual(message.conversation);
  await sink.finish(reply('Once upon a time\n\nStopped.', { state: 'stopped' }));
  sink.close();
});

it('prepares for who opens the app, and suggests how to begin', async () => {
  world = await createWorld();
  await world.ann.openApp('messages')?.settled;
  await world.slack.until(() => world.ann.prompts, 'suggested prompts');
  expect(world.ann.prompts?.prompts).toEqual([{ title: 'Shoes', message: 'Find me shoes' }]);
  await world.slack.until(() => world.bot.prepared.length > 0, 'the preparation');
  await world.ann.openApp('messages')?.settled;
  expect(world.bot.prepared).toEqual([world.ann.id]);
});

describe('a message that is passed on', () => {
  it('is quoted with its author, whoever passes it on, and its files come along', async () => {
    world = await createWorld();
    const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
    const files = [{ name: 'boots.png', mimetype: 'image/png', content: 'png' }];
    const offer = world.ben.post(channel.id, `Half price, <@${world.ann.id}>`, { files });
    await world.ann.share(offer, world.ann.dmChannel).settled;
    const message = await world.received();
    expect(message).toMatchObject({
      text: '',
      context: [{ author: 'Ben', text: 'Half price, @Ann' }],
      attachments: [{ name: 'boots.png', mediaType: 'image/png' }],
    });
    const [file] = message.attachments;
    if (file === undefined) throw new Error('no file');
    expect(Buffer.from(await world.adapter.download(file, AbortSignal.timeout(5_000))).toString()).toBe(
      'png',
    );
  });

  it('is quoted below a word of one’s own, also when it is nothing but a file', async () => {
    world = await createWorld();
    const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
    const files = [{ name: 'boots.png', mimetype: 'image/png', content: 'png' }];
    const picture = world.ben.post(channel.id, '', { files });
    await world.ann.share(picture, channel, `<@${world.installed.botUserId}> any good?`).settled;
    expect(await world.received()).toMatchObject({
      text: 'any good?',
      context: [{ author: 'Ben', text: '[file: boots.png]' }],
      attachments: [{ name: 'boots.png' }],
    });
  });
});

describe('files', () => {
  const png = Buffer.from('89504e470d0a1a0a', 'hex');
  const signal = new AbortController().signal;

  it('arrive with their bytes', async () => {
    world = await createWorld();
    const posted = world.ann.dm('Like these', {
      files: [{ name: 'boots.png', mimetype: 'image/png', content: png }],
    });
    await posted.settled;
    const message = await world.received();
    expect(message).toMatchObject({
      text: 'Like these',
      attachments: [{ name: 'boots.png', mediaType: 'image/png', sizeBytes: png.length }],
    });
    expect(JSON.stringify(message)).not.toContain('xoxb');
    const [file] = message.attachments;
    if (file === undefined) throw new Error('no file');
    expect(Buffer.from(await world.adapter.download(file, signal))).toEqual(png);
  });

  it('from another organisation, of which the event has only the id, arrive too', async () => {
    world = await createWorld();
    await world.ann.dm('', {
      files: [{ name: 'a.pdf', mimetype: 'application/pdf', content: 'pdf', stub: true }],
    }).settled;
    expect((await world.received()).attachments).toMatchObject([
      { name: 'a.pdf', mediaType: 'application/pdf', sizeBytes: 3 },
    ]);
  });

  it('kept elsewhere are refused with a sentence, and the token stays with Slack', async () => {
    world = await createWorld();
    await world.ann.dm('This one', {
      files: [{ name: 'plan', mimetype: 'image/png', externalUrl: 'https://docs.example/plan' }],
    }).settled;
    const [file] = (await world.received()).attachments;
    if (file === undefined) throw new Error('no file');
    await expect(world.adapter.download(file, signal)).rejects.toThrow('it is kept outside of Slack');
    expect(world.slack.calls('file.download')).toEqual([]);
  });

  it('that the bot may no longer see are refused with a sentence', async () => {
    world = await createWorld();
    const channel = world.workspace.addChannel('general', { members: [world.ann] });
    const files = [{ name: 'a.png', mimetype: 'image/png', content: png }];
    await world.ann.mention(channel.id, 'This', { files }).settled;
    const [file] = (await world.received()).attachments;
    if (file === undefined) throw new Error('no file');
    channel.removeBot();
    await expect(world.adapter.download(file, signal)).rejects.toThrow('I could not fetch it from Slack');
  });
});
