import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PersonError } from '../../../src/core/errors.ts';
import type { CommandAction } from '../../../src/core/message.ts';
import type { HistoryEntry, MemorySection, PreferencesView } from '../../../src/core/views.ts';
import type { Message } from '../../fakes/discord/state.ts';
import { memoryView } from '../scripted-bot.ts';
import { answerWith, botSaid, createWorld, nthMessage, type World } from './harness.ts';
import { answerTo, chose, formOf, idOf, offers, press, pressed, words } from './interacting.ts';

let world: World;

beforeEach(async () => {
  world = await createWorld();
  await world.start();
});
afterEach(() => world.close());

const section = (index: number, more: Partial<MemorySection> = {}): MemorySection => ({
  memoryId: `mem_${index}`,
  path: `/topic-${index}.md`,
  title: `Topic ${index}`,
  facts: [
    { id: `fact${index}`, text: `fact ${index}`, learnedOn: '2026-11-01', learnedBy: null },
    {
      id: `star${index}`,
      text: 'likes *stars* and <@1>',
      learnedOn: null,
      learnedBy: {
        type: 'agent',
        conversation: { words: 'a thread on Discord', link: 'https://discord.com/x' },
      },
    },
  ],
  revision: 'r1',
  lines: [`fact ${index}`, 'likes *stars* and <@1>'],
  content: `- fact ${index}\n- likes *stars* and <@1>\n`,
  updatedAt: '2026-11-01T10:00:00Z',
  shared: false,
  ...more,
});

const memory = (count: number) =>
  memoryView({ sections: Array.from({ length: count }, (_, index) => section(index)) });

const outcome = (sentence: string, ok = true): PreferencesView => ({ type: 'outcome', ok, sentence });

/** Answers some actions as the test says, and the rest with three notes. */
function answering(
  answers: {
    [T in CommandAction['type']]?: (action: Extract<CommandAction, { type: T }>) => PreferencesView;
  },
): void {
  world.bot.onCommand = ({ action }) => {
    const answer = answers[action.type] as ((action: CommandAction) => PreferencesView) | undefined;
    if (answer !== undefined) return answer(action);
    if (action.type === 'show') return { type: 'file', section: section(1) };
    return memory(3);
  };
}

const asked = () => world.bot.commands.map(({ action }) => action);

/** /preferences with a subcommand: "view", "forget fact". */
function command(line: string, values: Record<string, string | number> = {}, place = world.channel.id) {
  return world.discord.as(world.ana.id).slash(place, 'preferences', { path: line.split(' '), values });
}

const shown = (line: string, values?: Record<string, string | number>): Promise<Message> =>
  answerTo(world, command(line, values));

