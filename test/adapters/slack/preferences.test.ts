import { afterEach, describe, expect, it } from 'vitest';
import type { CommandAction } from '../../../src/core/message.ts';
import type { MemorySection, PreferencesView } from '../../../src/core/views.ts';
import { elementsIn } from '../../fakes/slack/drivers/elements.ts';
import { textsOf } from '../../fakes/slack/rendering.ts';
import { memoryView } from '../scripted-bot.ts';
import { createWorld, type World } from './harness.ts';

let world: World;
afterEach(() => world.stop());

const note = (title: string, more: Partial<MemorySection> = {}): MemorySection => ({
  memoryId: `mem_${title}`,
  path: `/${title.toLowerCase()}.md`,
  title,
  facts: [{ id: `fact_${title}`, text: `${title} & <more>`, learnedOn: null, learnedBy: null }],
  lines: [`${title} & <more>`],
  content: `- ${title} & <more>\n`,
  revision: 'r1',
  updatedAt: '2026-03-14T00:00:00Z',
  shared: false,
  ...more,
});

const confirm = (action: CommandAction): PreferencesView => ({
  type: 'confirm',
  question: `Really ${action.type}?`,
  items: [],
  action: { ...action, confirmed: true } as CommandAction,
  button: 'Go ahead',
});

/** What asks first asks; a note by its id is in the memory; all else is done. */
async function setUp(sections = [note('Sizes'), note('Gifts', { shared: true })]): Promise<void> {
  world = await createWorld();
  world.bot.onCommand = ({ action }): PreferencesView => {
    if (action.type === 'view') return memoryView({ sections });
    if (action.type === 'history')
      return { type: 'history', entries: [], page: 0, more: false, memoryId: null };
    if (action.type === 'editor') {
      const file = sections.find(({ memoryId }) => memoryId === action.memoryId);
      const title = file?.title ?? action.title ?? '';
      const draft = { title, content: file?.content ?? '', now: null };
      return file === undefined
        ? { type: 'editor', draft: { ...draft, memoryId: null, revision: null } }
        : { type: 'editor', draft: { ...draft, memoryId: file.memoryId, revision: 'r1' } };
    }
    if ('confirmed' in action && action.confirmed === false) return confirm(action);
    return { type: 'outcome', ok: true, sentence: `Done: ${action.type}.` };
  };
}

const alone = () => world.ann.sees(world.ann.dmChannel).filter(({ ephemeral }) => ephemeral);
const whispered = (words: string) =>
  world.slack.until(() => alone().find(({ text }) => text.includes(words)), `“${words}” to Ann alone`);
const modalText = () => textsOf(world.ann.modal?.blocks).join('\n');
const inWindow = (words: string) =>
  world.slack.until(() => modalText().includes(words), `“${words}” in a window`);
const commands = () => world.bot.commands.map(({ action }) => action);
const ran = (type: CommandAction['type']) =>
  world.slack.until(() => commands().find(action => action.type === type), `the command ${type}`);

async function command(text = '', channel?: string): Promise<void> {
  const outcome = await world.ann.command('/preferences', text, channel).outcome;
  expect(outcome.type).toBe('done');
}

