import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFaultProxy } from '../fakes/fault-proxy.ts';
import { chat, startProgram, temporaryFolder } from '../helpers/cli.ts';

let folder: { path: string; remove(): Promise<void> };
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const as = (user: string, env: Record<string, string> = {}) => ({ dataDir: folder.path, user, env });

describe('the bot in a pipe', () => {
  it('remembers from one process to the next, and tells nobody else', async () => {
    // A private conversation ends with its window.
    const first = await chat(
      ['Hi, I wear size 9 shoes and hate wool', 'My budget is $120', '/preferences private on'],
      as('ann'),
    );
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/\+ shoe size: 9[\s\S]*\+ budget: \$120/);

    const second = await chat(['What do you know about me?', '/preferences'], as('ann'));
    const [reply = '', view = ''] = second.stdout.split('What I remember about you:');
    for (const part of [reply, view]) {
      expect(part).toMatch(/\b9\b/);
      expect(part).toMatch(/wool/);
      expect(part).toMatch(/\$120/);
    }

    const ben = await chat(['What do you know about me?', '/preferences'], as('ben'));
    expect(ben.code).toBe(0);
    expect(ben.stdout).not.toMatch(/\b9\b|wool|120/);
  });

  it('says what the README shows', async () => {
    const readme = await readFile(join(import.meta.dirname, '../../README.md'), 'utf8');
    const [, shown = ''] = /```\n(> [\s\S]*?)```/.exec(readme) ?? [];
    const conversations = shown.split(/^\(.*another conversation\)$/m);
    expect(conversations).toHaveLength(2);
    for (const conversation of conversations) {
      const lines = conversation.trim().split('\n');
      const typed = lines.filter(line => line.startsWith('> ')).map(line => line.slice(2));
      const answers = lines.filter(line => !line.startsWith('> '));
      expect((await chat(typed, as('ann'))).stdout.trim().split('\n')).toEqual(answers);
    }
  });

  it('sends each line when the reply before it is complete, and answers all of them', async () => {
    const lines = Array.from({ length: 5 }, (_, n) => `I wear size ${n + 5} shoes`);
    const { stdout } = await chat([...lines, 'What is my shoe size?'], as('ann'));
    const sizes = [...stdout.matchAll(/^ {2}[+~] shoe size: (.*)$/gm)].map(match => match[1]);
    expect(sizes).toEqual(['5', '5 → 6', '6 → 7', '7 → 8', '8 → 9']);
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/9/);
  });

  it('knows /help, its commands, and what is none', async () => {
    const { stdout, code } = await chat(
      [
        '/help',
        '/preferences',
        'I wear size 9 shoes',
        '/preferences show sizes',
        '/preferences undo',
        '/preferences forget sizes',
        'no',
        '/preferences forget hats',
        '/nonsense',
        '',
      ],
      as('ann'),
    );
    expect(code).toBe(0);
    for (const said of [
      /Just type\./,
      /Nothing yet\./,
      /- shoe size: 9 \(/,
      /Undone: shoe size: 9 is gone\./,
      /Your notes no longer say this, but earlier versions do[\s\S]* {4}shoe size: 9/,
      /I have no note or fact called “hats”, and no earlier version says it either/,
      /I don't know \/nonsense/,
      /What can I do for you/,
    ]) {
      expect(stdout).toMatch(said);
    }
  });

  it('lets a person do everything with their memory, and ends where it began', async () => {
    const { stdout, stderr, code } = await chat(
      [
        '/preferences',
        'I wear size 9 shoes and hate wool',
        '/preferences why',
        '/preferences set',
        '/preferences set shoe size 10',
        '/preferences set brands liked Veja, Nike',
        '/preferences edit Winter coats',
        '- long',
        '- warm',
        '.',
        '/preferences show winter coats',
        '/preferences history',
        '/preferences restore 5',
        '/preferences notices private',
        '/preferences pause',
        'My budget is $150',
        '/preferences resume',
        '/preferences private on',
        'What is my shoe size?',
        '/preferences private off',
        '/preferences',
        '/preferences forget nike',
        'no',
        '/preferences forget nike',
        'yes',
        '/preferences forget winter coats',
        'yes',
        '/preferences export markdown',
        '/preferences forget since 2020-01-01',
        'yes',
        '/preferences forget me',
        'yes',
        '/preferences',
        'What is my shoe size?',
      ],
      as('ann'),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const order = [
      'Nothing yet.',
      'shoe size: 9',
      'written during it',
      'Your usual facts:',
      'Saved. Shoe size: 10 (was 9).',
      'Saved. Brands you like: Veja, Nike.',
      'Saved: Winter coats.',
      '- warm',
      '3. Sizes changed · as it is now',
      '~ shoe size: 9 → 10',
      'Restored: Sizes.',
      'only you see',
      'Paused.',
      'Not saved: budget $150.',
      'I remember new things again.',
      'From your next message on, this conversation is private',
      "I don't know",
      'No longer private. What was said is deleted',
      'What I remember about you:',
      'shoe size: 9',
      'Memory notices: only to me',
      'Type yes to go ahead:',
      'Nothing was forgotten.',
      'Type yes to go ahead:',
      'Forgotten: likes: Nike.',
      'Forgotten: Winter coats.',
      '# What I remember about ann',
      '# What changed and when',
      'Forgotten:',
      'I have forgotten you.',
      '2 conversations',
      'Nothing yet.',
      "I don't know your sizes yet",
    ];
    let at = 0;
    for (const said of order) {
      const found = stdout.indexOf(said, at);
      expect(found === -1 ? `${said}\n\nafter:\n${stdout.slice(at)}` : said).toBe(said);
      at = found + said.length;
    }
  });

  it('links two accounts with a code, asks what to keep where they differ, and parts them again', async () => {
    const { stdout } = await chat(
      ['I wear size 9 shoes', '/preferences set brands liked Veja', '/preferences link'],
      as('ann'),
    );
    const code = /\b[A-Z2-9]{4}-[A-Z2-9]{4}\b/.exec(stdout)?.[0] ?? 'none';

    const linking = await chat(
      ['I wear size 10 shoes and hate wool', `/preferences link ${code}`, 'yes', 'mine'],
      as('ann-at-work'),
    );
    expect(linking.stdout).toMatch(
      /Link this account with “ann” on Terminal\?[\s\S]*Linked with “ann”[\s\S]*as “ann” on Terminal has it:[\s\S]*size: 9[\s\S]*as this account has it:[\s\S]*size: 10/,
    );
    const reused = await chat([`/preferences link ${code}`], as('ben'));
    expect(reused.stdout).toMatch(/I don't know that code/);

    const leaving = ['/preferences unlink', 'yes', '/preferences forget me', 'yes', '/preferences'];
    const last = await chat(['/preferences', ...leaving], as('ann'));
    const [known = '', gone = ''] = last.stdout.split('Unlink this account');
    expect(known).toMatch(/likes: Veja[\s\S]*avoids: wool|avoids: wool[\s\S]*likes: Veja/);
    expect(known.match(/shoe size: \d+/g)).toEqual(['shoe size: 10']);
    expect(gone).toMatch(/Nothing yet\./);
    const own = await chat(['/preferences'], as('ann-at-work'));
    expect(own.stdout).toMatch(/likes: Veja/);
  }, 120_000);

  it('asks before a tool under “ask”: the next line answers, the end of input is a no', async () => {
    const agent = join(folder.path, 'agent.yml');
    await writeFile(agent, 'name: careful\nmodel: m\nsystem: s\ntools: {write: ask, edit: ask}\n');
    const yes = await chat(['I wear size 9 shoes', 'yes'], as('ann', { AGENT_FILE: agent }));
    expect(yes.stdout).toMatch(/May I do this: saving your sizes\?[\s\S]*\[allowed\][\s\S]*\+ shoe size: 9/);
    const no = await chat(['My budget is $80'], as('ann', { AGENT_FILE: agent }));
    expect(no.code).toBe(0);
    expect(no.stdout).toMatch(/May I do this: saving your budget\?/);
    expect(no.stdout).not.toMatch(/\+ budget/);
    const view = await chat(['/preferences'], as('ann', { AGENT_FILE: agent }));
    expect(view.stdout).toMatch(/shoe size: 9/);
    expect(view.stdout).not.toMatch(/budget/);
  });

  it('answers after a kill what it had accepted before it, once', async () => {
    const program = startProgram('src/cli.ts', ['start', '--user', 'ann'], {
      SHOPPER_DATA_DIR: folder.path,
      LOG_LEVEL: 'debug',
    });
    program.child.stdin?.write('I wear size 9 shoes\n');
    await program.says(/session\.created/);
    program.child.kill('SIGKILL');
    await program.finished;
    const next = await chat(['What do you know about me?'], as('ann'));
    expect(next.stdout.match(/asked before I was interrupted: I wear size 9 shoes/g)).toHaveLength(1);
    const last = await chat(['What do you know about me?'], as('ann'));
    expect(last.stdout).not.toMatch(/interrupted/);
    expect(last.stdout).toMatch(/size 9/);
  });
});

describe('the operator is told what to do', () => {
  it('about a broken agent.yml: every problem, with its line', async () => {
    const agent = join(folder.path, 'agent.yml');
    await writeFile(agent, 'name: x\nmodle: m\nsystem: ""\n');
    const { code, stderr } = await chat(['hi'], as('ann', { AGENT_FILE: agent }));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /has 3 problems:\n {2}line 1: model: .*\n {2}line 2: modle: is not a setting\n {2}line 3: system: /,
    );
  });

  it('about settings, all at once and without repeating them', async () => {
    const { code, stderr } = await chat(
      ['hi'],
      as('ann', { MEMORY_NOTICES: 'shout-secret', ANTHROPIC_BASE_URL: 'ftp-secret', AGENT_API: 'cloud' }),
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/MEMORY_NOTICES must be thread, private or off/);
    expect(stderr).toMatch(/ANTHROPIC_BASE_URL must be a URL/);
    expect(stderr).toMatch(/ANTHROPIC_API_KEY is needed/);
    expect(stderr).not.toMatch(/secret/);
  });

  it('about a second process on the same data', async () => {
    const first = startProgram('src/cli.ts', ['start'], { SHOPPER_DATA_DIR: folder.path });
    first.child.stdin?.write('hello\n');
    await first.says(/Hello/);
    const { code, stderr } = await chat(['hi'], as('ben'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/Another shopper is already running on .*SHOPPER_DATA_DIR/);
    first.child.stdin?.end();
    expect((await first.finished).code).toBe(0);
  });

  it('about a wrong API key', async () => {
    const proxy = await createFaultProxy('http://127.0.0.1:9');
    proxy.plan(() => ({ type: 'status', status: 401 }));
    const env = { ANTHROPIC_API_KEY: 'sk-very-secret', ANTHROPIC_BASE_URL: proxy.url };
    const { code, stderr } = await chat(['hi'], as('ann', env));
    expect(code).toBe(1);
    expect(stderr).toMatch(/rejected the API key \(request req_fault\)\. Check ANTHROPIC_API_KEY/);
    expect(stderr).not.toMatch(/sk-very-secret/);
    await proxy.stop();
  });

  it('about a service that cannot be reached', async () => {
    const { code, stderr } = await chat(['hi'], as('ann', { ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' }));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^Cannot reach http:\/\/127\.0\.0\.1:9\. Check the network and ANTHROPIC_BASE_URL/,
    );
  });
});

describe('the local runtime by itself', () => {
  it('prints where it listens, serves the SDK, and serves a bot that points at it', async () => {
    const runtime = startProgram(
      'src/runtime/main.ts',
      ['--port', '0', '--data', join(folder.path, 'runtime')],
      {},
    );
    const [, url = ''] = await runtime.says(/^listening on (http:\/\/127\.0\.0\.1:\d+)$/m);
    const { code, stdout } = await chat(['I wear size 9 shoes'], as('ann', { ANTHROPIC_BASE_URL: url }));
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/\+ shoe size: 9/) });
    const client = new Anthropic({ baseURL: url, apiKey: 'k' });
    const stores = await client.beta.memoryStores.list();
    expect(stores.data).toHaveLength(1);
    runtime.child.kill('SIGTERM');
    expect((await runtime.finished).code).toBe(0);
  });
});
