import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { discordMarkdown } from '../../../src/adapters/discord/reply/markdown.ts';
import { customIdsOf } from '../../fakes/discord/drivers/acts.ts';
import { botSaid, createWorld, done, nthMessage, openReply, type World, working } from './harness.ts';
import { isBalanced, tells } from './reading.ts';

let world: World;

beforeEach(async () => {
  world = await createWorld();
  await world.start();
});
afterEach(() => world.close());

async function askInDm(
  text = 'hello',
): Promise<{ channelId: string; message: Awaited<ReturnType<typeof nthMessage>> }> {
  const { discord, ana, bot } = world;
  const sent = discord.as(ana.id).dm(text);
  return { channelId: sent.channelId, message: await nthMessage(world, bot.received.length + 1) };
}

/** Messages of the bot in a channel that still exist. */
function posted(channelId: string) {
  const { discord } = world;
  if (!discord.state.channels.has(channelId)) return [];
  return discord
    .messages(channelId)
    .filter(message => message.authorId === discord.botId && message.type === 0);
}

describe('a reply', () => {
  it('shows the first words at once, however lately it showed what it was doing', async () => {
    await world.close();
    // Longer than the test waits for anything.
    world = await createWorld({ minIntervalMs: 60_000 });
    await world.start();
    const { channelId, message } = await askInDm();
    const { sink } = openReply(world, message);
    await world.discord.until(() => botSaid(world, channelId)[0] === '-# Thinking…');
    sink.show(working('I noted'));
    await world.discord.until(() => botSaid(world, channelId)[0] === 'I noted');
    sink.close();
  });

  it('begins with words where its first message had to wait for a limit until there were some', async () => {
    const { discord } = world;
    const { channelId, message } = await askInDm();
    const effect = { type: 'rate-limit', retryAfterMs: 300, scope: 'global' } as const;
    discord.faults.add({ method: 'POST', route: '/channels/:channel/messages', effect });
    const { sink } = openReply(world, message);
    await discord.until(() => discord.journal.rest({ status: 429 }).length > 0);
    sink.show(working('I noted'));
    await sink.finish(done('I noted it.'));
    sink.close();
    const [first] = posted(channelId);
    expect(first?.history[0]?.content).toContain('I noted');
  });

  it('shows typing before a message is written down, and once; not of one it missed, nor where a thread will be', async () => {
    const { discord, ana, channel } = world;
    const typing = () => discord.journal.rest({ route: '/channels/:channel/typing' });
    world.bot.beforeReceive = async () => {
      await discord.until(() => typing().length > 0, 'a sign');
    };
    const { channelId, message } = await askInDm();
    const { sink } = openReply(world, message);
    await discord.until(() => botSaid(world, channelId)[0] === '-# Thinking…');
    sink.close();
    expect(typing()).toHaveLength(1);

    await world.halt();
    discord.as(ana.id).dm('and boots?');
    await world.restart(world.bot.successor());
    await nthMessage(world, 1);
    discord.as(ana.id).say(channel.id, `<@${discord.botId}> socks?`);
    await nthMessage(world, 2);
    expect(typing()).toHaveLength(1);
  });

  it('shows typing and a status at once, then text that grows in one message, then the whole', async () => {
    const { discord } = world;
    const { channelId, message } = await askInDm();
    const { sink } = openReply(world, message);
    await discord.until(() => discord.journal.rest({ route: '/channels/:channel/typing' }).length > 0);
    await discord.until(() => botSaid(world, channelId)[0] === '-# Thinking…');
    sink.show({
      state: 'working',
      text: '',
      status: 'Saving your sizes',
      activities: [
        { id: 'a', label: 'Checking your preferences', state: 'done' },
        { id: 'b', label: 'Saving your sizes', state: 'running' },
      ],
    });
    await discord.until(
      () => botSaid(world, channelId)[0] === '-# ✓ Checking your preferences\n-# Saving your sizes…',
    );
    sink.show(working('I noted'));
    await discord.until(() => botSaid(world, channelId)[0] === 'I noted');
    sink.show(working('I noted size 9.', 'Searching the web'));
    await discord.until(() => botSaid(world, channelId)[0] === 'I noted size 9.\n-# Searching the web…');
    await sink.finish(done('I noted size 9. Anything else?'));
    sink.close();
    expect(botSaid(world, channelId)).toEqual(['I noted size 9. Anything else?']);
    expect(posted(channelId)[0]?.components).toEqual([]);
  });

  it('arrives whole over several messages, whatever the text, the chunks and the pace', async () => {
    const piece = fc.oneof(
      fc.lorem({ maxCount: 60 }),
      fc.constantFrom(
        '```ts\n',
        '\n```\n',
        '```',
        '\n\n',
        '# Title\n',
        '- one\n  - two\n',
        '| a | b |\n',
        '🇩🇪👩‍👩‍👧‍👦',
      ),
      fc.stringMatching(/^[a-z ]{0,3000}$/),
      fc.string({ unit: 'grapheme', maxLength: 400 }),
    );
    const { discord } = world;
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat({ max: 3 }), { maxLength: 12 }),
        async (deltas, pauses) => {
          const { channelId, message } = await askInDm();
          const before = posted(channelId).length;
          const { sink } = openReply(world, message);
          let text = '';
          for (const [index, delta] of deltas.entries()) {
            text += delta;
            sink.show(working(text, index % 3 === 0 ? 'Searching the web' : null));
            // Let some writes through: as many turns of the event loop as the case says.
            for (let turn = 0; turn < (pauses[index] ?? 0); turn += 1)
              await new Promise(resolve => setImmediate(resolve));
          }
          await sink.finish(done(text));
          sink.close();
          const contents = posted(channelId)
            .slice(before)
            .map(({ content }) => content);
          const expected = discordMarkdown(text);
          expect(contents.every(content => content.length <= 2_000)).toBe(true);
          expect(contents.filter(content => !isBalanced(content))).toEqual([]);
          if (expected.trim() === '') expect(contents).toEqual(['Done.']);
          else expect(tells(contents, expected), JSON.stringify({ contents, expected })).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
    expect(discord.journal.rest().filter(({ status }) => status === 400)).toEqual([]);
  });

  it('pings nobody and unfolds nothing, on posting and on every edit', async () => {
    const { discord, ana, ben, guild, channel } = world;
    const role = discord.world.addRole(guild.id, 'shoppers', { mentionable: true });
    const own = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hello`);
    const message = await nthMessage(world, 1);
    const { sink } = openReply(world, message);
    const loud = `@everyone @here <@&${role.id}> <@${ben.id}> <@${ana.id}> https://example.com/a [b](https://example.com/b) https://discord.gg/abc discord.gg/def [join](https://discord.gg/ghi)`;
    sink.show(working(loud.slice(0, 60)));
    await discord.until(() => botSaid(world, own.id).some(text => text.includes('@everyone')));
    await sink.finish(done(loud));
    sink.close();
    const ours = discord.pings.filter(ping => ping.authorId === discord.botId);
    expect(ours.length).toBeGreaterThan(1);
    for (const ping of ours) {
      expect(ping).toMatchObject({ notified: [], links: [], invites: [], repliedUser: null });
    }
    expect(botSaid(world, own.id).at(-1)).toContain('<https://discord.gg/abc>');
  });

  it('offers a Stop button to the asking person alone', async () => {
    const { discord, ana, ben, channel, bot } = world;
    const own = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hello`);
    const message = await nthMessage(world, 1);
    const { sink } = openReply(world, message);
    const status = await discord.until(() => posted(own.id)[0]);
    const [stop = ''] = customIdsOf(status);
    const refused = discord.as(ben.id).press(status.id, stop);
    await discord.answered(refused);
    expect(bot.interrupted).toEqual([]);
    expect(discord.as(ben.id).sees(own.id).at(-1)?.content).toContain('only for');
    await discord.answered(discord.as(ana.id).press(status.id, stop));
    const interrupted = await discord.until(() => bot.interrupted[0]);
    expect(interrupted).toMatchObject({ channel: own.id, person: { id: ana.id } });
    await sink.finish({ state: 'stopped', text: 'Stopped.', status: null, activities: [] });
    sink.close();
    expect(customIdsOf(posted(own.id)[0] ?? status)).toEqual([]);
  });

  it('asks before a tool runs, and takes the answer of the asking person alone', async () => {
    const { discord, ana, ben, channel } = world;
    const own = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hello`);
    const message = await nthMessage(world, 1);
    const { sink } = openReply(world, message);
    const never = new AbortController();
    const question = { id: 'toolu_1', text: 'May I do this: searching the web?', detail: 'size 9 boots' };
    const answer = sink.ask(question, never.signal);
    const asked = await discord.until(() => posted(own.id).find(({ content }) => content.includes('May I')));
    const [approve = '', deny = '', what = ''] = customIdsOf(asked);
    // A search may tell something of the person: others see that there is a question, not what it is about.
    expect(asked.content).not.toContain('size 9 boots');
    await discord.answered(discord.as(ana.id).press(asked.id, what));
    const details = await discord.until(() =>
      discord.messages(own.id).find(({ content }) => content.includes('size 9 boots')),
    );
    expect(details.ephemeralFor).toBe(ana.id);
    await discord.answered(discord.as(ben.id).press(asked.id, approve));
    await discord.answered(discord.as(ana.id).press(asked.id, approve));
    expect(await answer).toBe(true);
    for (const shown of [asked, details]) {
      await discord.until(() => shown.content.includes('Approved.') && shown.components.length === 0);
    }

    const second = sink.ask({ ...question, id: 'toolu_2' }, never.signal);
    const again = await discord.until(() =>
      posted(own.id).find(it => it.content.includes('May I') && it.id !== asked.id),
    );
    await discord.answered(discord.as(ana.id).press(again.id, customIdsOf(again)[1] ?? deny));
    expect(await second).toBe(false);
    const leaving = new AbortController();
    const third = sink.ask({ ...question, id: 'toolu_3' }, leaving.signal);
    await discord.until(() => posted(own.id).filter(it => it.content.includes('May I')).length === 3);
    leaving.abort();
    expect(await third).toBe(false);
    sink.close();
  });

  it('is posted once when Discord takes a message but the answer is lost', async () => {
    const { discord } = world;
    const { channelId, message } = await askInDm();
    discord.faults.add({
      method: 'POST',
      route: '/channels/:channel/messages',
      times: 3,
      effect: { type: 'drop', applied: 'after' },
    });
    const { sink } = openReply(world, message);
    await sink.finish(done('Here you are.'));
    sink.close();
    expect(botSaid(world, channelId)).toEqual(['Here you are.']);
  });

  it('outlasts 429s, 500s and broken connections with its last text', async () => {
    const { discord } = world;
    const { channelId, message } = await askInDm();
    const { sink } = openReply(world, message);
    await discord.until(() => botSaid(world, channelId).length === 1);
    const route = '/channels/:channel/messages/:message';
    discord.faults.add({ method: 'PATCH', route, effect: { type: 'rate-limit', retryAfterMs: 50 } });
    discord.faults.add({ method: 'PATCH', route, effect: { type: 'drop' } });
    discord.faults.add({ method: 'PATCH', route, times: 2, effect: { type: 'status', status: 500 } });
    for (let length = 1; length <= 20; length += 1) sink.show(working('word '.repeat(length)));
    await sink.finish(done('All of it.'));
    sink.close();
    expect(botSaid(world, channelId)).toEqual(['All of it.']);
  });

  it.each(['to the person directly', 'nowhere'] as const)(
    'goes %s where Discord fails at it for ever, and is over',
    async where => {
      const { discord, ana, channel } = world;
      const dm = discord.as(ana.id).dmChannel();
      const own = discord.as(ana.id).say(channel.id, `<@${discord.botId}> boots?`);
      const failing = where === 'nowhere' ? [own.id, dm.id] : [own.id];
      for (const id of failing) {
        const route = new RegExp(`/channels/${id}/messages$`);
        discord.faults.add({ method: 'POST', route, times: 1_000, effect: { type: 'status', status: 500 } });
      }
      const { sink } = openReply(world, await nthMessage(world, 1));
      const finished = sink.finish(done('Boots.'));
      for (const id of failing) {
        const tried = () =>
          discord.journal.rest({ method: 'POST' }).filter(({ path }) => path.endsWith(`/${id}/messages`))
            .length;
        // More often than discord.js tries by itself: the bot knows by then.
        await discord.until(() => tried() > 4, 'a second attempt', 10_000);
        discord.clock.advance(11 * 60_000);
      }
      await finished;
      sink.close();
      expect(botSaid(world, dm.id)).toEqual(where === 'nowhere' ? [] : ['Boots.']);
    },
    30_000,
  );

  it('keeps to the limits in the headers: fewer edits, always the newest text, never a 429', async () => {
    await world.close();
    world = await createWorld({ fake: { rateLimits: {}, speed: 20 } });
    await world.start();
    const { discord } = world;
    const { channelId, message } = await askInDm();
    const { sink } = openReply(world, message);
    const edits = () =>
      discord.journal.rest({ method: 'PATCH', route: '/channels/:channel/messages/:message' });
    // When each edit arrived, and how old its text was, both counted in pushes.
    const arrived: { at: number; age: number }[] = [];
    for (let pushed = 1; arrived.length < 12; pushed += 1) {
      sink.show(working(`word ${pushed}`));
      await new Promise(resolve => setImmediate(resolve));
      const edit = edits()[arrived.length];
      if (edit === undefined) continue;
      const shown = Number(/word (\d+)/.exec(JSON.stringify(edit.body))?.[1]);
      arrived.push({ at: pushed, age: pushed - shown });
    }
    await sink.finish(done('The end.'));
    sink.close();
    expect(botSaid(world, channelId)).toEqual(['The end.']);
    expect(discord.rateLimits.counters).toMatchObject({ user: 0, global: 0 });
    // The bucket made it wait twice at least, and what it sent then was new, not what it had when the wait began.
    const waits = arrived.map(({ at, age }, index) => ({ gap: at - (arrived[index - 1]?.at ?? 0), age }));
    const long = waits.sort((a, b) => b.gap - a.gap).slice(0, 2);
    for (const { gap, age } of long) expect(age).toBeLessThan(gap / 2);
  });

  it('is carried on by a later process in the same messages', async () => {
    const { discord } = world;
    const { channelId, message } = await askInDm();
    const first = openReply(world, message);
    const long = 'A sentence of some length. '.repeat(100);
    first.sink.show(working(long));
    await discord.until(() => posted(channelId).length === 2);
    await discord.until(() => JSON.stringify(first.handle()).includes(posted(channelId)[1]?.id ?? 'none'));
    first.sink.close();
    const saved = first.handle();
    await world.restart();
    const second = openReply(world, message, saved);
    await second.sink.finish(done(`${long}The end.`));
    second.sink.close();
    expect(posted(channelId)).toHaveLength(2);
    expect(tells(botSaid(world, channelId), `${long}The end.`)).toBe(true);
  });

  it('keeps what stands there while a later process puts it together again', async () => {
    const { discord } = world;
    const { channelId, message } = await askInDm();
    const first = openReply(world, message);
    const long = 'A sentence of some length. '.repeat(200);
    first.sink.show(working(long));
    await discord.until(() => posted(channelId).length === 3);
    await discord.until(() => JSON.stringify(first.handle()).includes(posted(channelId)[2]?.id ?? 'none'));
    first.sink.close();
    await world.restart();
    const second = openReply(world, message, first.handle());
    second.sink.show(working('', 'Thinking'));
    second.sink.show(working('A sentence'));
    second.sink.show(working(`${long}And more.`));
    await discord.until(() => botSaid(world, channelId).join('').includes('And more.'));
    await second.sink.finish(done(`${long}The end.`));
    second.sink.close();
    expect(tells(botSaid(world, channelId), `${long}The end.`)).toBe(true);
    const removed = [...discord.channel(channelId).messages.values()].filter(
      ({ deletedAt }) => deletedAt !== null,
    );
    expect(removed).toEqual([]);
    expect(
      posted(channelId)[0]
        ?.history.map(({ content }) => content.slice(0, 10))
        .slice(2),
    ).not.toContain('-# Thinking');
  });

  it('has said which messages it is for before anything of it stands there', async () => {
    const { discord } = world;
    const { channelId, message } = await askInDm();
    const known: number[] = [];
    const sink = world.adapter.openReply(message, null, async () => {
      known.push(posted(channelId).length);
    });
    await discord.until(() => posted(channelId).length === 1);
    await sink.finish(done('Here.'));
    sink.close();
    expect(known[0]).toBe(0);
  });

  it('is whole when it grew, was taken back, and grew again', async () => {
    const { discord } = world;
    const { channelId, message } = await askInDm();
    const { sink } = openReply(world, message);
    const long = 'A sentence of some length. '.repeat(200);
    sink.show(working(long));
    await discord.until(() => posted(channelId).length === 3);
    await sink.finish(done('No.'));
    await sink.finish(done(long));
    sink.close();
    expect(tells(botSaid(world, channelId), long)).toBe(true);
  });

  it('is not posted twice when the process died before it could note the message', async () => {
    const { discord } = world;
    const { channelId, message } = await askInDm();
    const first = openReply(world, message);
    await discord.until(() => posted(channelId).length === 1);
    first.sink.close();
    await world.restart();
    const second = openReply(world, message, null);
    await second.sink.finish(done('Once.'));
    second.sink.close();
    expect(botSaid(world, channelId)).toEqual(['Once.']);
  });

  it('goes on in a new message when its message was deleted', async () => {
    const { discord } = world;
    const { channelId, message } = await askInDm();
    const { sink } = openReply(world, message);
    const status = await discord.until(() => posted(channelId)[0]);
    discord.as(world.ana.id).remove(status.id);
    await sink.finish(done('Still here.'));
    sink.close();
    expect(botSaid(world, channelId)).toEqual(['Still here.']);
  });

  it('removes what a shorter final text leaves over', async () => {
    const { discord } = world;
    const { channelId, message } = await askInDm();
    const { sink } = openReply(world, message);
    sink.show(working('word '.repeat(1_000)));
    await discord.until(() => posted(channelId).length === 3);
    await sink.finish(done('Never mind.'));
    sink.close();
    expect(botSaid(world, channelId)).toEqual(['Never mind.']);
  });

  it('opens an archived thread again, and goes to the DMs when the thread is locked', async () => {
    const { discord, ana, channel } = world;
    const own = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hello`);
    const message = await nthMessage(world, 1);
    const { sink } = openReply(world, message);
    await discord.until(() => discord.state.channels.has(own.id) && posted(own.id).length > 0);
    discord.world.setThread(own.id, { archived: true });
    sink.show(working('One.'));
    await discord.until(() => botSaid(world, own.id).includes('One.'));
    discord.world.setThread(own.id, { archived: true, locked: true });
    await sink.finish(done('One. Two.'));
    sink.close();
    const dm = discord.as(ana.id).dmChannel();
    expect(botSaid(world, dm.id)).toEqual(['One. Two.']);
  });

  it('settles a question without complaint when what it is about was opened too long ago', async () => {
    const { discord, ana, channel } = world;
    const own = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hello`);
    const message = await nthMessage(world, 1);
    const { sink } = openReply(world, message);
    const over = new AbortController();
    const answer = sink.ask({ id: 'q', text: 'May I search?', detail: 'size 9' }, over.signal);
    const asked = await discord.until(() => posted(own.id).find(({ content }) => content.includes('May I')));
    discord.as(ana.id).press(asked.id, customIdsOf(asked)[2] ?? '');
    await discord.until(() =>
      discord
        .as(ana.id)
        .sees(own.id)
        .some(it => it.content.includes('size 9')),
    );
    discord.clock.advance(16 * 60_000);
    over.abort();
    expect(await answer).toBe(false);
    const refused = () => discord.journal.rest({ status: 401 });
    await discord.until(() => refused().length > 0);
    discord.as(ana.id).dm('next');
    await nthMessage(world, 2);
    expect(refused()).toHaveLength(1);
    expect(world.logs.filter(({ level }) => level === 'error')).toEqual([]);
    sink.close();
  });

  it('asks in the DMs when the thread is locked', async () => {
    const { discord, ana, channel } = world;
    const own = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hello`);
    const message = await nthMessage(world, 1);
    const { sink } = openReply(world, message);
    await discord.until(() => discord.state.channels.has(own.id) && posted(own.id).length > 0);
    discord.world.setThread(own.id, { archived: true, locked: true });
    const answer = sink.ask({ id: 'q', text: 'May I search?', detail: '' }, new AbortController().signal);
    const dm = discord.as(ana.id).dmChannel();
    const asked = await discord.until(() => posted(dm.id).find(({ content }) => content.includes('May I')));
    await discord.answered(discord.as(ana.id).press(asked.id, customIdsOf(asked)[0] ?? ''));
    expect(await answer).toBe(true);
    await discord.until(() => asked.content.includes('Approved.'));
    sink.close();
  });

  it('says in the log when it cannot be delivered anywhere', async () => {
    const { discord, ana, channel } = world;
    const own = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hello`);
    const message = await nthMessage(world, 1);
    const { sink } = openReply(world, message);
    await discord.until(() => discord.state.channels.has(own.id) && posted(own.id).length > 0);
    const user = discord.state.users.get(ana.id);
    if (user !== undefined) user.acceptsDms = false;
    discord.world.deleteChannel(own.id);
    await sink.finish(done('For nobody.'));
    sink.close();
    expect(world.logs.some(({ event }) => event === 'discord.reply_undeliverable')).toBe(true);
  });
});
