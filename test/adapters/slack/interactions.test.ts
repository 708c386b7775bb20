import { afterEach, describe, expect, it } from 'vitest';
import { PersonError } from '../../../src/core/errors.ts';
import type { CommandAction } from '../../../src/core/message.ts';
import type { MemorySection, Notice, PreferencesView } from '../../../src/core/views.ts';
import { elementsIn } from '../../fakes/slack/drivers/elements.ts';
import type { Seen } from '../../fakes/slack/drivers/screen.ts';
import { textsOf } from '../../fakes/slack/rendering.ts';
import { done, keeper, memoryView } from '../scripted-bot.ts';
import { createWorld, TRANSPORTS, type World, type WorldOptions } from './harness.ts';

let world: World;
afterEach(() => world.stop());

const SIZES: MemorySection = {
  memoryId: 'mem_sizes',
  path: '/sizes.md',
  title: 'Sizes',
  facts: [],
  lines: ['shoe size: 9', 'coat: M & <L>'],
  content: '# Sizes\n- shoe size: 9 (2026-03-14)\n- coat: M & <L>\n',
  revision: 'r1',
  updatedAt: '2026-03-14T00:00:00Z',
  shared: false,
};

/** Buttons as they stand beside a note. */
const SHOW = { actionId: 'memory_show', value: JSON.stringify({ type: 'show', memoryId: 'mem_sizes' }) };
const FORGET = {
  actionId: 'memory_forget',
  value: JSON.stringify({ type: 'forget', memoryId: 'mem_sizes', revision: 'r1' }),
};

const NOTICE: Notice = {
  id: 'notice-1',
  changes: [
    {
      memoryId: 'mem_sizes',
      path: '/sizes.md',
      operation: 'modified',
      lines: [{ type: 'added', text: 'shoe size: 9 <!channel>' }],
    },
  ],
};

async function setUp(options: WorldOptions = {}): Promise<void> {
  world = await createWorld(options);
  world.bot.onCommand = ({ action }): PreferencesView => {
    switch (action.type) {
      case 'show':
        return { type: 'file', section: SIZES };
      case 'view':
        return memoryView({ sections: [SIZES] });
      default:
        return { type: 'outcome', ok: true, sentence: `Done: ${action.type}.` };
    }
  };
}

const alone = () => world.ann.sees(world.ann.dmChannel).filter(({ ephemeral }) => ephemeral);

/** What Ann alone sees next. */
const whispered = (words: string) =>
  world.slack.until(() => alone().find(({ text }) => text.includes(words)), `“${words}” to Ann alone`);

async function command(text = ''): Promise<void> {
  const outcome = await world.ann.command('/preferences', text).outcome;
  expect(outcome.type).toBe('done');
}

const commands = () => world.bot.commands.map(({ action }) => action);
const modalText = () => textsOf(world.ann.modal?.blocks).join('\n');
const homeText = () => textsOf(world.ann.home?.blocks).join('\n');

/** Ann asks, is answered, and her memory changed; returns the notice as she sees it. */
async function noticed(
  where: 'dm' | 'channel',
  mode: 'thread' | 'private',
  before: () => void = () => {},
): Promise<{ seen: Seen; channel: string; thread: string }> {
  const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
  const posted = where === 'dm' ? world.ann.dm('Hello') : world.ann.mention(channel.id, 'Hello');
  await posted.settled;
  const message = await world.received();
  const sink = world.open(message, keeper());
  await sink.finish(done('Noted.'));
  before();
  await world.adapter.notify(message, NOTICE, mode);
  sink.close();
  const seen = world.ann.sees(posted.channel, posted.ts).at(-1);
  if (seen === undefined) throw new Error('no notice');
  return { seen, channel: posted.channel, thread: posted.ts };
}