describe('/preferences view', () => {
  it('shows the memory to the person alone, wherever they ask', async () => {
    const { discord, ana, ben, channel, bot } = world;
    answering({});
    const message = await shown('view');
    expect(message.ephemeralFor).toBe(ana.id);
    expect(words(message)).toContain('fact 1');
    expect(discord.as(ben.id).sees(channel.id)).toEqual([]);
    expect(bot.commands).toEqual([
      {
        person: { platform: 'discord', workspace: 'discord', id: ana.id, name: 'Ana' },
        action: { type: 'view' },
      },
    ]);
    const dm = discord.as(ana.id).dmChannel();
    expect((await answerTo(world, command('view', {}, dm.id))).ephemeralFor).toBe(ana.id);
    expect(bot.commands.at(-1)?.conversation).toMatchObject({ channel: dm.id, audience: 'private' });
  });

  it('pages through a large memory within the limits of a message', async () => {
    world.bot.onCommand = () => memory(40);
    let message = await shown('view');
    const seen = new Set<string>();
    for (;;) {
      for (const [fact] of words(message).matchAll(/fact \d+/g)) seen.add(fact);
      if (!offers(message, 'Next')) break;
      message = await pressed(world, world.ana.id, message, 'Next');
    }
    expect(seen.size).toBe(40);
  });

  it('shows text as it is: no markdown, no mentions, nothing that pings', async () => {
    answering({});
    const message = await shown('view');
    expect(words(message)).toContain('likes \\*stars\\* and \\<@1>');
    expect(message.mentions.users).toEqual([]);
  });

  it('opens a note with where each fact is from, and as it is stored, over as many pages as it takes', async () => {
    const { ana } = world;
    const facts = Array.from({ length: 60 }, (_, index) => ({
      id: `id${index}`,
      text: `line number ${index}`,
      learnedOn: '2026-11-01',
      learnedBy: null,
    }));
    const content = facts.map(({ text }) => `- ${text}\n`).join('');
    answering({ show: () => ({ type: 'file', section: section(1, { facts, content }) }) });
    let message = await shown('view', { note: 'topic 1' });
    expect(asked().at(-1)).toEqual({ type: 'show', memoryId: 'mem_1' });
    const seen: string[] = [];
    for (;;) {
      seen.push(...[...words(message).matchAll(/- line number (\d+)/g)].map(([, line]) => line ?? ''));
      if (!offers(message, 'Next')) break;
      message = await pressed(world, ana.id, message, 'Next');
    }
    expect(seen).toEqual(facts.map((_, index) => String(index)));
    message = await pressed(world, ana.id, message, 'As it is stored');
    expect(words(message)).toContain('```\n- line number 0\n- line number 1');
    message = await pressed(world, ana.id, message, 'Where it came from');
    expect(words(message)).toContain('2026-11-01');
  });

  it('leads to where something was learned', async () => {
    answering({});
    expect(words(await shown('view', { note: 'mem_1' }))).toContain(
      '[the agent, in a thread on Discord](https://discord.com/x)',
    );
  });

  it('says which note there is not, and what cannot be reached', async () => {
    const { bot } = world;
    answering({});
    expect(words(await shown('view', { note: 'shoes' }))).toContain('no note called “shoes”');
    bot.onCommand = () => {
      throw new PersonError("I can't reach your memory right now.");
    };
    expect(words(await shown('view'))).toContain("I can't reach your memory right now.");
    expect(world.logs.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('shows what is paused, private and linked, with the way out of each', async () => {
    const { discord, ana, bot } = world;
    const linked = [{ platform: 'slack', name: 'Ana' }];
    bot.onCommand = ({ action }) =>
      action.type === 'view' ? memoryView({ paused: true, privateHere: true, linked }) : outcome('Done.');
    const message = await answerTo(world, command('view', {}, discord.as(ana.id).dmChannel().id));
    expect(words(message)).toContain('Linked with Ana on Slack');
    for (const label of ['Resume memory', 'End private conversation', 'Unlink this account']) {
      await pressed(world, ana.id, message, label);
    }
    expect(asked().filter(({ type }) => type !== 'view')).toEqual([
      { type: 'resume' },
      { type: 'private', on: false },
      { type: 'unlink', confirmed: false },
    ]);
    const [, second] = bot.commands.filter(({ action }) => action.type !== 'view');
    expect(second?.conversation?.channel).toBe(discord.as(ana.id).dmChannel().id);
  });
});

describe('buttons and forms of one person', () => {
  it('do nothing for another, and say so', async () => {
    const { discord, ana, ben, bot } = world;
    answering({});
    const dm = discord.as(ana.id).dmChannel();
    const message = await answerTo(world, command('view', {}, dm.id));
    // Nobody else sees it; this is what a forged press would be.
    message.ephemeralFor = null;
    dm.recipients.push(ben.id);
    const before = bot.commands.length;
    const answer = await answerTo(world, press(world, ben.id, message, 'Forget me'));
    expect([answer.ephemeralFor, words(answer)]).toEqual([ben.id, expect.stringContaining('only for')]);
    expect(bot.commands.length).toBe(before);
  });

  it.each<[string, CommandAction]>([
    ['memory:0:n', { type: 'view' }],
    ['file:mem_1:0:n', { type: 'show', memoryId: 'mem_1' }],
    ['history:1:999:mem_1', { type: 'history', page: 1, memoryId: 'mem_1' }],
    ['forget:mem_1::r1:n', { type: 'forget', memoryId: 'mem_1', revision: 'r1', confirmed: false }],
    ['forget-me:y', { type: 'forget-me', confirmed: true }],
    ['share:mem_1:y', { type: 'share', memoryId: 'mem_1', on: true, confirmed: false }],
    ['share:mem_1:y:y', { type: 'share', memoryId: 'mem_1', on: true, confirmed: true }],
    ['unlink:n', { type: 'unlink', confirmed: false }],
  ])('do on a message of an earlier version what they did: %s', async (id, action) => {
    const { discord, ana } = world;
    answering({});
    const message = await shown('view');
    const asIs = JSON.stringify(message.components);
    message.components = JSON.parse(asIs.replaceAll(idOf(message, 'Forget me'), `${ana.id}:${id}`));
    const before = asked().length;
    discord.as(ana.id).press(message.id, `${ana.id}:${id}`);
    await discord.until(() => asked().length > before, 'the command');
    expect(asked()[before]).toEqual(action);
  });
});

describe('/preferences set', () => {
  const form: PreferencesView = {
    type: 'form',
    formId: 'form-1',
    fields: (
      [
        ['shoe_size', 'Shoe size', '9'],
        ['clothing_sizes', 'Clothing sizes', ''],
        ['budget', 'Budget', '$80'],
        ['style', 'Style', ''],
        ['brands_liked', 'Brands you like', ''],
        ['brands_avoided', 'Brands to avoid', ''],
        ['materials_avoided', 'Materials to avoid', 'wool'],
        ['colours_liked', 'Colours you like', ''],
      ] as const
    ).map(([name, label, value]) => ({ name, label, value, hint: 'such', several: false })),
  };

  it('takes a field and its value, and forgets it with a dash', async () => {
    answering({ set: ({ values }) => outcome(`Saved ${JSON.stringify(values)}`) });
    expect(words(await shown('set', { field: 'budget', value: ' $120 ' }))).toContain('$120');
    await shown('set', { field: 'shoe_size', value: '-' });
    expect(asked().filter(({ type }) => type === 'set')).toEqual([
      { type: 'set', values: { budget: '$120' } },
      { type: 'set', values: { shoe_size: '' } },
    ]);
  });

  it('shows all eight and asks for them in two forms, side by side', async () => {
    const { discord, ana } = world;
    answering({ form: () => form, set: () => outcome('Saved. budget: $120.') });
    const message = await shown('set');
    expect(words(message)).toContain('**Budget:** $80');
    const likes = press(world, ana.id, message, 'Brands you like and 3 more');
    expect(Object.keys((await formOf(world, likes)).values)).toEqual([
      'brands_liked',
      'brands_avoided',
      'materials_avoided',
      'colours_liked',
    ]);
    const sizes = press(world, ana.id, message, 'Shoe size and 3 more');
    expect((await formOf(world, sizes)).values).toMatchObject({ shoe_size: '9', budget: '$80' });
    discord.as(ana.id).submit(sizes, { budget: '$120' });
    await discord.until(() => words(message).includes('Saved. budget: $120.'));
    expect(offers(message, 'Brands you like and 3 more')).toBe(true);
    expect(asked().find(({ type }) => type === 'set')).toEqual({
      type: 'set',
      formId: 'form-1',
      values: { shoe_size: '9', clothing_sizes: '', budget: '$120', style: '' },
    });
  });

  it('is offered where the persona asks for something', async () => {
    const offered = async (hasForm: boolean) => {
      answering({ view: () => memoryView({ hasForm }) });
      return offers(await shown('view'), 'The usual facts');
    };
    expect([await offered(true), await offered(false)]).toEqual([true, false]);
  });

  it('opens the form with the field that is named', async () => {
    const { discord, ana } = world;
    answering({ form: () => form, set: () => outcome('Saved. style: plain.') });
    const opened = command('set', { field: 'style' });
    expect((await formOf(world, opened)).values).toMatchObject({ shoe_size: '9' });
    const answer = await answerTo(world, discord.as(ana.id).submit(opened, { style: 'plain' }));
    expect([answer.ephemeralFor, words(answer)]).toEqual([
      ana.id,
      expect.stringContaining('Saved. style: plain.'),
    ]);
  });
});

describe('notes', () => {
  const draft = (content: string): PreferencesView => ({
    type: 'editor',
    draft: { memoryId: 'mem_1', title: 'Topic 1', content, now: null, revision: 'r1' },
  });
  const lines = (count: number) => Array.from({ length: count }, (_, n) => `- line ${n} of it`).join('\n');

  it('are edited in a form that has the whole text, in parts where one input does not hold it', async () => {
    const { discord, ana } = world;
    const content = `${lines(600)}\n`;
    expect(content.length).toBeGreaterThan(8_000);
    answering({ editor: () => draft(content), edit: () => outcome('Saved: Topic 1.') });
    const opened = command('edit', { note: 'Topic 1' });
    const form = await formOf(world, opened);
    expect(Object.values(form.values).join('\n')).toBe(lines(600));
    const answer = await answerTo(world, discord.as(ana.id).submit(opened, { text_1: '- another middle' }));
    expect(words(answer)).toContain('Saved: Topic 1.');
    const [first = '', , ...rest] = Object.values(form.values);
    expect(asked().find(({ type }) => type === 'edit')).toEqual({
      type: 'edit',
      memoryId: 'mem_1',
      revision: 'r1',
      content: [first, '- another middle', ...rest].join('\n'),
    });
  });

  it('too long for any form are downloaded and uploaded again, whole', async () => {
    const { discord, ana } = world;
    const content = lines(2_000);
    answering({ editor: () => draft(content), edit: () => outcome('Saved: Topic 1.') });
    const message = await shown('edit', { note: 'Topic 1' });
    const [file] = message.attachments;
    expect([file?.filename, file?.data.toString()]).toEqual(['topic-1.md', content]);
    const opened = press(world, ana.id, message, 'Upload the changed text');
    await discord.answered(opened);
    const changed = `${content}\r\n- grüße, 你好\r\n`;
    discord.as(ana.id).submit(opened, {}, { file: [{ name: 'topic-1.md', data: changed }] });
    await discord.until(() => words(message).includes('Saved: Topic 1.'));
    expect(asked().find(({ type }) => type === 'edit')).toEqual({
      type: 'edit',
      memoryId: 'mem_1',
      revision: 'r1',
      content: changed,
    });
    expect(message.attachments).toEqual([]);
  });

  it('are not taken from what is no text', async () => {
    const { discord, ana, channel } = world;
    answering({ editor: () => draft(lines(2_000)) });
    const message = await shown('edit', { note: 'Topic 1' });
    const opened = press(world, ana.id, message, 'Upload the changed text');
    await discord.answered(opened);
    discord.as(ana.id).submit(opened, {}, { file: [{ name: 'x.png', data: Buffer.from([0x89, 0xff]) }] });
    const said = () => discord.as(ana.id).sees(channel.id).map(words).join();
    await discord.until(() => said().includes('not a text file'));
    expect(asked().some(({ type }) => type === 'edit')).toBe(false);
  });

  it('are begun with a title and a text', async () => {
    const { discord, ana } = world;
    answering({
      editor: ({ title = '' }) => ({
        type: 'editor',
        draft: { memoryId: null, title, content: '', now: null, revision: null },
      }),
      create: () => outcome('Saved: Gifts.'),
    });
    const opened = command('new', { title: 'Gifts' });
    expect((await formOf(world, opened)).values).toMatchObject({ title: 'Gifts', text_0: '' });
    const answer = await answerTo(world, discord.as(ana.id).submit(opened, { text_0: '- a kite' }));
    expect(words(answer)).toContain('Saved: Gifts.');
    expect(asked()).toContainEqual({ type: 'create', title: 'Gifts', content: '- a kite' });
  });

  it('that take long to read are answered in time, with a button that opens the form', async () => {
    await world.close();
    world = await createWorld({ formWaitMs: 1 });
    await world.start();
    const { bot, discord, ana } = world;
    let read = () => {};
    bot.onCommand = ({ action }) =>
      action.type === 'editor'
        ? new Promise(resolve => {
            read = () => resolve(draft('- late\n'));
          })
        : memory(3);
    const asking = command('edit', { note: 'Topic 1' });
    await discord.answered(asking);
    read();
    const message = await answerTo(world, asking);
    const opened = press(world, ana.id, message, 'Open it');
    expect((await formOf(world, opened)).values).toEqual({ text_0: '- late' });
  });
});

describe('/preferences forget', () => {
  const confirm = (action: CommandAction, count = 1): PreferencesView => ({
    type: 'confirm',
    question: 'Forget this for good?',
    items: Array.from({ length: count }, (_, index) => ({
      title: `Topic ${index}`,
      path: `/topic-${index}.md`,
      lines: [`fact ${index}`, `*secret* ${index}`],
      wholeFile: index === 0,
    })),
    action: { ...action, confirmed: true } as CommandAction,
    button: 'Forget it',
  });
  const receipt: PreferencesView = {
    type: 'receipt',
    ok: true,
    sentence: 'Forgotten: fact 1.',
    counts: [{ what: 'facts', count: 1 }],
  };
  const twoSteps = (action: CommandAction & { confirmed?: boolean }) =>
    action.confirmed === true ? receipt : confirm(action);

  it('asks first, names what goes, and says what went', async () => {
    answering({ forget: twoSteps });
    const message = await shown('forget fact', { fact: 'fact 1' });
    expect(words(message)).toContain('\\*secret\\* 0');
    expect(words(message)).toContain('(the whole note)');
    await pressed(world, world.ana.id, message, 'Forget it');
    expect(words(message)).toContain('Forgotten: fact 1.');
    expect(words(message)).toContain('1 fact');
    expect(asked().filter(({ type }) => type === 'forget')).toEqual([
      { type: 'forget', memoryId: 'mem_1', factId: 'fact1', confirmed: false },
      { type: 'forget', memoryId: 'mem_1', factId: 'fact1', confirmed: true },
    ]);
  });

  it('takes a note, a day, and everything', async () => {
    answering({ forget: twoSteps, 'forget-since': twoSteps, 'forget-me': twoSteps });
    const { ana } = world;
    await pressed(world, ana.id, await shown('forget note', { note: 'mem_2' }), 'Forget it');
    await pressed(world, ana.id, await shown('forget since', { date: '2026-03-14' }), 'Forget it');
    await pressed(world, ana.id, await shown('forget me'), 'Forget it');
    expect(asked().filter(action => 'confirmed' in action && action.confirmed === true)).toEqual([
      { type: 'forget', memoryId: 'mem_2', revision: 'r1', confirmed: true },
      { type: 'forget-since', since: '2026-03-14', confirmed: true },
      { type: 'forget-me', confirmed: true },
    ]);
  });

  it('takes out of earlier versions what no note says any more, after asking', async () => {
    const old = { type: 'forget-past', factId: 'abcdefghijklmnop' } as const;
    answering({
      'forget-past': action => (action.confirmed === true ? receipt : confirm({ ...action, ...old })),
    });
    await pressed(world, world.ana.id, await shown('forget fact', { fact: 'wool' }), 'Forget it');
    expect(asked().filter(({ type }) => type === 'forget-past')).toEqual([
      { type: 'forget-past', words: 'wool' },
      { ...old, confirmed: true },
    ]);
  });

  it('lists all of it, page by page, before it is forgotten', async () => {
    answering({ 'forget-me': action => (action.confirmed === true ? receipt : confirm(action, 300)) });
    let message = await shown('forget me');
    const seen = new Set<string>();
    for (;;) {
      for (const [fact] of words(message).matchAll(/fact \d+/g)) seen.add(fact);
      if (!offers(message, 'Next')) break;
      message = await pressed(world, world.ana.id, message, 'Next');
    }
    expect(seen.size).toBe(300);
    expect(asked().every(action => !('confirmed' in action) || action.confirmed === false)).toBe(true);
    await pressed(world, world.ana.id, message, 'Forget it');
    expect(words(message)).toContain('Forgotten');
  });

  it('leaves everything as it is when the person says so', async () => {
    answering({ forget: twoSteps });
    const message = await shown('forget note', { note: 'mem_2' });
    await pressed(world, world.ana.id, message, 'Leave it as it is');
    expect(words(message)).toContain('What I remember about you');
    expect(asked().some(action => 'confirmed' in action && action.confirmed === true)).toBe(false);
  });

  it('forgets one fact of a note by its menu', async () => {
    answering({ forget: twoSteps });
    const message = await shown('view', { note: 'mem_1' });
    await chose(world, world.ana.id, message, 'fact 1');
    expect(words(message)).toContain('Forget this for good?');
    await pressed(world, world.ana.id, message, 'Forget it');
    expect(asked().at(-1)).toEqual({ type: 'forget', memoryId: 'mem_1', factId: 'fact1', confirmed: true });
  });

  it('says which fact there is not, and which words fit several', async () => {
    answering({ 'forget-past': ({ words: typed }) => outcome(`There is no “${typed}”.`) });
    expect(words(await shown('forget fact', { fact: 'zebra' }))).toContain('There is no “zebra”.');
    expect(words(await shown('forget fact', { fact: 'fact' }))).toContain(
      'Which one? Write it in full: fact 0; fact 1; fact 2',
    );
  });
});

describe('/preferences history', () => {
  const entry = (index: number, more: Partial<HistoryEntry> = {}): HistoryEntry => ({
    versionId: `memver_${index}`,
    memoryId: 'mem_1',
    path: '/topic-1.md',
    title: 'Topic 1',
    operation: 'modified',
    at: '2026-11-01T10:00:00Z',
    by: { type: 'person', by: 'edit' },
    lines: Array.from({ length: 40 }, (_, line) => ({
      type: 'added',
      text: `entry ${index} line ${line} with some words to it`,
    })),
    movedFrom: null,
    restorable: true,
    current: false,
    revision: 'r9',
    ...more,
  });

  it('shows every line of every entry, over pages, and back', async () => {
    const { ana } = world;
    answering({
      history: ({ page = 0 }) => ({
        type: 'history',
        entries: Array.from({ length: 3 }, (_, index) => entry(page * 3 + index)),
        page,
        more: page < 1,
        memoryId: null,
      }),
    });
    let message = await shown('history');
    const seen = new Set<string>();
    for (;;) {
      for (const [line] of words(message).matchAll(/entry \d+ line \d+/g)) seen.add(line);
      if (!offers(message, 'Older')) break;
      message = await pressed(world, ana.id, message, 'Older');
    }
    expect(seen.size).toBe(240);
    while (offers(message, 'Newer')) message = await pressed(world, ana.id, message, 'Newer');
    expect(words(message)).toContain('entry 0 line 0');
  });

  it('brings an entry back', async () => {
    answering({
      history: () => ({
        type: 'history',
        entries: [entry(1, { current: true }), entry(2)],
        page: 0,
        more: false,
        memoryId: null,
      }),
      restore: () => outcome('Restored: Topic 1.'),
    });
    const message = await shown('history', { note: 'topic 1', page: 1 });
    expect(asked().at(-1)).toEqual({ type: 'history', page: 0, memoryId: 'mem_1' });
    await pressed(world, world.ana.id, message, 'Older');
    await pressed(world, world.ana.id, message, 'Bring back');
    expect(words(message)).toContain('Restored: Topic 1.');
    expect(asked()).toContainEqual({ type: 'restore', versionId: 'memver_2', revision: 'r9' });
  });

  it('of nothing says so', async () => {
    answering({ history: () => ({ type: 'history', entries: [], page: 0, more: false, memoryId: null }) });
    expect(words(await shown('history'))).toContain('Nothing has changed yet.');
  });
});

describe('suggestions', () => {
  const suggested = async (line: string, option: string, typed: string) => {
    const { discord, ana, channel } = world;
    const asking = discord
      .as(ana.id)
      .autocomplete(channel.id, 'preferences', option, typed, { path: line.split(' ') });
    return (await discord.answered(asking)).choices ?? [];
  };

  it('name notes, facts, versions and days, at most 25, and what is chosen is what is meant', async () => {
    const long = section(1, { facts: [{ ...factOf('x'.repeat(300)), id: 'long' }] });
    answering({
      view: () => memoryView({ sections: [...Array.from({ length: 40 }, (_, n) => section(n + 2)), long] }),
      history: () => ({
        type: 'history',
        entries: [{ ...versionOf('memver_7') }],
        page: 0,
        more: false,
        memoryId: null,
      }),
      forget: ({ factId }) => outcome(`Asked about ${factId}.`),
      restore: ({ versionId }) => outcome(`Restored ${versionId}.`),
    });
    expect(await suggested('view', 'note', '')).toHaveLength(25);
    expect(await suggested('edit', 'note', 'TOPIC 41')).toEqual([{ name: 'Topic 41', value: 'mem_41' }]);
    const [fact] = await suggested('forget fact', 'fact', 'xxx');
    expect(words(await shown('forget fact', { fact: String(fact?.value) }))).toContain('Asked about long.');
    const [version] = await suggested('restore', 'version', 'topic');
    expect(version?.name).toContain('2026-11-01 10:00');
    expect(words(await shown('restore', { version: String(version?.value) }))).toContain(
      'Restored memver\\_7.',
    );
    const days = await suggested('forget since', 'date', '');
    expect(days.map(({ value }) => value)).toContain(
      new Date(world.discord.clock.now()).toISOString().slice(0, 10),
    );
  });

  it('are read again after a change', async () => {
    let count = 1;
    answering({ view: () => memory(count), pause: () => outcome('Paused.') });
    expect(await suggested('view', 'note', '')).toHaveLength(1);
    count = 2;
    await shown('pause');
    expect(await suggested('view', 'note', '')).toHaveLength(2);
  });

  it('are none where memory cannot be reached', async () => {
    world.bot.onCommand = () => {
      throw new Error('down');
    };
    expect(await suggested('view', 'note', '')).toEqual([]);
  });

  const factOf = (text: string) => ({ text, learnedOn: null, learnedBy: null });
  const versionOf = (versionId: string): HistoryEntry => ({
    versionId,
    memoryId: 'mem_1',
    path: '/topic-1.md',
    title: 'Topic 1',
    operation: 'modified',
    at: '2026-11-01T10:00:00Z',
    by: { type: 'operator' },
    lines: [],
    movedFrom: null,
    restorable: true,
    current: false,
    revision: 'r9',
  });
});

describe('a conflict', () => {
  const conflict = (mine: string, now: string | null): PreferencesView => ({
    type: 'conflict',
    sentence: 'Topic 1 changed while you were writing. What should I keep?',
    conflicts: [
      {
        id: 'conflict-1',
        title: 'Topic 1',
        path: '/topic-1.md',
        now,
        mine,
        wanted: [{ type: 'added', text: 'mine' }],
        meanwhile: [{ type: 'added', text: 'theirs' }],
      },
    ],
  });
  const editing: PreferencesView = {
    type: 'editor',
    draft: { memoryId: 'mem_1', title: 'Topic 1', content: '- mine\n', now: '- theirs\n', revision: 'r2' },
  };

  it('shows both texts, and does what the person chooses', async () => {
    const { discord, ana } = world;
    answering({
      editor: () => editing,
      edit: () => conflict('- mine\n', '- theirs\n'),
      resolve: ({ choice }) => (choice === 'again' ? editing : outcome(`Chose ${choice}.`)),
    });
    const opened = command('edit', { note: 'mem_1' });
    await discord.answered(opened);
    const message = await answerTo(world, discord.as(ana.id).submit(opened, { text_0: '- mine' }));
    expect(words(message)).toMatch(
      /As it is now\*\*\n```\n- theirs\n```[\s\S]*As you wrote it\*\*\n```\n- mine/,
    );
    const again = press(world, ana.id, message, 'Edit again');
    expect((await formOf(world, again)).text).toContain('What it says now:');
    await pressed(world, ana.id, message, 'Keep mine');
    expect(words(message)).toContain('Chose mine.');
    expect(asked().filter(({ type }) => type === 'resolve')).toEqual([
      { type: 'resolve', conflictId: 'conflict-1', choice: 'again' },
      { type: 'resolve', conflictId: 'conflict-1', choice: 'mine' },
    ]);
  });

  it('of long texts has both attached, whole', async () => {
    const { discord, ana } = world;
    const [mine, now] = ['- mine\n'.repeat(900), '- theirs\n'.repeat(900)];
    answering({ editor: () => editing, edit: () => conflict(mine, now) });
    const opened = command('edit', { note: 'mem_1' });
    await discord.answered(opened);
    const message = await answerTo(world, discord.as(ana.id).submit(opened, {}));
    expect(message.attachments.map(({ filename, data }) => [filename, data.toString()])).toEqual([
      ['as-it-is-now.md', now],
      ['as-you-wrote-it.md', mine],
    ]);
  });
});

describe('/preferences export', () => {
  const file = (content: string): PreferencesView => ({
    type: 'export',
    sentence: 'Here is everything I remember about you.',
    file: { name: 'memory.md', mediaType: 'text/markdown', content },
  });

  it('is a file that only the person gets', async () => {
    answering({ export: () => file('# Memory\n') });
    const message = await shown('export', { format: 'json' });
    expect(message.ephemeralFor).toBe(world.ana.id);
    expect(message.attachments.map(({ filename, data }) => [filename, data.toString()])).toEqual([
      ['memory.md', '# Memory\n'],
    ]);
    expect(asked()).toEqual([{ type: 'export', format: 'json' }]);
  });

  it('arrives where the rest of the process brings an undici of its own', async () => {
    const before = getGlobalDispatcher();
    const agent = new Agent();
    setGlobalDispatcher(agent);
    try {
      answering({ export: () => file('# Memory\n') });
      const [sent] = (await shown('export')).attachments;
      expect(sent?.data.toString()).toBe('# Memory\n');
    } finally {
      setGlobalDispatcher(before);
      await agent.destroy();
    }
  });

  it('is several where Discord takes no file of that size', async () => {
    await world.close();
    world = await createWorld({ fake: { fileLimit: 1_000 } });
    await world.start();
    const { discord, ana, channel } = world;
    const content = `${'grüße 你好\n'.repeat(150)}${'é'.repeat(900)}`;
    answering({ export: () => file(content) });
    await shown('export');
    const files = () =>
      discord
        .as(ana.id)
        .sees(channel.id)
        .flatMap(({ attachments }) => attachments);
    const whole = () =>
      files()
        .map(({ data }) => data.toString())
        .join('');
    await discord.until(() => whole() === content);
    expect(files().every(({ data }) => data.length <= 1_000)).toBe(true);
    expect(files()[0]?.filename).toMatch(/^memory-1-of-\d\.md$/);
  });

  it('of more files than may be sent where the bot is not says where all of it is to be had', async () => {
    await world.close();
    world = await createWorld({ fake: { fileLimit: 1_000 } });
    await world.start();
    const { discord, ana } = world;
    const content = 'likes boots\n'.repeat(700);
    answering({ export: () => file(content) });
    discord.world.installForUser(ana.id);
    const elsewhere = discord.world.addGuild('Elsewhere', { members: [ana.id], withBot: false });
    const place = discord.world.addChannel(elsewhere.id, 'chat').id;
    command('export', {}, place);
    const last = await discord.until(() => discord.as(ana.id).sees(place)[5], 'the last message');
    expect(words(last)).toContain('4 of 9 messages are missing. Ask me the same in a direct message');
    const dm = discord.as(ana.id).dmChannel().id;
    command('export', {}, dm);
    const files = () =>
      discord
        .as(ana.id)
        .sees(dm)
        .flatMap(({ attachments }) => attachments);
    await discord.until(
      () =>
        files()
          .map(({ data }) => data.toString())
          .join('') === content,
      'all of it',
    );
  });
});

describe('where a note may be used, and other accounts', () => {
  it('shares a note and takes that back', async () => {
    let isShared = false;
    answering({
      share: action => {
        const { on, confirmed } = action;
        if (on && confirmed !== true) {
          const items = [{ title: 'Topic 1', path: '/topic-1.md', lines: ['fact 1'], wholeFile: false }];
          const button = 'Use it there too';
          return {
            type: 'confirm',
            question: 'May I?',
            items,
            action: { ...action, confirmed: true },
            button,
          };
        }
        isShared = on;
        return outcome(on ? 'Now used where others read.' : 'In private only.');
      },
      show: () => ({ type: 'file', section: section(1, { shared: isShared }) }),
    });
    const message = await shown('share', { note: 'topic 1' });
    expect(words(message)).toContain('- fact 1');
    await pressed(world, world.ana.id, message, 'Use it there too');
    expect(words(message)).toContain('Now used where others read.');
    await pressed(world, world.ana.id, message, 'Use in private only');
    await shown('unshare', { note: 'topic 1' });
    expect(asked().filter(({ type }) => type === 'share')).toEqual([
      { type: 'share', memoryId: 'mem_1', on: true, confirmed: false },
      { type: 'share', memoryId: 'mem_1', on: true, confirmed: true },
      { type: 'share', memoryId: 'mem_1', on: false, confirmed: false },
      { type: 'share', memoryId: 'mem_1', on: false, confirmed: false },
    ]);
  });

  it('shows all of a long note, page by page, before it is shared', async () => {
    const lines = Array.from({ length: 300 }, (_, index) => `fact number ${index}`);
    const items = [{ title: 'Topic 1', path: '/topic-1.md', lines, wholeFile: false }];
    answering({
      share: action => ({
        type: 'confirm',
        question: 'May I?',
        items,
        action: { ...action, confirmed: true },
        button: 'Use it there too',
      }),
    });
    let message = await shown('share', { note: 'topic 1' });
    const seen: string[] = [];
    for (;;) {
      seen.push(...(words(message).match(/fact number \d+/g) ?? []));
      if (!offers(message, 'Next')) break;
      message = await pressed(world, world.ana.id, message, 'Next');
    }
    expect(seen).toEqual(lines);
    expect(asked().every(action => action.type !== 'share' || action.confirmed === false)).toBe(true);
  });

  it('gives a code for the person alone, and links once that is confirmed', async () => {
    const { ana } = world;
    answering({
      link: ({ code, confirmed }) =>
        code === undefined
          ? {
              type: 'link-code',
              sentence: 'Type this on your other account.',
              code: 'ABCD-2345',
              expiresAt: '2026-11-22T11:00:00Z',
            }
          : confirmed === true
            ? outcome('Linked.')
            : {
                type: 'confirm',
                question: 'Link with Ana on Slack?',
                items: [],
                action: { type: 'link', code, confirmed: true },
                button: 'Link',
              },
    });
    const given = await shown('link');
    expect([given.ephemeralFor, words(given)]).toEqual([ana.id, expect.stringContaining('ABCD-2345')]);
    const message = await shown('link', { code: ' ABCD-2345 ' });
    await pressed(world, ana.id, message, 'Link');
    expect(words(message)).toContain('Linked.');
    expect(asked().filter(({ type }) => type === 'link')).toEqual([
      { type: 'link' },
      { type: 'link', code: 'ABCD-2345', confirmed: false },
      { type: 'link', code: 'ABCD-2345', confirmed: true },
    ]);
  });
});

describe('settings', () => {
  it('change where notices go, by command and by menu', async () => {
    const { ana } = world;
    let mode = 'off';
    answering({
      notices: action => {
        mode = action.mode === 'on' ? 'private' : action.mode;
        return outcome(`Now ${action.mode}.`);
      },
      view: () => memoryView({ notices: mode as 'off' }),
    });
    expect(words(await shown('notices', { mode: 'thread' }))).toContain('Now thread.');
    const message = await shown('notices', { mode: 'on' });
    expect(words(message)).toContain('Now on.');
    await chose(world, ana.id, message, 'Memory notices: below the reply');
    expect(words(message)).toContain('Now thread.');
  });

  it('pause, resume and make a conversation private, each by its command', async () => {
    const { discord, ana } = world;
    answering({
      pause: () => outcome('Paused.'),
      resume: () => outcome('Going on.'),
      private: ({ on }) => outcome(on ? 'Private.' : 'Not private.'),
    });
    await shown('pause');
    await shown('resume');
    const dm = discord.as(ana.id).dmChannel().id;
    await answerTo(world, command('private', { mode: 'on' }, dm));
    const last = world.bot.commands.find(({ action }) => action.type === 'private');
    expect(last).toMatchObject({ action: { on: true }, conversation: { channel: dm, audience: 'private' } });
  });

  it('help names every subcommand', async () => {
    const message = await shown('help');
    const command = [...world.discord.state.app.commands.values()].find(({ name }) => name === 'preferences');
    const options = command?.definition.options as { name: string }[];
    for (const { name } of options.filter(it => it.name !== 'help')) {
      expect(words(message)).toMatch(new RegExp(`\\b${name}\\b`));
    }
  });
});

describe('why', () => {
  const why: PreferencesView = {
    type: 'why',
    sentence: 'This is what I had in front of me for that reply:',
    memories: [
      { memoryId: 'mem_1', path: '/sizes.md', title: 'Sizes', how: ['known', 'read'], forEveryone: false },
    ],
    searched: false,
  };

  it('tells what a reply used, by the message of the reply, to the person it was for', async () => {
    const { discord, ana, ben, channel, bot } = world;
    answering({ why: () => why });
    answerWith(world, () => 'Yes?');
    const sent = discord.as(ana.id).say(channel.id, `<@${discord.botId}> hello`);
    await discord.until(() => botSaid(world, sent.id).includes('Yes?'));
    discord.as(ana.id).say(sent.id, 'and again');
    await nthMessage(world, 2);
    const reply = discord.messages(sent.id).find(({ content }) => content === 'Yes?');
    const message = await answerTo(
      world,
      discord.as(ana.id).messageCommand('Why this?', reply?.id ?? 'no reply'),
    );
    expect(words(message)).toContain('**Sizes**\n-# known from the start, read for it');
    expect(bot.commands.at(-1)).toMatchObject({
      action: { type: 'why', messageId: sent.id },
      conversation: { channel: sent.id, person: { id: ana.id } },
    });
    await pressed(world, ana.id, message, 'View in full');
    expect(words(message)).toContain('Topic 1');
    const before = bot.commands.length;
    const other = await answerTo(world, discord.as(ben.id).messageCommand('Why this?', reply?.id ?? ''));
    expect(words(other)).toContain('only know that for my replies to you');
    const own = await answerTo(world, discord.as(ben.id).messageCommand('Why this?', sent.id));
    expect(words(own)).toContain('not one of my replies');
    expect(bot.commands.length).toBe(before);
  });

  it('is about the latest reply in the conversation by command, also after a restart by message', async () => {
    const { discord, ana } = world;
    answering({ why: () => why });
    answerWith(world, () => 'Yes?');
    const sent = discord.as(ana.id).dm('hello');
    await discord.until(() => botSaid(world, sent.channelId).includes('Yes?'));
    await answerTo(world, command('why', {}, sent.channelId));
    expect(world.bot.commands.at(-1)).toMatchObject({
      action: { type: 'why' },
      conversation: { channel: sent.channelId },
    });
    await world.restart();
    answering({ why: () => why });
    const reply = discord.messages(sent.channelId).find(({ content }) => content === 'Yes?');
    await answerTo(world, discord.as(ana.id).messageCommand('Why this?', reply?.id ?? ''));
    expect(asked()).toEqual([{ type: 'why', messageId: sent.id }]);
  });
});