describe('typed after /preferences', () => {
  it.each<[string, CommandAction]>([
    ['show sizes', { type: 'show', memoryId: 'mem_Sizes' }],
    ['set brands liked H&M', { type: 'set-typed', words: 'brands liked H&M' }],
    ['history gifts', { type: 'history', page: 0, memoryId: 'mem_Gifts' }],
    ['forget sizes', { type: 'forget', memoryId: 'mem_Sizes', revision: 'r1', confirmed: false }],
    [
      'forget gifts & <more>',
      { type: 'forget', memoryId: 'mem_Gifts', factId: 'fact_Gifts', confirmed: false },
    ],
    ['forget since 2026-03-14', { type: 'forget-since', since: '2026-03-14', confirmed: false }],
    ['share sizes', { type: 'share', memoryId: 'mem_Sizes', on: true }],
    ['unshare gifts', { type: 'share', memoryId: 'mem_Gifts', on: false }],
    ['link K7PQ-2MXD', { type: 'link', code: 'K7PQ-2MXD', confirmed: false }],
    ['unlink', { type: 'unlink', confirmed: false }],
    ['pause', { type: 'pause' }],
    ['restore', { type: 'history' }],
  ])('“%s” does what it says', async (text, action) => {
    await setUp();
    await command(text);
    await world.slack.until(() => commands().some(({ type }) => type === action.type), 'the command');
    expect(commands().find(({ type }) => type === action.type)).toEqual(action);
  });

  it.each([
    ['edit sizes', 'Sizes & <more>'],
    ['edit hats', 'hats'],
    ['new Gift ideas', 'Gift ideas'],
  ])('“%s” opens a window to write in', async (text, shown) => {
    await setUp();
    await command(text);
    await inWindow('One fact per line');
    expect(JSON.stringify(world.ann.modal)).toContain(shown);
  });

  it('what was not found is said with what there is', async () => {
    await setUp();
    await command('show hats');
    expect((await whispered('no note called “hats”')).text).toContain('• Sizes\n• Gifts');
  });

  it('“undo” and “keep” leave it to the bot which change they are about', async () => {
    await setUp();
    await command('undo');
    expect(await ran('undo')).toEqual({ type: 'undo' });
    await whispered('Done: undo.');
    await command('keep');
    expect(await ran('keep')).toEqual({ type: 'keep' });
  });

  it('“private on” means the conversation here, also after a restart', async () => {
    await setUp();
    const channel = world.workspace.addChannel('general', { members: [world.ann] });
    await world.ann.mention(channel.id, 'Hello').settled;
    const { conversation } = await world.received(1);
    await world.ann.dm('Hello').settled;
    await world.received(2);
    const answer = world.bot.onCommand;
    await world.restart();
    world.bot.onCommand = answer;
    await command('private on', channel.id);
    await ran('private');
    expect(world.bot.commands[0]?.conversation).toEqual(conversation);
  });

  it('what is pressed in a channel is never about a conversation elsewhere', async () => {
    await setUp();
    await world.ann.dm('Hello').settled;
    await world.received(1);
    const channel = world.workspace.addChannel('general', { members: [world.ann] });
    await command('', channel.id);
    const shown = await world.slack.until(
      () => world.ann.sees(channel.id).find(({ text }) => text.includes('What I remember')),
      'the memory, in the channel',
    );
    await world.ann.press(shown, 'memory_pause').outcome;
    await ran('pause');
    const pressed = world.bot.commands.find(({ action }) => action.type === 'pause');
    expect(pressed?.conversation).toBeUndefined();
  });

  it('the form is offered where the persona asks for something', async () => {
    await setUp();
    for (const hasForm of [true, false]) {
      world.bot.onCommand = () => memoryView({ hasForm, paused: !hasForm });
      await command();
      const shown = await whispered('What I remember');
      await world.slack.until(
        () =>
          alone().some(({ blocks }) =>
            JSON.stringify(blocks).includes(hasForm ? 'Pause memory' : 'Resume memory'),
          ),
        'the memory',
      );
      expect(JSON.stringify((alone().at(-1) ?? shown).blocks).includes('memory_form')).toBe(hasForm);
    }
  });

  it('what no note says is looked for in earlier versions, and forgotten after asking', async () => {
    await setUp();
    const { onCommand } = world.bot;
    world.bot.onCommand = it =>
      it.action.type === 'forget-past' && it.action.words !== undefined
        ? confirm({ type: 'forget-past', factId: 'fact_Wool' })
        : onCommand(it);
    await command('forget wool');
    const asked = await whispered('Really forget-past?');
    await world.ann.press(asked, { actionId: 'memory_forget-past' }).outcome;
    await whispered('Done: forget-past.');
    expect(commands().filter(({ type }) => type === 'forget-past')).toEqual([
      { type: 'forget-past', words: 'wool' },
      { type: 'forget-past', factId: 'fact_Wool', confirmed: true },
    ]);
  });

  it('“private on” can be the first thing that is said in the direct messages', async () => {
    await setUp();
    await world.ann.openApp('messages')?.settled;
    await world.slack.until(() => world.bot.prepared.length > 0, 'the opening');
    await command('private on');
    await ran('private');
    const dm = { channel: world.ann.dmChannel, audience: 'private' };
    expect(world.bot.commands[0]?.conversation).toMatchObject(dm);
    // What is said there later is what is meant from then on.
    await world.ann.dm('Hello').settled;
    const { conversation } = await world.received(1);
    await world.ann.openApp('messages')?.settled;
    await command('private off');
    await world.slack.until(
      () => commands().filter(({ type }) => type === 'private').length === 2,
      'the end',
    );
    const ended = world.bot.commands.findLast(({ action }) => action.type === 'private');
    expect(ended?.conversation).toEqual(conversation);
  });

  it('a day can be chosen, since which all is forgotten after asking', async () => {
    await setUp();
    await command();
    const shown = await whispered('What I remember');
    await world.ann.press(shown, { actionId: 'memory_since', value: '2026-03-14' }).outcome;
    await inWindow('Really forget-since?');
    expect(await ran('forget-since')).toEqual({
      type: 'forget-since',
      since: '2026-03-14',
      confirmed: false,
    });
    await world.ann.pressInModal('memory_forget-since').outcome;
    await inWindow('Done: forget-since.');
    expect(commands()).toContainEqual({ type: 'forget-since', since: '2026-03-14', confirmed: true });
  });
});