describe.each(TRANSPORTS)('/preferences over %s', transport => {
  it('shows the person, and nobody else, what is remembered', async () => {
    await setUp({ transport });
    const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
    await world.ann.command('/preferences', '', channel.id).outcome;
    const shown = await world.slack.until(
      () => world.ann.sees(channel.id).find(({ text }) => text.includes('What I remember about you')),
      'the view',
    );
    expect(shown.ephemeral).toBe(true);
    expect(shown.text).toMatch(/\*Sizes\* .*private only\n• shoe size: 9\n• coat: M &amp; &lt;L&gt;/);
    expect(world.ben.sees(channel.id)).toEqual([]);
    expect(world.bot.commands[0]?.person).toMatchObject({
      id: world.ann.id,
      workspace: world.workspace.id,
      name: 'Ann',
    });
  });

  it('answers in time though the memory takes long, and says so when it cannot be reached', async () => {
    await setUp({ transport });
    let fail = (_: Error) => {};
    world.bot.onCommand = () =>
      new Promise((_, reject) => {
        fail = reject;
      });
    await command();
    await world.slack.until(() => world.bot.commands[0], 'the command');
    fail(new Error('no connection to 10.0.0.1'));
    const shown = await whispered("I can't reach your memory right now");
    expect(shown.text).not.toContain('10.0.0.1');
  });
});

describe('/preferences', () => {
  it('passes on a sentence that is meant for the person', async () => {
    await setUp();
    world.bot.onCommand = () => {
      throw new PersonError('Your memory is being moved. Please try in an hour.');
    };
    await command();
    await whispered('Your memory is being moved. Please try in an hour.');
  });

  it.each([
    ['notices off', [{ type: 'notices', mode: 'off' }, { type: 'view' }]],
    ['notices private', [{ type: 'notices', mode: 'private' }, { type: 'view' }]],
    ['NOTICES On', [{ type: 'notices', mode: 'on' }, { type: 'view' }]],
    ['', [{ type: 'view' }]],
  ])('understands “%s”', async (text, expected) => {
    await setUp();
    await command(text);
    await world.slack.until(() => commands().length === expected.length, 'the commands');
    expect(commands()).toEqual(expected);
  });

  it.each([
    ['help', '/preferences notices on'],
    ['dance', "I don't know “/preferences dance”"],
    ['notices sometimes', 'on, private, off or default'],
    ['forget', 'Forget what?'],
    ['share', 'Which note may I also use'],
  ])('explains itself to “%s”', async (text, said) => {
    await setUp();
    await command(text);
    await whispered(said);
    expect(commands()).toEqual([]);
  });

  it('shows a note in full in a window, exactly as it is stored', async () => {
    await setUp();
    await command();
    const view = await whispered('What I remember');
    await world.ann.press(view, SHOW).outcome;
    await world.slack.until(() => modalText().includes('2026-03-14'), 'the note');
    expect(modalText()).toContain('# Sizes\n- shoe size: 9 (2026-03-14)\n- coat: M &amp; &lt;L&gt;');
    expect(commands().at(-1)).toEqual({ type: 'show', memoryId: 'mem_sizes' });
  });

  it('shows beside what was pressed what Slack opens no window for any more', async () => {
    await setUp();
    await command();
    const view = await whispered('What I remember');
    world.slack.fail('views.open', { type: 'error', error: 'expired_trigger_id' });
    await world.ann.press(view, SHOW).outcome;
    const shown = await whispered('2026-03-14');
    expect(shown.ts).not.toBe(view.ts);
    expect(alone().map(({ ts }) => ts)).toContain(view.ts);
  });

  it('opens the window in time though the memory takes long', async () => {
    await setUp();
    await command();
    const view = await whispered('What I remember');
    let answer = (_: PreferencesView) => {};
    world.bot.onCommand = () =>
      new Promise(resolve => {
        answer = resolve;
      });
    await world.ann.press(view, SHOW).outcome;
    await world.slack.until(() => modalText().includes('One moment'), 'a window');
    await world.slack.until(() => world.bot.commands[1], 'the command');
    world.slack.clock.advance(60_000);
    answer({ type: 'file', section: SIZES });
    await world.slack.until(() => modalText().includes('2026-03-14'), 'the note');
  });

  it('forgets one note after asking, and shows what is left', async () => {
    await setUp();
    await command();
    const view = await whispered('What I remember');
    const forget = elementsIn(view.blocks).find(({ element }) => element.action_id === 'memory_forget');
    expect(forget?.element.confirm).toMatchObject({ confirm: { text: 'Forget' }, deny: { text: 'Keep' } });
    await world.ann.press(view, FORGET).outcome;
    const after = await whispered('Done: forget.');
    expect(after.ts).toBe(view.ts);
    expect(commands().slice(1)).toEqual([
      { type: 'forget', memoryId: 'mem_sizes', revision: 'r1' },
      { type: 'view' },
    ]);
  });

  it('turns notices off with a button', async () => {
    await setUp();
    await command();
    const view = await whispered('What I remember');
    await world.ann.press(view, 'memory_notices_off').outcome;
    await whispered('Done: notices.');
    expect(commands()).toContainEqual({ type: 'notices', mode: 'off' });
  });
});

