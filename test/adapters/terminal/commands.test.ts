import { readdir, readFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { type Commands, createCommands } from '../../../src/adapters/terminal/commands.ts';
import { createTerminal } from '../../../src/adapters/terminal/terminal.ts';
import { type Bench, createBench } from '../../helpers/bench.ts';
import { temporaryFolder } from '../../helpers/cli.ts';
import { memoryOf, obedientModel, write } from '../../helpers/memory.ts';

let bench: Bench;
afterEach(() => bench.stop());

/** Commands against the real bot, with a person who types `answers`; what happens before one is typed is theirs to say. */
async function console(): Promise<{
  run(words: string, ...answers: (string | (() => Promise<string>))[]): Promise<string>;
  commands: Commands;
}> {
  bench = await createBench({ model: obedientModel() });
  let screen = '';
  let typed: (string | (() => Promise<string>))[] = [];
  const commands = createCommands({
    bot: () => bench.adapter.bot(),
    conversation: bench.adapter.conversation(),
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
    async run(words, ...answers) {
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
    const { run } = await console();
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
      'Type the text as it is to be; a line with a single dot ends it. A dot at once leaves it alone.',
      'Style changed while you were writing. What shall I keep?',
      '',
      '',
      'Style as it stands now:',
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

  it('a fact is named by a part of it, if that is enough', async () => {
    const { run } = await console();
    await bench.adapter.say(write('brands.md', '- likes: Nike\n- likes: Nike Air\n- avoids: Zara\n'));
    expect(await run('forget likes')).toBe('Which one? Say it in full:\n  likes: Nike\n  likes: Nike Air');
    expect(await run('forget likes: nike', 'no')).toMatch(/− likes: Nike\n[\s\S]*Nothing was forgotten/);
    expect(await run('forget zara', 'yes')).toMatch(/Forgotten: avoids: Zara\./);
    expect(await run('forget prada')).toBe('I have no note and no fact called “prada”.');
  });

  it('what is no answer is none: nothing goes', async () => {
    const { run } = await console();
    await bench.adapter.say(write('a.md', '- one\n'));
    expect(await run('forget me', 'what do you mean?')).toMatch(/Nothing was forgotten/);
    expect(await memoryOf(bench).files()).toEqual({ '/a.md': '- one\n' });
  });

  it('the history has numbers over its pages, and restore goes by what was shown', async () => {
    const { run } = await console();
    const ann = memoryOf(bench);
    await bench.adapter.say(write('a.md', '- n: 0\n'));
    for (let n = 1; n <= 11; n += 1) await ann.operate('/a.md', `- n: ${n}\n`);
    expect(await run('restore 12')).toMatch(/not shown you that entry/);
    expect(await run('history')).toMatch(/There is more: \/preferences history 2$/);
    expect(await run('history a 2')).toMatch(
      /11\. A changed .*\n {5}− n: 0 → 1\n 12\. A begun .*\n {5}\+ n: 0$/,
    );
    expect(await run('restore 12')).toBe('Restored: A.');
    expect(await ann.files()).toEqual({ '/a.md': '- n: 0\n' });
  });

  it.each([
    ['set', /Your usual facts:\n {2}Shoe size .* e\.g\. US 9/],
    ['set hat 9', /do not know that field/],
    ['set budget', /What shall it be/],
    ['set materials to avoid wool, silk', /Saved\. materials to avoid, allergies: wool, silk/],
    ['private maybe', /on or off/],
    ['notices on', /below my reply/],
    ['export yaml', /json or markdown/],
    ['forget', /Forget what\?/],
    ['undo', /no change here to take back/],
    ['keep', /no change here that waits/],
    ['why', /do not know any more/],
    ['dance', /don't know “\/preferences dance”/],
  ])('“/preferences %s” says %s', async (words, said) => {
    const { run } = await console();
    expect(await run(words)).toMatch(said);
  });

  it('what goes wrong is said in a sentence', async () => {
    const { run } = await console();
    await bench.adapter.say('hello');
    bench.proxy.plan(() => ({ type: 'drop_before' }));
    expect(await run('view')).toBe("I can't reach your memory right now. Please try again in a moment.");
  });
});

it('an export goes into a file of its own, never over another', async () => {
  bench = await createBench({ model: obedientModel() });
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
  await terminal.start(bench.adapter.bot(), 'both');
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
