import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../src/commands/table.ts';
import { temporaryFolder } from '../helpers/cli.ts';

/**
 * What the documents tell people to type, typed. A block marked `sh` is run line by line in a copy of the repository,
 * with one message on standard input for whatever reads it; each line must end with 0. Blocks marked `console` need
 * something that is not here (an account, a model, Docker) and are not run.
 */

const REPO = resolve(import.meta.dirname, '../..');
const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(REPO, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
];

/** What is not run as it stands, and why. */
const NOT_RUN: [pattern: RegExp, why: string][] = [
  [/^npm ci$/, 'takes minutes and changes nothing here: the copy uses what is installed'],
  [/^npm (?:test|run check)\b/, 'runs everything, this test included'],
  [/sk-ant-…|xoxb-…|xapp-…/, 'needs an account'],
  [/:11434\b/, 'needs a model; without one it waits a minute for it'],
  [/^docker /, 'needs Docker'],
];

const MESSAGE = 'I wear size 9 shoes\n';
const SETTING = /^[A-Z][A-Z0-9_]+=[^ ]*$/;

/** What `shopper … --help` says; fails where there is no such command. */
async function helpOf(name: string[]): Promise<string> {
  let said = '';
  const output = {
    write(text: string) {
      said += text;
    },
  };
  const { signal } = new AbortController();
  const code = await runCommand([...name, '--help'], { env: {}, stdout: output, stderr: output, signal });
  expect(code, `${name.join(' ')}: ${said}`).toBe(0);
  return said;
}

interface Line {
  document: string;
  command: string;
}

const blocks = DOCUMENTS.map(document => {
  const text = readFileSync(join(REPO, document), 'utf8');
  const lines = [...text.matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)]
    .flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'))
    .map(line => line.replace(/(?:^|\s)#.*$/, '').trim())
    .filter(line => line !== '');
  return { document, lines };
}).filter(({ lines }) => lines.length > 0);

const known = new Set(
  [
    'src/config.ts',
    'src/adapters/slack/connection/settings.ts',
    'src/adapters/discord/connection/settings.ts',
    '.env.example',
  ]
    .map(name => readFileSync(join(REPO, name), 'utf8'))
    .flatMap(text => [...text.matchAll(/\b([A-Z][A-Z0-9]*_?[A-Z0-9_]+)\b/g)].map(([, name = '']) => name)),
);

describe('what the documents say to type', () => {
  it('is there', () => {
    expect(blocks.map(({ document }) => document)).toEqual(
      expect.arrayContaining(['README.md', 'docs/agent-file.md', 'docs/personas.md', 'docs/extending.md']),
    );
  });

  it('sets only what can be set', () => {
    for (const { document, lines } of blocks) {
      for (const line of lines.filter(text => SETTING.test(text))) {
        expect(known, `${document}: ${line}`).toContain(line.split('=')[0]);
      }
    }
  });

  it('names only commands, options and scripts that there are', async () => {
    const scripts = Object.keys(JSON.parse(readFileSync(join(REPO, 'package.json'), 'utf8')).scripts);
    for (const document of DOCUMENTS) {
      const text = readFileSync(join(REPO, document), 'utf8');
      for (const [, script = ''] of text.matchAll(/\bnpm run ([a-z]+)/g))
        expect(scripts, document).toContain(script);
      // Up to the explanation beside it, or the end of inline code.
      for (const [, call = ''] of text.matchAll(/npm run shopper -- ([^`\n]+?)(?= {2,}|`|$)/gm)) {
        if (call.includes('…')) continue;
        const words = call.split(' ');
        const [first = ''] = words;
        const name = words.slice(0, first.startsWith('-') ? 0 : /^(?:memory|access)$/.test(first) ? 2 : 1);
        const help = await helpOf(name);
        for (const option of words.filter(word => word.startsWith('-'))) {
          expect(help, `${document}: ${call}`).toMatch(new RegExp(`(?:^| )${option}\\b`, 'm'));
        }
      }
    }
  });

  it('needs each of its exceptions', () => {
    const typed = blocks.flatMap(({ lines }) => lines.flatMap(line => line.split(' && ')));
    for (const [pattern, why] of NOT_RUN.filter(([, why]) => why !== 'needs Docker')) {
      expect(
        typed.some(command => pattern.test(command)),
        why,
      ).toBe(true);
    }
  });

  it.concurrent.each(blocks)('works: $document', { timeout: 180_000 }, async ({ document, lines }) => {
    const { path, remove } = await copyOfTheRepository();
    for (const line of lines.filter(text => !SETTING.test(text))) {
      const run = line.split(' && ').filter(command => !NOT_RUN.some(([pattern]) => pattern.test(command)));
      // A line of which a part was left out is not half a promise: what remains is run.
      if (run.length === 0 || NOT_RUN.some(([pattern]) => pattern.test(line) && !line.includes(' && ')))
        continue;
      expect(await type({ document, command: run.join(' && ') }, path)).toMatchObject({ code: 0 });
    }
    await remove();
  });
});

/** Own copies of what commands may write to, links to the rest. */
async function copyOfTheRepository(): Promise<{ path: string; remove(): Promise<void> }> {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'shopper');
  mkdirSync(path);
  for (const name of ['package.json', 'tsconfig.json', 'vitest.config.ts', 'agent.yml', '.env.example'])
    cpSync(join(REPO, name), join(path, name));
  for (const name of ['manifest.yml', 'manifest.http.yml', 'docs', 'README.md'])
    cpSync(join(REPO, name), join(path, name), { recursive: true });
  for (const name of ['src', 'examples', 'test'])
    cpSync(join(REPO, name), join(path, name), { recursive: true });
  symlinkSync(join(REPO, 'node_modules'), join(path, 'node_modules'));
  return { path, remove: folder.remove };
}

function type(
  { document, command }: Line,
  cwd: string,
): Promise<{ command: string; code: number | null; said: string }> {
  return new Promise(done => {
    const child = spawn('bash', ['-c', command], {
      cwd,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, USER: 'ann' },
    });
    let said = '';
    const listen = (chunk: Buffer) => {
      said += chunk.toString();
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    // Not everything reads it.
    child.stdin.on('error', () => {});
    child.stdin.end(MESSAGE);
    child.on('close', code => done({ command: `${document}: ${command}`, code, said }));
  });
}