describe('everything else about a memory', () => {
  const answers = (more: Partial<Record<CommandAction['type'], PreferencesView>>) => {
    const before = world.bot.onCommand;
    world.bot.onCommand = command => more[command.action.type] ?? before(command);
  };
  const ran = (type: CommandAction['type']) =>
    world.slack.until(() => commands().find(action => action.type === type), `the command ${type}`);

  it('is edited as a form', async () => {
    await setUp();
    const field = { label: 'Shoe size', hint: 'e.g. 9', several: false };
    answers({
      form: {
        type: 'form',
        formId: 'f1',
        fields: [
          { ...field, name: 'shoe_size', value: '9' },
          { ...field, name: 'budget', label: 'Budget', value: '' },
        ],
      },
      set: { type: 'outcome', ok: true, sentence: 'Saved.' },
    });
    await command('edit');
    await world.slack.until(() => modalText().includes('Shoe size'), 'the form');
    await world.ann.submit({ shoe_size: '10', budget: ' $120 ' }).outcome;
    await world.slack.until(() => modalText().includes('Saved.'), 'the outcome');
    expect(await ran('set')).toEqual({
      type: 'set',
      formId: 'f1',
      values: { shoe_size: '10', budget: '$120' },
    });
    expect(modalText()).toContain('What I remember about you');
  });

  it('keeps what is too long for a form, which is not in it', async () => {
    await setUp();
    const field = { hint: '', several: true };
    answers({
      form: {
        type: 'form',
        formId: 'f1',
        fields: [
          { ...field, name: 'style', label: 'Style', value: 'plain' },
          {
            ...field,
            name: 'materials_avoided',
            label: 'Materials avoided',
            value: `${'wool, '.repeat(600)}silk`,
          },
        ],
      },
      set: { type: 'outcome', ok: true, sentence: 'Saved.' },
    });
    await command('edit');
    await world.slack.until(() => modalText().includes('Style'), 'the form');
    expect(modalText()).toContain('Too long for a form, so left as it is: Materials avoided');
    await world.ann.submit().outcome;
    expect(await ran('set')).toEqual({ type: 'set', formId: 'f1', values: { style: 'plain' } });
  });

  it('is edited as a note, and a conflict is settled by the person', async () => {
    await setUp();
    const draft = {
      memoryId: 'mem_sizes',
      title: 'Sizes',
      content: '- shoe size: 9\n',
      now: null,
      revision: 'r1',
    };
    answers({
      editor: { type: 'editor', draft },
      edit: {
        type: 'conflict',
        sentence: 'Something else stands there by now.',
        conflicts: [
          {
            id: 'c1',
            title: 'Sizes',
            path: '/sizes.md',
            now: '- shoe size: 8\n',
            mine: '- shoe size: 10\n',
            wanted: [{ type: 'added', text: 'shoe size: 10' }],
            meanwhile: [{ type: 'added', text: 'shoe size: 8' }],
          },
        ],
      },
    });
    await command();
    const view = await whispered('What I remember');
    await world.ann.press(view, 'memory_editor').outcome;
    await world.slack.until(() => modalText().includes('One fact per line'), 'the note');
    await world.ann.submit({ text_0: '- shoe size: 10' }).outcome;
    await world.slack.until(() => modalText().includes('Something else stands there'), 'the conflict');
    expect(await ran('edit')).toEqual({
      type: 'edit',
      memoryId: 'mem_sizes',
      revision: 'r1',
      content: '- shoe size: 10',
    });
    await world.ann.pressInModal('memory_resolve_mine').outcome;
    expect(await ran('resolve')).toEqual({ type: 'resolve', conflictId: 'c1', choice: 'mine' });
    await world.slack.until(() => modalText().includes('Done: resolve.'), 'the outcome');
  });

  it('gets a new note', async () => {
    await setUp();
    const draft = { memoryId: null, title: '', content: '', now: null, revision: null };
    answers({ editor: { type: 'editor', draft } });
    await command();
    await world.ann.press(await whispered('What I remember'), 'memory_editor_new').outcome;
    await world.slack.until(() => modalText().includes('Title'), 'the form');
    await world.ann.submit({ title: 'Gifts', text_0: '- a ring' }).outcome;
    expect(await ran('create')).toEqual({ type: 'create', title: 'Gifts', content: '- a ring' });
  });

  it('is forgotten altogether, after asking, with a receipt', async () => {
    await setUp();
    world.bot.onCommand = ({ action }) => {
      if (action.type !== 'forget-me') return memoryView();
      return action.confirmed === true
        ? {
            type: 'receipt',
            ok: true,
            sentence: 'I have forgotten you.',
            counts: [{ what: 'memories', count: 2 }],
          }
        : {
            type: 'confirm',
            question: 'Really everything?',
            items: [],
            action: { type: 'forget-me', confirmed: true },
            button: 'Forget me',
          };
    };
    await command('forget me');
    const asked = await whispered('Really everything?');
    await world.ann.press(asked, 'memory_forget-me').outcome;
    const receipt = await whispered('I have forgotten you.');
    expect(receipt.ts).toBe(asked.ts);
    expect(receipt.text).toContain('2 notes');
    expect(commands().map(action => 'confirmed' in action && action.confirmed)).toEqual([false, true]);
  });

  it('has a history, of which an entry can be brought back', async () => {
    await setUp();
    const entry = {
      versionId: 'ver_1',
      memoryId: 'mem_sizes',
      path: '/sizes.md',
      title: 'Sizes',
      operation: 'modified' as const,
      at: '2026-03-14T09:30:00Z',
      by: { type: 'person' as const, by: 'edit' as const },
      lines: [{ type: 'added' as const, text: 'shoe size: 9' }],
      movedFrom: null,
      restorable: true,
      current: false,
      revision: 'r2',
    };
    answers({ history: { type: 'history', entries: [entry], page: 0, more: true, memoryId: null } });
    await command('history');
    const shown = await whispered('What changed');
    expect(shown.text).toContain('2026-03-14 09:30 UTC>, by you, by hand');
    await world.ann.press(shown, 'memory_restore').outcome;
    expect(await ran('restore')).toEqual({ type: 'restore', versionId: 'ver_1', revision: 'r2' });
  });

  it('is paused with a button, and the next one resumes', async () => {
    await setUp();
    await command();
    const shown = await whispered('What I remember');
    world.bot.onCommand = ({ action }) =>
      action.type === 'view'
        ? memoryView({ paused: true })
        : { type: 'outcome', ok: true, sentence: 'Paused.' };
    await world.ann.press(shown, 'memory_pause').outcome;
    const after = await whispered('Paused.');
    expect(after.text).toContain('Memory is paused');
    await world.ann.press(after, 'memory_resume').outcome;
    await ran('resume');
  });

  it('knows which conversation is meant', async () => {
    await setUp();
    await command('why');
    await ran('why');
    expect(world.bot.commands[0]).not.toHaveProperty('conversation');
    const posted = world.ann.dm('Hello');
    await posted.settled;
    await command('private on');
    expect(await ran('private')).toEqual({ type: 'private', on: true });
    expect(world.bot.commands.at(-1)?.conversation).toEqual(world.bot.received[0]?.conversation);
  });
});

