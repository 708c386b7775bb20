import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLocalSignals } from '../../../src/core/queue/signals.ts';
import type { Notice, PreferencesView } from '../../../src/core/views.ts';
import { memoryView } from '../scripted-bot.ts';
import { botSaid, createWorld, done, notice, nthMessage, openReply, type World } from './harness.ts';
import { answerTo, idOf, offers, press, pressed, words } from './interacting.ts';

let world: World;

beforeEach(async () => {
  world = await createWorld();
  await world.start();
});
afterEach(() => world.close());

const held: Notice = { ...notice, heldBecauseOf: ['what <@1> wrote', 'a *web page*'] };
const outcome = (sentence: string, ok = true): PreferencesView => ({ type: 'outcome', ok, sentence });

/** A message of Ana's in a thread, as the core has it. */
async function inThread() {
  const { discord, ana, channel } = world;
  discord.as(ana.id).say(channel.id, `<@${discord.botId}> size 9`);
  return nthMessage(world, 1);
}

async function lineIn(channelId: string) {
  return world.discord.until(() => world.discord.messages(channelId).at(-1), 'a line');
}

describe('notices', () => {
  it('are a line under the reply in a DM; Undo says what came of it and See all shows the memory', async () => {
    const { discord, ana, bot } = world;
    const dm = discord.as(ana.id).dm('size 9');
    await world.adapter.notify(await nthMessage(world, 1), notice, 'thread');
    const line = await lineIn(dm.channelId);
    expect(line.content).toContain('+ shoe size: 9');
    bot.onCommand = ({ action }) => (action.type === 'undo' ? outcome('Undone. As before.') : memoryView());
    const all = await answerTo(world, press(world, ana.id, line, 'See all'));
    expect([all.ephemeralFor, words(all)]).toEqual([ana.id, expect.stringContaining('Nothing yet.')]);
    await pressed(world, ana.id, line, 'Undo');
    expect(line.content).toContain('Undone. As before.');
    expect(bot.commands.find(({ action }) => action.type === 'undo')?.action).toEqual({
      type: 'undo',
      noticeId: 'notice-1',
    });
  });

  it('tell others nothing in a shared thread: the content opens for its owner alone', async () => {
    const { discord, ana, ben } = world;
    const message = await inThread();
    await world.adapter.notify(message, notice, 'private');
    const line = await lineIn(message.id);
    expect(line.content).toBe('-# I updated my memory of Ana');
    const opened = await answerTo(world, press(world, ana.id, line, 'What changed?'));
    expect([opened.ephemeralFor, words(opened)]).toEqual([ana.id, expect.stringContaining('shoe size: 9')]);
    await answerTo(world, press(world, ben.id, line, 'What changed?'));
    expect(discord.as(ben.id).sees(message.id).map(words).join()).not.toContain('shoe size');
  });

  it('stand in the thread of the reply, which is not made a second time', async () => {
    const { discord } = world;
    const message = await inThread();
    const { sink } = openReply(world, message);
    await sink.finish(done('Hello.'));
    sink.close();
    await world.adapter.notify(message, notice, 'private');
    expect(botSaid(world, message.id)).toEqual(['Hello.', '-# I updated my memory of Ana']);
    expect(
      discord.journal.rest({ method: 'POST', route: '/channels/:channel/messages/:message/threads' }),
    ).toHaveLength(1);
  });

  it('go to the DMs by setting, and to a line where the person takes no DMs', async () => {
    await world.close();
    world = await createWorld({ settings: { privateNotices: 'dm' } });
    await world.start();
    const { discord, ana, ben, channel } = world;
    await world.adapter.notify(await inThread(), notice, 'private');
    expect(botSaid(world, discord.as(ana.id).dmChannel().id)[0]).toContain('shoe size: 9');
    ben.acceptsDms = false;
    discord.as(ben.id).say(channel.id, `<@${discord.botId}> size 10`);
    const other = await nthMessage(world, 2);
    await world.adapter.notify(other, { ...notice, id: 'notice-2' }, 'private');
    expect(botSaid(world, other.id)).toEqual(['-# I updated my memory of Ben']);
  });

  it('are refused to others on the message of one person', async () => {
    const { discord, ben, bot } = world;
    const message = await inThread();
    const { sink } = openReply(world, message);
    await sink.finish(done('Hello.'));
    sink.close();
    await world.adapter.notify(message, notice, 'thread');
    const line = await discord.until(() =>
      discord.messages(message.id).find(it => it.content.includes('shoe size')),
    );
    expect((await answerTo(world, press(world, ben.id, line, 'Undo'))).ephemeralFor).toBe(ben.id);
    expect(bot.commands).toEqual([]);
  });

  it('of much that changed open in full, in as many messages as it takes', async () => {
    const { discord, ana } = world;
    const lines = Array.from({ length: 200 }, (_, n) => ({
      type: 'added' as const,
      text: `fact ${n} of many`,
    }));
    const dm = discord.as(ana.id).dm('a lot');
    const much: Notice = { id: 'much', changes: [{ ...notice.changes[0], lines } as Notice['changes'][0]] };
    await world.adapter.notify(await nthMessage(world, 1), much, 'thread');
    const line = await lineIn(dm.channelId);
    expect(line.content).toMatch(/and \d+ more$/);
    const before = discord.messages(dm.channelId).length;
    press(world, ana.id, line, 'Everything that changed');
    const said = () => discord.messages(dm.channelId).slice(before).map(words).join('\n');
    await discord.until(() => said().includes('fact 199 of many'));
    for (const { text } of lines) expect(said()).toContain(text);
  });

  it('that were shown before a restart are found in the history', async () => {
    const { ana } = world;
    const message = await inThread();
    await world.adapter.notify(message, held, 'private');
    await world.restart();
    world.bot.onCommand = ({ action }) =>
      action.type === 'history'
        ? {
            type: 'history',
            entries: [
              {
                versionId: 'memver_1',
                memoryId: 'mem_1',
                path: '/sizes.md',
                title: 'Sizes',
                operation: 'created',
                at: '2026-11-01T10:00:00Z',
                by: { type: 'bot', by: 'hold' },
                lines: [{ type: 'added', text: 'shoe size: 9' }],
                movedFrom: null,
                restorable: false,
                current: false,
                revision: null,
              },
            ],
            page: 0,
            more: false,
            memoryId: 'mem_1',
          }
        : action.type === 'keep'
          ? outcome('Kept. It is part of your memory now.')
          : memoryView();
    const opened = await answerTo(world, press(world, ana.id, await lineIn(message.id), 'What is it?'));
    expect(words(opened)).toContain('shoe size: 9');
    expect(world.bot.commands.map(({ action }) => action)).toEqual([{ type: 'history', memoryId: 'mem_1' }]);
    await pressed(world, ana.id, opened, 'Save it');
    expect(words(opened)).toContain('Kept. It is part of your memory now.');
  });
});

