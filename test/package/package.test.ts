import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const REPO = resolve(import.meta.dirname, '../..');
/** What `npm pack` looks at. */
const SOURCES = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'src',
  'examples',
  'agent.yml',
  '.env.example',
  'manifest.yml',
  'manifest.http.yml',
  'README.md',
  'LICENSE',
  'docs',
];

let scratch: string;
/** An empty folder of somebody who has installed the package, and nothing else. */
let home: string;
let packed: string[];

/**
 * Packs a copy of the repository as a release would be, and lays the package out as npm would install it: with
 * exactly the dependencies it declares. They come from this repository's node_modules, so no registry is asked.
 */
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'shopper-package-'));
  const copy = join(scratch, 'copy');
  for (const name of SOURCES) await cp(join(REPO, name), join(copy, name), { recursive: true });
  await symlink(join(REPO, 'node_modules'), join(copy, 'node_modules'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', scratch], { cwd: copy });
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [
    { filename: string; files: { path: string }[] },
  ];
  packed = files.map(({ path }) => path);
  home = join(scratch, 'home');
  const modules = join(home, 'node_modules');
  await mkdir(join(modules, '.bin'), { recursive: true });
  await run('tar', ['xzf', join(scratch, filename), '-C', modules]);
  await run('mv', [join(modules, 'package'), join(modules, 'shopper')]);
  const { bin, dependencies } = await manifest();
  for (const name of Object.keys(dependencies)) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(REPO, 'node_modules', name), join(modules, name));
  }
  await run('chmod', ['+x', join(modules, 'shopper', bin.shopper)]);
  await symlink(join('../shopper', bin.shopper), join(modules, '.bin/shopper'));
  await writeFile(join(home, 'package.json'), '{ "type": "module" }\n');
}, 300_000);
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function manifest(): Promise<{
  version: string;
  private: boolean;
  bin: { shopper: string };
  dependencies: Record<string, string>;
}> {
  return JSON.parse(await readFile(join(home, 'node_modules/shopper/package.json'), 'utf8'));
}

function npx(
  args: string[],
  input = '',
  cwd = home,
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise(done => {
    // As `npx shopper` finds it, without asking a registry for anything newer.
    const child = spawn('npx', ['--no-install', 'shopper', ...args], {
      cwd,
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      err += chunk;
    });
    child.on('close', code => done({ code, out, err }));
    child.stdin.end(input);
  });
}