describe('the Home tab', () => {
  it('shows the memory when it is opened, and again when it changed', async () => {
    await setUp();
    await world.ann.openApp('home')?.settled;
    await world.slack.until(() => homeText().includes('shoe size: 9'), 'the Home tab');
    world.bot.onCommand = ({ action }) =>
      action.type === 'view' ? memoryView() : { type: 'outcome', ok: true, sentence: 'Forgotten.' };
    await world.ann.pressInHome(FORGET).outcome;
    await world.slack.until(() => homeText().includes('Nothing yet'), 'the Home tab without it');
  });

  it('is brought up to date by a turn that changed the memory', async () => {
    await setUp();
    world.bot.onCommand = () => memoryView();
    await world.ann.openApp('home')?.settled;
    await world.slack.until(() => homeText().includes('Nothing yet'), 'the empty Home tab');
    world.bot.onCommand = () => memoryView({ sections: [SIZES] });
    await noticed('dm', 'thread');
    await world.slack.until(() => homeText().includes('shoe size: 9'), 'the Home tab with it');
  });

  it('is not published for who never opened it', async () => {
    await setUp();
    await noticed('dm', 'thread');
    await command('notices off');
    await whispered('Done: notices.');
    expect(world.slack.calls('views.publish')).toEqual([]);
  });

  it('opens a note in a window', async () => {
    await setUp();
    await world.ann.openApp('home')?.settled;
    await world.slack.until(() => world.ann.home, 'the Home tab');
    await world.ann.pressInHome(SHOW).outcome;
    await world.slack.until(() => modalText().includes('2026-03-14'), 'the note');
  });
});