describe('changes that are held', () => {
  it('name the source, and are kept or left out by the person', async () => {
    const { discord, ana, bot } = world;
    bot.onCommand = ({ action }) => outcome(action.type === 'keep' ? 'Kept.' : 'Then I leave it out.');
    const dm = discord.as(ana.id).dm('look at this');
    const message = await nthMessage(world, 1);
    await world.adapter.notify(message, held, 'thread');
    const line = await lineIn(dm.channelId);
    expect(line.content).toContain('I had read what \\<@1> wrote and a \\*web page\\* before');
    expect(line.content).toContain('+ shoe size: 9');
    expect(offers(line, 'Undo')).toBe(false);
    await pressed(world, ana.id, line, 'Save it');
    expect(line.content).toContain('Kept.');
    await world.adapter.notify(message, { ...held, id: 'notice-2' }, 'thread');
    const second = await lineIn(dm.channelId);
    await pressed(world, ana.id, second, 'Leave it out');
    expect(second.content).toContain('Then I leave it out.');
    expect(bot.commands.map(({ action }) => action)).toEqual([
      { type: 'keep', noticeId: 'notice-1' },
      { type: 'undo', noticeId: 'notice-2' },
    ]);
  });

  it('are decided in private where others read along, and the line says no more than that', async () => {
    const { discord, ana, ben, bot } = world;
    bot.onCommand = () => outcome('Kept. It is part of your memory now.');
    const message = await inThread();
    await world.adapter.notify(message, held, 'private');
    const line = await lineIn(message.id);
    expect(offers(line, 'Save it')).toBe(false);
    const opened = await answerTo(world, press(world, ana.id, line, 'What is it?'));
    await pressed(world, ana.id, opened, 'Save it');
    await discord.until(() => line.content === '-# Kept', 'the line to be settled');
    expect(discord.as(ben.id).sees(message.id).map(words).join()).not.toMatch(/shoe|web page/);
  });

  it('are shown whole before anybody decides', async () => {
    const { discord, ana } = world;
    const lines = Array.from({ length: 150 }, (_, n) => ({
      type: 'added' as const,
      text: `fact ${n} of many`,
    }));
    const dm = discord.as(ana.id).dm('a lot');
    const much: Notice = { ...held, changes: [{ ...notice.changes[0], lines } as Notice['changes'][0]] };
    await world.adapter.notify(await nthMessage(world, 1), much, 'thread');
    const all = botSaid(world, dm.channelId);
    for (const { text } of lines) expect(all.join('\n')).toContain(text);
    expect(offers(await lineIn(dm.channelId), 'Save it')).toBe(true);
  });
});