describe('the package', { timeout: 120_000 }, () => {
  it('carries the program, its types and what it copies, and nothing else', () => {
    expect(packed).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'agent.yml',
        '.env.example',
        'manifest.yml',
        'npm-shrinkwrap.json',
        'dist/cli.js',
        'dist/extending.js',
        'dist/extending.d.ts',
        'examples/personas/running-coach.yml',
      ]),
    );
    const others = packed.filter(
      path =>
        !/^(?:dist\/.*(?:\.js|\.d\.ts)|docs\/[\w-]+\.md|examples\/personas\/[\w-]+\.yml|manifest(?:\.http)?\.yml)$/.test(
          path,
        ),
    );
    expect(others.sort()).toEqual(
      ['LICENSE', 'README.md', 'agent.yml', '.env.example', 'npm-shrinkwrap.json', 'package.json'].sort(),
    );
  });

  it('carries what its sentences and files tell people to read', async () => {
    const installed = join(home, 'node_modules/shopper');
    const named = new Set<string>();
    for (const path of packed) {
      if (/\.md$|shrinkwrap/.test(path)) continue;
      const text = await readFile(join(installed, path), 'utf8');
      for (const [page] of text.matchAll(/\bdocs\/[\w-]+\.md\b/g)) named.add(page);
    }
    expect(named).toContain('docs/troubleshooting.md');
    expect(packed).toEqual(expect.arrayContaining([...named]));
  });

  it('cannot be published by a slip: the name on npm belongs to somebody else', async () => {
    expect((await manifest()).private).toBe(true);
  });

  it('answers in an empty folder, and says whose words it uses', async () => {
    const { code, out, err } = await npx(['--user', 'ann'], 'I wear size 9 shoes\n');
    expect(err).toContain('There is no agent.yml here: using the persona that comes with Shopper.');
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('+ shoe size: 9') });
  });

  it('knows its version and its commands', async () => {
    expect(await npx(['--version'])).toMatchObject({ code: 0, out: `${(await manifest()).version}\n` });
    expect((await npx(['--help'])).out).toMatch(/ {2}init +write agent\.yml/);
  });

  it('says what to do with a tool in a project that is none of ES modules, as npm init makes them', async () => {
    const folder = join(home, 'common');
    await mkdir(folder);
    await writeFile(join(folder, 'package.json'), '{ "type": "commonjs" }\n');
    await writeFile(join(folder, 'agent.yml'), 'name: a\nmodel: m\nsystem: s\ncustom_tools: [./tool.js]\n');
    await writeFile(join(folder, 'tool.js'), "import 'node:fs';\nexport default {};\n");
    const { code, err } = await npx(['start'], 'hi\n', folder);
    expect(code).not.toBe(0);
    expect(err).toContain(
      'Cannot load ./tool.js: it is an ES module, and the package.json beside it says otherwise; put "type": "module" there',
    );
  });

  it('writes what is needed to make it one’s own, and never over anything', async () => {
    const folder = join(home, 'mine');
    const first = await npx(['init', 'mine', '--persona', 'running-coach']);
    expect(first).toMatchObject({ code: 0 });
    expect(first.out).toMatch(
      /wrote mine\/agent\.yml\nwrote mine\/\.env\.example\nwrote mine\/manifest\.yml/,
    );
    await writeFile(join(folder, 'manifest.yml'), 'mine');
    const agent = await readFile(join(folder, 'agent.yml'), 'utf8');
    expect(agent).toContain('name: running-coach');
    const second = await npx(['init', 'mine']);
    expect(second.out).toMatch(/kept mine\/agent\.yml\nkept mine\/\.env\.example\nkept mine\/manifest\.yml/);
    expect(await readFile(join(folder, 'agent.yml'), 'utf8')).toBe(agent);
    expect(await readFile(join(folder, 'manifest.yml'), 'utf8')).toBe('mine');
    const chat = await npx(['--user', 'ben'], 'hello\n', folder);
    expect(chat).toMatchObject({ code: 0 });
    expect(chat.err).not.toContain('no agent.yml');
    expect(await npx(['init', 'other', '--persona', 'butler'])).toMatchObject({
      code: 3,
      err: expect.stringContaining('Choose one of: it-helpdesk, running-coach, shopper.'),
    });
  });

  it('lets tools and adapters be written outside, checked against its types', async () => {
    const own = join(home, 'own');
    await cp(join(REPO, 'examples'), own, { recursive: true });
    const files = [
      'custom-tool/order-status.ts',
      ...['adapter', 'parlour', 'questions', 'reply'].map(it => `adapter/${it}.ts`),
    ];
    for (const file of files) {
      const text = await readFile(join(own, file), 'utf8');
      await writeFile(join(own, file), text.replaceAll("'../../src/extending.ts'", "'shopper'"));
    }
    const compilerOptions = {
      target: 'ES2023',
      module: 'NodeNext',
      strict: true,
      types: ['node'],
      typeRoots: [join(REPO, 'node_modules/@types')],
      rewriteRelativeImportExtensions: true,
      skipLibCheck: true,
      outDir: '../compiled',
    };
    await writeFile(join(own, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['**/*.ts'] }));
    const check = () =>
      run(process.execPath, [join(REPO, 'node_modules/typescript/lib/tsc.js'), '-p', own]).catch(
        (error: { stdout: string }) => error,
      );
    expect((await check()).stdout).toBe('');
    // A mistake is found, so the types are really there.
    const wrong =
      "import type { ChatAdapter } from 'shopper';\nexport const platform: ChatAdapter['platform'] = 1;\n";
    await writeFile(join(own, 'wrong.ts'), wrong);
    expect((await check()).stdout).toContain("Type 'number' is not assignable to type 'string'");
    // What was compiled runs in the installed bot, as JavaScript, on every Node.
    const agent = await readFile(join(own, 'custom-tool/agent.yml'), 'utf8');
    const folder = join(home, 'compiled/custom-tool');
    await writeFile(join(folder, 'agent.yml'), agent.replace('order-status.ts', 'order-status.js'));
    const started = await npx(['--user', 'cat'], 'hello\n', folder);
    expect(started).toMatchObject({ code: 0, out: expect.stringMatching(/\S/) });
  });
});