describe('a notice', () => {
  it('in a DM stands in the thread, quiet, with See all and Undo', async () => {
    await setUp();
    const { seen } = await noticed('dm', 'thread');
    expect(seen).toMatchObject({ ephemeral: false, fallback: 'Memory updated' });
    expect(seen.blocks[0]).toMatchObject({ type: 'context' });
    expect(seen.text).toContain('+ shoe size: 9 &lt;!channel&gt;');
    expect(world.slack.pings()).toEqual([]);
    expect(elementsIn(seen.blocks).map(({ element }) => element.action_id)).toEqual([
      'notice_all',
      'notice_undo',
    ]);
  });

  it.each([
    { type: 'drop', when: 'before' },
    { type: 'drop', when: 'after' },
    { type: 'http', status: 503 },
  ] as const)('stands there once when Slack does not answer at first (%o)', async fault => {
    await setUp();
    const { channel, thread } = await noticed('dm', 'thread', () => {
      world.slack.fail('chat.postMessage', fault);
      world.slack.fail('conversations.replies', { type: 'http', status: 500 });
    });
    const shown = () =>
      world.ann.sees(channel, thread).filter(({ text }) => text.includes('shoe size: 9')).length;
    await world.slack.until(() => world.slack.calls('conversations.replies').length > 1 && shown() > 0);
    // Whatever is still to come of it is waited for.
    await world.adapter.stop();
    expect(shown()).toBe(1);
  });

  it('is shown where the app may not look whether it stands there already', async () => {
    await setUp();
    const { channel, thread } = await noticed('dm', 'thread', () => {
      world.slack.fail('chat.postMessage', { type: 'drop', when: 'before' });
      world.slack.fail('conversations.replies', { type: 'error', error: 'missing_scope' }, { times: 9 });
    });
    await world.slack.until(
      () => world.ann.sees(channel, thread).some(({ text }) => text.includes('shoe size: 9')),
      'the notice',
    );
  });

  it('in a channel is for the person alone, and Undo replaces it with what came of it', async () => {
    await setUp();
    const { seen, channel } = await noticed('channel', 'private');
    expect(seen.ephemeral).toBe(true);
    expect(world.ben.sees(channel).some(({ text }) => text.includes('shoe size'))).toBe(false);
    await world.ann.press(seen, 'notice_undo').outcome;
    const settled = await world.slack.until(
      () => world.ann.sees(channel).find(({ text }) => text === 'Done: undo.'),
      'the outcome',
    );
    expect(settled.ts).toBe(seen.ts);
    expect(elementsIn(settled.blocks)).toEqual([]);
    expect(commands()).toEqual([{ type: 'undo', noticeId: 'notice-1' }]);
  });

  it('keeps its buttons when it could not be undone', async () => {
    await setUp();
    const { seen, channel } = await noticed('dm', 'thread');
    world.bot.onCommand = () => ({ type: 'outcome', ok: false, sentence: 'Not undone: it changed again.' });
    await world.ann.press(seen, 'notice_undo').outcome;
    await world.slack.until(() => world.ann.sees(channel).some(({ text }) => text.startsWith('Not undone')));
    expect(world.ann.sees(channel).find(({ ts }) => ts === seen.ts)?.text).toContain('shoe size');
  });

  it.each([
    ['notice_keep', 'Done: keep.', [{ type: 'keep', noticeId: 'notice-1' }]],
    ['notice_drop', 'Done: undo.', [{ type: 'undo', noticeId: 'notice-1' }]],
  ])('of what was read by others asks first: %s', async (button, outcome, expected) => {
    await setUp();
    const posted = world.ann.dm('Hello');
    await posted.settled;
    const message = await world.received();
    const sink = world.open(message, keeper());
    await sink.finish(done('Noted?'));
    await world.adapter.notify(message, { ...NOTICE, heldBecauseOf: ['what Ben wrote'] }, 'thread');
    sink.close();
    const seen = world.ann.sees(posted.channel, posted.ts).at(-1);
    if (seen === undefined) throw new Error('no notice');
    expect(seen.text).toContain('I had read what Ben wrote before I wanted to note this');
    await world.ann.press(seen, button).outcome;
    await world.slack.until(
      () => world.ann.sees(posted.channel).some(({ text }) => text === outcome),
      'the outcome',
    );
    expect(commands()).toEqual(expected);
  });

  it('opens the whole memory', async () => {
    await setUp();
    const { seen } = await noticed('dm', 'thread');
    await world.ann.press(seen, 'notice_all').outcome;
    await world.slack.until(() => modalText().includes('shoe size: 9'), 'the memory');
  });

  it('that others see is theirs neither to undo nor to open', async () => {
    await setUp();
    const { channel } = await noticed('channel', 'thread');
    const theirs = world.ben.sees(channel).find(({ text }) => text.includes('shoe size'));
    if (theirs === undefined) throw new Error('no notice');
    await world.ben.press(theirs, 'notice_undo').outcome;
    await world.ben.press(theirs, 'notice_all').outcome;
    await world.slack.until(
      () => world.ben.sees(channel).filter(({ text }) => text.includes('whose memory it is')).length === 2,
      'two sentences to Ben',
    );
    expect(world.ben.modal).toBeUndefined();
    expect(commands()).toEqual([]);
  });

  it.each([
    { type: 'drop', when: 'before' },
    { type: 'http', status: 503 },
  ] as const)(
    'is shown to the person alone once, though Slack does not answer at first (%o)',
    async fault => {
      await setUp();
      const { channel } = await noticed('channel', 'private', () =>
        world.slack.fail('chat.postEphemeral', fault, { times: 2 }),
      );
      const shown = () => world.ann.sees(channel).filter(({ text }) => text.includes('shoe size')).length;
      await world.slack.until(() => {
        world.slack.clock.advance(100);
        return shown() > 0;
      }, 'the notice');
      await world.adapter.stop();
      expect([shown(), world.ben.sees(channel).some(({ text }) => text.includes('shoe size'))]).toEqual([
        1,
        false,
      ]);
    },
  );

  it('goes to the person’s DM where it cannot be shown to them alone', async () => {
    await setUp();
    world.slack.fail('chat.postEphemeral', { type: 'error', error: 'user_not_in_channel' });
    await noticed('channel', 'private');
    expect(world.ann.sees(world.ann.dmChannel).at(-1)?.text).toContain('shoe size');
  });
});