describe('/preferences undo and keep', () => {
  const command = async (path: string) => {
    const { discord, ana } = world;
    const dm = discord.as(ana.id).dmChannel();
    return answerTo(world, discord.as(ana.id).slash(dm.id, 'preferences', { path: [path] }));
  };

  it('leave it to the bot which change they are about', async () => {
    world.bot.onCommand = ({ action }) =>
      action.type === 'view' ? memoryView() : outcome(`Did ${action.type}.`);
    expect(words(await command('undo'))).toContain('Did undo.');
    expect(words(await command('keep'))).toContain('Did keep.');
    expect(world.bot.commands.map(({ action }) => action).filter(({ type }) => type !== 'view')).toEqual([
      { type: 'undo' },
      { type: 'keep' },
    ]);
  });
});

/** The question in a thread, which is made with the first thing that is said in it. */
function question(thread: string) {
  const { discord } = world;
  const said = () => (discord.state.channels.has(thread) ? discord.messages(thread) : []);
  return discord.until(() => said().find(({ content }) => content.includes('May I search?')), 'the question');
}

describe('two processes, of which one is connected', () => {
  /** What is pressed in the connected one reaches the other as the bot's signals carry it. */
  async function split() {
    const message = await inThread();
    const worker = await world.worker();
    const signals = createLocalSignals();
    signals.answer(signal =>
      signal.type === 'relay' ? (worker.relayed?.(JSON.parse(JSON.stringify(signal.payload))) ?? null) : null,
    );
    world.bot.relay = (platform, payload) => signals.ask({ type: 'relay', platform, payload });
    return { message, worker };
  }

  it('answer a question where it was asked, with what exactly it is about', async () => {
    const { discord, ana } = world;
    const { message, worker } = await split();
    const sink = worker.openReply(message, null, async () => {});
    const searching = { id: 'q', text: 'May I search?', detail: 'wool-free boots' };
    const answer = sink.ask(searching, new AbortController().signal);
    const asked = await question(message.id);
    const details = await answerTo(world, press(world, ana.id, asked, 'What exactly?'));
    expect([details.ephemeralFor, words(details)]).toEqual([ana.id, expect.stringContaining('wool-free')]);
    await pressed(world, ana.id, details, 'Approve');
    expect(await answer).toBe(true);
    expect(words(details)).toContain('Approved.');
    await discord.until(() => asked.content.includes('Approved.'));
    sink.close();
  });

  it('show a notice where it was pressed', async () => {
    const { ana } = world;
    const { message, worker } = await split();
    await worker.notify(message, notice, 'private');
    const line = await lineIn(message.id);
    const opened = await answerTo(world, press(world, ana.id, line, 'What changed?'));
    expect(words(opened)).toContain('+ shoe size: 9');
    expect(world.bot.commands).toEqual([]);
  });

  it('say that a question is closed which nobody asks any more', async () => {
    const { discord, ana } = world;
    const { message, worker } = await split();
    const over = new AbortController();
    const sink = worker.openReply(message, null, async () => {});
    const answer = sink.ask({ id: 'q', text: 'May I search?', detail: '' }, over.signal);
    const asked = await question(message.id);
    const approve = idOf(asked, 'Approve');
    over.abort();
    expect(await answer).toBe(false);
    asked.components = [
      { type: 1, components: [{ type: 2, style: 1, label: 'Approve', custom_id: approve }] },
    ];
    discord.as(ana.id).press(asked.id, approve);
    await discord.until(() =>
      discord.as(ana.id).sees(message.id).map(words).join().includes('no longer open'),
    );
    sink.close();
  });
});
