import { readdir, readFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { createCommands } from '../../../src/adapters/terminal/commands.ts';
import { createTerminal } from '../../../src/adapters/terminal/terminal.ts';
import type { BotPort } from '../../../src/core/adapter.ts';
import type { Command, Conversation } from '../../../src/core/message.ts';
import type { MemorySection, PreferencesView } from '../../../src/core/views.ts';
import { type Bench, createBench } from '../../helpers/bench.ts';
import { temporaryFolder } from '../../helpers/cli.ts';
import { memoryOf, obedientModel, write } from '../../helpers/memory.ts';
import { createScriptedBot, done, memoryView, reply } from '../scripted-bot.ts';

let bench: Bench | undefined;
afterEach(async () => {
  await bench?.stop();
  bench = undefined;
});

/** A line, or what happens before one is typed. */
type Typed = string | (() => Promise<string>);

/** Commands against the real bot, with a person who types `answers`; what happens before one is typed is theirs to say. */
async function console() {
  const started = await createBench({ model: obedientModel() });
  bench = started;
  return { bench: started, ...typing(started.adapter.bot(), started.adapter.conversation()) };
}

function typing(bot: BotPort, conversation: Conversation) {
  let screen = '';
  let typed: Typed[] = [];
  const commands = createCommands({
    bot: () => bot,
    conversation,
    console: {
      write: text => {
        screen += text;
      },
      ask: text => {
        screen += `${text}\n`;
      },
      async read(takes) {
        const next = typed.shift();
        const line = typeof next === 'function' ? await next() : next;
        return line !== undefined && takes(line) ? line : null;
      },
      save: null,
      dim: text => text,
    },
  });
  return {
    commands,
    async run(words: string, ...answers: Typed[]): Promise<string> {
      screen = '';
      typed = answers;
      await commands.run(words);
      expect(typed).toEqual([]);
      return screen.trimEnd();
    },
  };
}

describe('in the terminal', () => {
  it('both texts are shown when somebody else was faster, and the person decides', async () => {
    const { run, bench } = await console();
    const ann = memoryOf(bench);
    await bench.adapter.say(write('style.md', '- plain\n'));
    const faster = (content: string) => async () => {
      await ann.operate('/style.md', content);
      return '.';
    };
    const screen = await run('edit style', '- bright', faster('- plain\n- sporty\n'), 'theirs');
    expect(screen.split('\n')).toEqual([
      'Style',
      '  - plain',
      'Type the text as it should be; a line with a single dot ends it. A dot right away leaves it alone.',
      'Style changed while you were writing. What should I keep?',
      'Style as it is now:',
      '  - plain',
      '  - sporty',
      '  changed meanwhile:',
      '    + sporty',
      'Style as you wrote it:',
      '  - bright',
      '  your changes:',
      '    + bright',
      '    − plain',
      'Keep mine, theirs, or edit again?',
      'Style stays as it is.',
    ]);
    await run('edit style', '- bright', faster('- plain\n'), 'mine');
    expect(await ann.files()).toEqual({ '/style.md': '- bright\n' });
    await run('edit style', '- dark', faster('- plain\n'), 'again', '- dark', '- plain', '.');
    expect(await ann.files()).toEqual({ '/style.md': '- dark\n- plain\n' });
  });

  it('a new note under a title that there is shows what it says', async () => {
    const { run, bench } = await console();
    await bench.adapter.say(write('style.md', '- plain\n'));
    expect(await run('new Style', '.')).toMatch(/^Style\n {2}- plain\n[\s\S]*Left as it was\.$/);
  });

  it('a title that cannot be is refused before a text is typed under it', async () => {
    const { run } = await console();
    expect(await run(`new ${'x'.repeat(600)}`)).toBe('That title is too long. Please shorten it.');
  });

  it('a fact is named by a part of it, if that is enough', async () => {
    const { run, bench } = await console();
    await bench.adapter.say(write('brands.md', '- likes: Nike\n- likes: Nike Air\n- avoids: Zara\n'));
    expect(await run('forget likes')).toBe('Which one? Write it in full:\n  likes: Nike\n  likes: Nike Air');
    expect(await run('forget likes: nike', 'no')).toMatch(/ {4}likes: Nike\n[\s\S]*Nothing was forgotten/);
    expect(await run('forget zara', 'yes')).toMatch(/Forgotten: avoids: Zara\./);
    expect(await run('forget prada')).toBe(
      'I have no note or fact called “prada”, and no earlier version says it either.',
    );
  });

  it('what the notes do not say any more goes from the history, after asking', async () => {
    const { run, bench } = await console();
    await bench.adapter.say(write('materials.md', '- avoids: wool\n- likes: linen\n'));
    await bench.adapter.say(write('materials.md', '- likes: linen\n'));
    expect(await run('forget wool', 'no')).toMatch(
      /earlier versions do[\s\S]* {4}avoids: wool[\s\S]*Nothing was forgotten/,
    );
    expect(await run('forget wool', 'yes')).toMatch(/Forgotten\. Earlier versions no longer say it either\./);
    expect(await run('history')).not.toContain('wool');
  });

  it('what is no answer is none: nothing goes', async () => {
    const { run, bench } = await console();
    await bench.adapter.say(write('a.md', '- one\n'));
    expect(await run('forget me', 'what do you mean?')).toMatch(/Nothing was forgotten/);
    expect(await memoryOf(bench).files()).toEqual({ '/a.md': '- one\n' });
  });

  it('the history has numbers over its pages, and restore goes by what was shown', async () => {
    const { run, bench } = await console();
    const ann = memoryOf(bench);
    await bench.adapter.say(write('a.md', '- n: 0\n'));
    for (let n = 1; n <= 11; n += 1) await ann.operate('/a.md', `- n: ${n}\n`);
    expect(await run('restore 12')).toMatch(/not shown you that entry/);
    expect(await run('history')).toMatch(/There is more: \/preferences history 2$/);
    expect(await run('history a 2')).toMatch(
      /11\. A changed .*\n {7}~ n: 0 → 1\n 12\. A noted .*\n {7}\+ n: 0$/,
    );
    expect(await run('restore 12')).toBe('Restored: A.');
    expect(await ann.files()).toEqual({ '/a.md': '- n: 0\n' });
  });

  it.each([
    ['set', /Your usual facts:\n {2}Shoe size .* e\.g\. US 9/],
    ['set hat 9', /don't know that field/],
    ['set budget', /What should it be/],
    ['set materials to avoid wool, silk', /Saved\. Materials to avoid, allergies: wool, silk/],
    ['private maybe', /on or off/],
    ['notices on', /back to the default/],
    ['export yaml', /json or markdown/],
    ['forget', /Forget what\?/],
    ['undo', /no recent change to take back/],
    ['keep', /No change is waiting for you/],
    ['why', /no longer know/],
    ['dance', /don't know “\/preferences dance”/],
  ])('“/preferences %s” says %s', async (words, said) => {
    const { run } = await console();
    expect(await run(words)).toMatch(said);
  });

  it('what goes wrong is said in a sentence', async () => {
    const { run, bench } = await console();
    await bench.adapter.say('hello');
    bench.proxy.plan(() => ({ type: 'drop_before' }));
    expect(await run('view')).toBe("I can't reach your memory right now. Please try again in a moment.");
  });
});

/** Commands against a bot that answers as the test says. */
function scripted(answer: (action: Command['action']) => PreferencesView) {
  const bot = createScriptedBot();
  bot.onCommand = ({ action }) => answer(action);
  const person = { platform: 'terminal', workspace: 'local', id: 'ann', name: 'ann' };
  const conversation = { person, channel: 'terminal', thread: null, audience: 'private' as const };
  return { ...typing(bot, conversation), actions: () => bot.commands.map(({ action }) => action) };
}

const note = (title: string, more: Partial<MemorySection> = {}): MemorySection => ({
  memoryId: `mem_${title}`,
  path: `/${title.toLowerCase()}.md`,
  title,
  facts: [{ id: 'f1', text: 'shoe size: 9', learnedOn: null, learnedBy: null }],
  lines: ['shoe size: 9'],
  content: '- shoe size: 9\n',
  revision: 'r1',
  updatedAt: '2026-03-14T00:00:00Z',
  shared: false,
  ...more,
});

describe('where a note may be used, and on which accounts', () => {
  const said = (sentence: string): PreferencesView => ({ type: 'outcome', ok: true, sentence });

  it('is shown with every note, and with the accounts that have the same memory', async () => {
    const { run } = scripted(() =>
      memoryView({
        sections: [note('Sizes', { shared: true }), note('Gifts')],
        linked: [{ platform: 'discord', name: 'ann#1' }],
      }),
    );
    expect((await run('')).split('\n')).toEqual([
      'What I remember about you:',
      '',
      'Sizes (👥 used where others can read too)',
      '  shoe size: 9',
      '',
      'Gifts (🔒 used in private only)',
      '  shoe size: 9',
      '',
      'Linked with ann#1 on Discord: one memory for both.',
      'Memory notices: the default here, below the reply',
    ]);
  });

  it('is chosen by title, also where two notes have the same one', async () => {
    const { run, actions } = scripted(action =>
      action.type === 'view'
        ? memoryView({ sections: [note('Sizes'), note('Sizes', { memoryId: 'mem_shared', shared: true })] })
        : said('Done.'),
    );
    expect(await run('share sizes')).toBe('Done.');
    expect(await run('unshare “Sizes”')).toBe('Done.');
    expect(actions().filter(({ type }) => type === 'share')).toEqual([
      { type: 'share', memoryId: 'mem_Sizes', on: true },
      { type: 'share', memoryId: 'mem_shared', on: false },
    ]);
    expect(await run('share hats')).toBe('I have no note called “hats”. Your notes are:\n  Sizes\n  Sizes');
    expect(await run('share')).toMatch(/Which note/);
  });

  it('a code is given, and one from elsewhere asks before anything is linked', async () => {
    const { run, actions } = scripted(action => {
      if (action.type !== 'link') return memoryView();
      if (action.code === undefined) {
        return {
          type: 'link-code',
          sentence: 'Use this on your other account:',
          code: 'K7PQ-2MXD',
          expiresAt: '2026-03-14T10:10:00Z',
        };
      }
      return action.confirmed === true
        ? said('Linked.')
        : {
            type: 'confirm',
            question: 'Share one memory with Ann on Slack?',
            items: [],
            action: { ...action, confirmed: true },
            button: 'Link them',
          };
    });
    expect(await run('link')).toMatch(
      /Use this.*\n {2}K7PQ-2MXD\n {2}It is valid until 2026-03-1\d \d\d:\d\d$/,
    );
    expect(await run('link K7PQ-2MXD', 'no')).toMatch(/Nothing has changed\.$/);
    expect(await run('link K7PQ-2MXD', 'yes')).toMatch(/Linked\.$/);
    expect(actions().at(-1)).toEqual({ type: 'link', code: 'K7PQ-2MXD', confirmed: true });
  });

  it('unlinking asks first', async () => {
    const { run, actions } = scripted(action =>
      action.type === 'unlink' && action.confirmed !== true
        ? {
            type: 'confirm',
            question: 'Go separate ways?',
            items: [],
            action: { type: 'unlink', confirmed: true },
            button: 'Unlink',
          }
        : said('Unlinked.'),
    );
    expect(await run('unlink', 'yes')).toMatch(/Unlinked\.$/);
    expect(actions()).toEqual([
      { type: 'unlink', confirmed: false },
      { type: 'unlink', confirmed: true },
    ]);
  });
});

it('what a command says stands on lines of its own, also while an answer is being written', async () => {
  const input = new PassThrough();
  const output = new PassThrough();
  let screen = '';
  const shown = new Promise<void>(resolve => {
    output.setEncoding('utf8').on('data', (text: string) => {
      screen += text;
      if (screen.includes('Nothing yet')) resolve();
    });
  });
  const bot = createScriptedBot();
  const terminal = createTerminal({ user: 'ann', input, output, interactive: true });
  await terminal.start(bot, 'both');
  const person = { platform: 'terminal', workspace: 'local', id: 'ann', name: 'ann' };
  const conversation = { person, channel: 'terminal', thread: null, audience: 'private' as const };
  const message = { id: '1', conversation, text: 'Hi', attachments: [], context: [], replyTo: null };
  const sink = terminal.openReply(message, null, async () => {});
  bot.onCommand = () => {
    sink.show(reply('You wear 9'));
    return memoryView();
  };
  input.write('/preferences\n');
  await shown;
  await sink.finish(done('You wear 9, I think.'));
  sink.close();
  await terminal.stop();
  expect(screen).toMatch(/You wear 9\nWhat I remember about you:\nNothing yet\.[\s\S]*, I think\./);
});

it('an export goes into a file of its own, never over another', async () => {
  const started = await createBench({ model: obedientModel() });
  bench = started;
  const folder = await temporaryFolder();
  const input = new PassThrough();
  const output = new PassThrough();
  let screen = '';
  const shown: (() => void)[] = [];
  output.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    for (const check of shown) check();
  });
  const says = (times: number) =>
    new Promise<void>(resolve => {
      const check = () => {
        if (screen.split('Here is everything').length > times) resolve();
      };
      shown.push(check);
      check();
    });
  const terminal = createTerminal({ user: 'ann', input, output, interactive: true, folder: folder.path });
  await terminal.start(started.adapter.bot(), 'both');
  input.write('/preferences export json\n');
  await says(1);
  input.write('/preferences export json\n');
  await says(2);
  await terminal.stop();
  const names = (await readdir(folder.path)).sort();
  const today = new Date().toISOString().slice(0, 10);
  expect(names).toEqual([`memory-${today}-2.json`, `memory-${today}.json`]);
  expect(JSON.parse(await readFile(`${folder.path}/${names[1]}`, 'utf8'))).toMatchObject({ memories: [] });
  await folder.remove();
});