describe('a guest through Slack Connect', () => {
  /** Gus, from elsewhere, is answered in a shared channel; his memory changed. */
  async function guestIsTold(group?: string) {
    await setUp();
    const { slack, workspace } = world;
    const enterprise = group === undefined ? {} : { enterprise: slack.addEnterprise(group) };
    const partner = slack.addWorkspace('Partner', enterprise);
    const gus = partner.addUser('gus');
    const channel = workspace.addChannel('shared', { members: [world.ann, gus], sharedWith: [partner] });
    const posted = gus.mention(channel.id, 'Hello');
    await posted.settled;
    const message = await world.received();
    const sink = world.open(message, keeper());
    await sink.finish(done('Noted.'));
    await world.adapter.notify(message, NOTICE, 'thread');
    sink.close();
    const notice = gus.sees(channel.id, posted.ts).at(-1);
    if (notice === undefined) throw new Error('no notice');
    return { gus, channel, notice, partner, person: message.conversation.person };
  }

  it('whose workspace belongs to an organisation is one person, in what they write and what they press', async () => {
    const { gus, notice, partner, person } = await guestIsTold('Partner Group');
    await gus.press(notice, 'notice_undo').outcome;
    await world.slack.until(() => world.bot.commands[0], 'the command');
    expect(world.bot.commands[0]?.person).toEqual(person);
    expect(person.workspace).toBe(partner.team.enterprise?.id);
  });

  it('is the same person with a file, where Slack does not say whose colleague they are', async () => {
    const { gus, channel, partner, person } = await guestIsTold('Partner Group');
    const files = [{ name: 'boots.png', mimetype: 'image/png', content: 'png' }];
    await world.restart();
    world.slack.fail('users.info', { type: 'error', error: 'user_not_found' });
    const posted = gus.mention(channel.id, 'Like these', { files });
    await world.slack.until(() => world.logs.some(({ event }) => event === 'slack.delivery_failed'));
    world.slack.clock.advance(3_000);
    await posted.settled;
    await world.ann.mention(channel.id, 'And these', { files }).settled;
    expect(world.bot.received).toMatchObject([
      { text: 'Like these', conversation: { person }, replyTo: { team: partner.id } },
      { text: 'And these', conversation: { person: { id: world.ann.id, workspace: world.workspace.id } } },
    ]);
  });

  it('can press what is in a window', async () => {
    const { gus, notice, person } = await guestIsTold();
    const gusSees = () => textsOf(gus.modal?.blocks).join('\n');
    await gus.press(notice, 'notice_all').outcome;
    await world.slack.until(() => gusSees().includes('Sizes'), 'the memory');
    await gus.pressInModal('memory_notices_off').outcome;
    await world.slack.until(() => gusSees().includes('Done: notices.'), 'the outcome');
    expect(world.bot.commands.at(-1)?.person).toEqual(person);
  });

  it('can press what is shown to them alone', async () => {
    const { gus, channel, notice } = await guestIsTold();
    const before = world.bot.onCommand;
    world.bot.onCommand = it => (it.action.type === 'undo' ? memoryView({ sections: [SIZES] }) : before(it));
    const gusSees = (words: string) =>
      world.slack.until(
        () => gus.sees(channel.id).find(({ ephemeral, text }) => ephemeral && text.includes(words)),
        `“${words}” to Gus alone`,
      );
    await gus.press(notice, 'notice_undo').outcome;
    await gus.press(await gusSees('Sizes'), 'memory_notices_off').outcome;
    const after = await gusSees('Done: notices.');
    await gus.press(after, FORGET).outcome;
    await gusSees('Done: forget.');
  });
});