describe('where a note may be used', () => {
  it('stands on every note, and is changed beside it: to more people after asking', async () => {
    await setUp();
    await command();
    const shown = await whispered('What I remember');
    expect(shown.text).toMatch(/\*Sizes\* .*in private only[\s\S]*\*Gifts\* .*others can read too/);
    const share = elementsIn(shown.blocks).filter(({ element }) => element.action_id === 'memory_share');
    expect(share.map(({ element }) => [element.text, element.confirm !== undefined])).toMatchObject([
      [{ text: 'Use where others can read too' }, true],
      [{ text: 'Use in private only' }, false],
    ]);
    const on = JSON.stringify({ type: 'share', memoryId: 'mem_Sizes', on: true });
    await world.ann.press(shown, { actionId: 'memory_share', value: on }).outcome;
    expect((await whispered('Done: share.')).ts).toBe(shown.ts);
  });

  it('can be changed on the Home tab', async () => {
    const sections = [note('Sizes')];
    await setUp(sections);
    await world.ann.openApp('home')?.settled;
    await world.slack.until(
      () => textsOf(world.ann.home?.blocks).join().includes('private only'),
      'the Home tab',
    );
    sections.splice(0, 1, note('Sizes', { shared: true }));
    await world.ann.pressInHome('memory_share').outcome;
    await world.slack.until(
      () => textsOf(world.ann.home?.blocks).join().includes('others can read too'),
      'the change',
    );
    expect(await ran('share')).toEqual({ type: 'share', memoryId: 'mem_Sizes', on: true });
  });
});

describe('linking accounts', () => {
  const code: PreferencesView = {
    type: 'link-code',
    sentence: 'Type this on your other account:',
    code: 'K7PQ-2MXD',
    expiresAt: '2026-03-14T10:10:00.000Z',
  };
  async function withCode(): Promise<void> {
    await setUp();
    const rest = world.bot.onCommand;
    world.bot.onCommand = it => (it.action.type === 'link' && it.action.code === undefined ? code : rest(it));
  }

  it('shows the code and its end to the person alone, and keeps it from notifications', async () => {
    await withCode();
    const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
    await command('link', channel.id);
    const shown = await world.slack.until(
      () => world.ann.sees(channel.id).find(({ text }) => text.includes('K7PQ-2MXD')),
      'the code',
    );
    expect(shown).toMatchObject({ ephemeral: true });
    expect(shown.text).toContain('<!date^1773483000^{date_short_pretty} {time}|2026-03-14 10:10 UTC>');
    expect(shown.fallback).not.toContain('K7PQ');
    expect(world.ben.sees(channel.id)).toEqual([]);
    expect(JSON.stringify(world.logs)).not.toContain('K7PQ');
  });

  it('with a button, a window has the code and takes one from elsewhere, and asks before it links', async () => {
    await withCode();
    await world.ann.openApp('home')?.settled;
    await world.slack.until(() => world.ann.home, 'the Home tab');
    await world.ann.pressInHome('memory_link').outcome;
    await inWindow('K7PQ-2MXD');
    await world.ann.submit({ code: ' zz11-yy22 ' }).outcome;
    await inWindow('Really link?');
    const button = elementsIn((world.ann.modal?.blocks ?? []) as never).find(
      ({ element }) => element.action_id === 'memory_link',
    );
    expect(button?.element).toMatchObject({ style: 'primary' });
    await world.ann.pressInModal('memory_link').outcome;
    await inWindow('Done: link.');
    expect(commands()).toContainEqual({ type: 'link', code: 'zz11-yy22', confirmed: true });
  });

  it('shows the other accounts, and unlinks after asking', async () => {
    await setUp();
    const rest = world.bot.onCommand;
    world.bot.onCommand = it =>
      it.action.type === 'view'
        ? memoryView({ linked: [{ platform: 'discord', name: 'ann & co' }] })
        : rest(it);
    await command();
    const shown = await whispered('Linked with ann &amp; co on Discord');
    await world.ann.press(shown, 'memory_unlink').outcome;
    await inWindow('Really unlink?');
    await world.ann.pressInModal('memory_unlink').outcome;
    await inWindow('Done: unlink.');
    expect(commands()).toContainEqual({ type: 'unlink', confirmed: true });
  });

  it('is left alone by the other button', async () => {
    await setUp();
    await command('unlink');
    const asked = await whispered('Really unlink?');
    await world.ann.press(asked, 'memory_view_leave').outcome;
    expect((await whispered('What I remember')).ts).toBe(asked.ts);
    expect(commands().filter(({ type }) => type === 'unlink')).toHaveLength(1);
  });
});