describe('a question', () => {
  it('that is no longer open says so', async () => {
    await setUp();
    const posted = world.ann.dm('Hello');
    await posted.settled;
    const message = await world.received();
    const sink = world.open(message);
    const limit = new AbortController();
    const answer = sink.ask({ id: 'q', text: 'May I?', detail: 'this' }, limit.signal);
    const asked = await world.slack.until(
      () => world.ann.sees(posted.channel, posted.ts).find(({ text }) => text.includes('May I?')),
      'the question',
    );
    expect(asked.text).toContain('this');
    await world.restart();
    await world.ann.press(asked, 'ask_allow').outcome;
    await world.slack.until(() =>
      world.ann
        .sees(posted.channel, posted.ts)
        .some(({ text }) => text === 'That question is no longer open.'),
    );
    limit.abort();
    expect(await answer).toBe(false);
    sink.close();
  });

  it('of another process is answered there', async () => {
    await setUp();
    const posted = world.ann.dm('Hello');
    await posted.settled;
    const first = world.adapter;
    const sink = world.open(await world.received());
    const answer = sink.ask({ id: 'q', text: 'May I?', detail: '' }, new AbortController().signal);
    const asked = await world.slack.until(
      () => world.ann.sees(posted.channel, posted.ts).find(({ text }) => text.includes('May I?')),
      'the question',
    );
    await world.restart();
    world.bot.relay = async (_, payload) => first.relayed?.(JSON.parse(JSON.stringify(payload))) ?? null;
    await world.ann.press(asked, 'ask_allow').outcome;
    expect(await answer).toBe(true);
    sink.close();
  });

  it('comes below what was said before it, and what is said after it comes below the question', async () => {
    await setUp();
    const posted = world.ann.dm('Hello');
    await posted.settled;
    const sink = world.open(await world.received());
    sink.show({ state: 'working', text: 'Let me look. ', status: null, activities: [] });
    await world.slack.until(() => world.slack.calls('chat.startStream')[0]?.status);
    const looking = {
      state: 'working' as const,
      text: 'Let me look. ',
      status: 'Running a command',
      activities: [{ id: 't1', label: 'Running a command', state: 'running' as const }],
    };
    // While it is asked, what was said is being written, and is shown once more.
    world.slack.clock.advance(1_000);
    sink.show(looking);
    const answer = sink.ask({ id: 'q', text: 'May I?', detail: '' }, new AbortController().signal);
    sink.show(looking);
    const asked = await world.slack.until(
      () => world.ann.sees(posted.channel, posted.ts).find(({ text }) => text.includes('May I?')),
      'the question',
    );
    await world.ann.press(asked, 'ask_allow').outcome;
    expect(await answer).toBe(true);
    await sink.finish(done('Let me look. Here it is.'));
    sink.close();
    const order = world.ann.sees(posted.channel, posted.ts).map(({ text }) => text.split('\n')[0]?.trim());
    expect(order).toEqual(['Hello', 'Let me look.', 'May I? Allowed.', 'Here it is.']);
  });

  /** Ann asks, and is asked back while Slack is in trouble. */
  async function askedIn(trouble: () => void) {
    await setUp();
    const posted = world.ann.dm('Hello');
    await posted.settled;
    const sink = world.open(await world.received());
    trouble();
    const answer = sink.ask({ id: 'q', text: 'May I?', detail: '' }, new AbortController().signal);
    const questions = () =>
      world.ann.sees(posted.channel, posted.ts).filter(({ text }) => text.includes('May I?'));
    const answered = () =>
      world.slack.until(() => questions().some(({ text }) => text === 'May I? Allowed.'));
    return { sink, answer, questions, answered };
  }

  it.each([
    ['does not say that it was posted', { type: 'drop', when: 'after' }, 1],
    ['does not take it at first', { type: 'http', status: 503 }, 2],
    ['does not say where it is', { type: 'only_ok' }, 1],
  ] as const)('is asked once and its answer counts though Slack %s', async (_, fault, times) => {
    const { sink, answer, questions, answered } = await askedIn(() =>
      world.slack.fail('chat.postMessage', fault, { times }),
    );
    const asked = await world.slack.until(() => questions()[0], 'the question');
    await world.ann.press(asked, 'ask_allow').outcome;
    expect(await answer).toBe(true);
    await answered();
    expect(questions()).toHaveLength(1);
    sink.close();
  });

  it('is not posted again where it stands', async () => {
    const { sink, answer, questions, answered } = await askedIn(() =>
      world.slack.fail('chat.postMessage', { type: 'drop', when: 'after' }),
    );
    await world.slack.until(() => world.slack.calls('conversations.replies')[0]?.status, 'a look');
    const asked = await world.slack.until(() => questions()[0], 'the question');
    await world.ann.press(asked, 'ask_allow').outcome;
    expect(await answer).toBe(true);
    await answered();
    expect(questions()).toHaveLength(1);
    sink.close();
  });

  it('that Slack refuses is a no', async () => {
    const { sink, answer } = await askedIn(() =>
      world.slack.fail('chat.postMessage', { type: 'error', error: 'is_archived' }, { times: 9 }),
    );
    expect(await answer).toBe(false);
    sink.close();
  });
});
