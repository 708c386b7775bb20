import { expect, test } from 'vitest';
import type { UploadedFile } from '../../../src/runtime/ports.ts';
import { createScratch, openSandbox } from '../../../src/runtime/tools/sandbox.ts';
import { createToolset } from '../../../src/runtime/tools/toolset.ts';
import { createFakeMount, hostWork } from '../../fakes/memory-mount.ts';
import { toolset } from '../session-harness.ts';
import { openToolbox } from './toolbox.ts';

const NOTES = '/mnt/memory/notes';

test('only enabled tools are offered, with the inputs of the agent toolset', () => {
  const sandbox = openSandbox(createScratch(), [], []);
  const custom = {
    type: 'custom' as const,
    name: 'order_status',
    description: 'd',
    input_schema: { type: 'object' },
  };

  const { definitions, kind } = createToolset(
    [toolset({ bash: 'off', edit: 'always_ask' }), custom],
    sandbox,
  );

  expect(
    definitions.map(tool => [
      tool.name,
      Object.keys(tool.input_schema.properties ?? {}),
      tool.input_schema.required,
    ]),
  ).toEqual([
    ['read', ['file_path', 'view_range'], ['file_path']],
    ['write', ['file_path', 'content'], ['file_path', 'content']],
    [
      'edit',
      ['file_path', 'old_string', 'new_string', 'replace_all'],
      ['file_path', 'old_string', 'new_string'],
    ],
    ['glob', ['pattern', 'path'], ['pattern']],
    ['grep', ['pattern', 'path'], ['pattern']],
    ['order_status', [], undefined],
  ]);
  expect(kind('edit')).toEqual({ type: 'builtin', policy: 'always_ask' });
  expect(kind('bash')).toEqual({ type: 'unavailable' });
  expect(kind('order_status')).toEqual({ type: 'custom' });
  expect(kind('constructor')).toEqual({ type: 'unavailable' });
});

test('with a default of disabled, only tools named as enabled are offered', () => {
  const policy = { permission_policy: { type: 'always_allow' as const } };
  const tools = [
    {
      type: 'agent_toolset_20260401' as const,
      default_config: { enabled: false, ...policy },
      configs: [
        { name: 'read', enabled: true, ...policy },
        { name: 'web_search', enabled: true, ...policy },
      ],
    },
  ];

  expect(
    createToolset(tools, openSandbox(createScratch(), [], [])).definitions.map(tool => tool.name),
  ).toEqual(['read']);
});

test('a call to a disabled or unknown tool, or with a wrong input, is an error result with a sentence', async () => {
  const { run } = openToolbox({ tools: [toolset({ bash: 'off' })] });

  expect(await run('bash', { command: 'ls' })).toEqual({
    text: 'There is no tool named "bash" here.',
    isError: true,
  });
  expect((await run('nope', {})).isError).toBe(true);
  const wrong = await run('read', { path: '/a' });
  expect(wrong.isError).toBe(true);
  expect(wrong.text).toContain('file_path');
  expect((await run('read', 'text')).isError).toBe(true);
  expect((await run('glob', { pattern: '*', path: null })).isError).toBe(false);
  expect((await run('write', { file_path: '/a', content: 7 })).text).toContain('content');
});

test('read numbers its lines and takes a range', async () => {
  const mount = createFakeMount({
    files: { '/a.md': 'one\ntwo\n\nfour\n', '/empty.md': '', '/last.md': 'no newline' },
  });
  const { run } = openToolbox({ mounts: [mount] });
  const read = (name: string, view_range?: number[]) =>
    run('read', { file_path: `${NOTES}/${name}`, view_range });

  expect((await read('a.md')).text).toBe('     1\tone\n     2\ttwo\n     3\t\n     4\tfour');
  expect((await read('a.md', [2, 3])).text).toBe('     2\ttwo\n     3\t');
  expect((await read('a.md', [4, -1])).text).toBe('     4\tfour');
  expect((await read('a.md', [3, 99])).text).toBe('     3\t\n     4\tfour');
  expect((await read('empty.md')).text).toBe('(the file is empty)');
  expect((await read('last.md')).text).toBe('     1\tno newline');
  for (const range of [
    [5, 6],
    [0, 2],
    [3, 2],
  ])
    expect((await read('a.md', range)).isError, `${range}`).toBe(true);
  expect((await read('a.md', [1])).isError).toBe(true);
  expect((await read('missing.md')).text).toBe(`${NOTES}/missing.md does not exist.`);
});

test('a file too long for one read is read in ranges', async () => {
  const { run, bash } = openToolbox();
  await bash('seq 1 9000 > /tmp/a; for i in 1 2 3 4 5 6; do cat /tmp/a >> /tmp/long; done');

  expect((await run('read', { file_path: '/tmp/long' })).text).toMatch(
    /^\/tmp\/long is too long .*54000 lines.*view_range/,
  );
  expect((await run('read', { file_path: '/tmp/long', view_range: [54_000, -1] })).text).toBe(' 54000\t9000');
});

test('uploads are read as what they are and cannot be changed', async () => {
  const upload = (path: string, mediaType: string, text: string): UploadedFile => ({
    path,
    mediaType,
    read: async () => {
      await hostWork();
      return Buffer.from(text);
    },
  });
  const { run, bash } = openToolbox({
    uploads: [
      upload('/mnt/session/uploads/list.csv', 'text/csv', 'a,b\n'),
      upload('photo.PNG', 'image/png', '\x89PNG'),
      upload('deep/terms.pdf', 'application/pdf', '%PDF'),
    ],
  });
  const uploads = '/mnt/session/uploads';

  expect((await bash(`find ${uploads} -type f | sort; cat ${uploads}/list.csv`)).text).toBe(
    `${uploads}/deep/terms.pdf\n${uploads}/list.csv\n${uploads}/photo.PNG\na,b`,
  );
  expect((await run('read', { file_path: `${uploads}/photo.PNG` })).text).toBe('[image]');
  expect((await run('read', { file_path: `${uploads}/deep/terms.pdf` })).text).toBe('[document]');
  expect((await run('write', { file_path: `${uploads}/list.csv`, content: 'x' })).text).toContain(
    'read-only',
  );
  expect((await bash(`echo x > ${uploads}/new`)).text).toMatch(/EROFS.*new/);
  expect((await bash(`rm -f ${uploads}/list.csv; cat ${uploads}/list.csv`)).text).toContain('a,b');
  expect(
    (await bash(`echo result > /mnt/session/outputs/result.txt; cat /mnt/session/outputs/result.txt`)).text,
  ).toBe('result');
});

test('an upload larger than what scratch space holds is read like any other', async () => {
  const read = async () => Buffer.alloc(20 * 1024 * 1024, 'a line of text\n');
  const { bash } = openToolbox({ uploads: [{ path: 'big.txt', mediaType: 'text/plain', read }] });

  const { text } = await bash('cd /mnt/session/uploads; ls; wc -c < big.txt; head -n 1 big.txt');

  expect(text).toBe('big.txt\n20971520\na line of text');
});

test('write makes folders and says what it did; relative paths start at home', async () => {
  const mount = createFakeMount();
  const { run, bash } = openToolbox({ mounts: [mount] });

  expect(await run('write', { file_path: `${NOTES}/gifts/mum.md`, content: 'wärme' })).toEqual({
    text: `Wrote 6 bytes to ${NOTES}/gifts/mum.md.`,
    isError: false,
  });
  await run('write', { file_path: 'notes.txt', content: 'here' });

  expect(mount.versions).toEqual(['write /gifts/mum.md wärme']);
  expect((await bash('cat ~/notes.txt')).text).toBe('here');
});

test('edit replaces one exact occurrence, or all when told', async () => {
  const mount = createFakeMount({ files: { '/a.md': 'size 8, size 8, $1 & $&\n' } });
  const { run } = openToolbox({ mounts: [mount] });
  const edit = (old_string: string, new_string: string, replace_all?: boolean) =>
    run('edit', { file_path: `${NOTES}/a.md`, old_string, new_string, replace_all });

  expect((await edit('size 8', 'size 9')).text).toContain('occurs 2 times');
  expect((await edit('size 7', 'size 9')).text).toContain('does not occur');
  expect((await edit('same', 'same')).isError).toBe(true);
  expect(mount.versions).toEqual([]);
  expect((await edit('size 8', 'size 9', true)).text).toBe(`Replaced 2 occurrences in ${NOTES}/a.md.`);
  expect((await edit('$1 & $&', '$& and $1')).isError).toBe(false);
  expect(mount.files.get('/a.md')).toBe('size 9, size 9, $& and $1\n');
});

test('calls that may have run before a crash do no harm when they run again', async () => {
  const mount = createFakeMount({ files: { '/a.md': 'wool\n' } });
  const { run } = openToolbox({ mounts: [mount] });
  const addition = { file_path: `${NOTES}/a.md`, old_string: 'wool', new_string: 'wool, silk' };
  await run('edit', addition);

  expect((await run('edit', addition, { repeated: true })).text).toContain('already contains');
  const append = await run('bash', { command: `echo more >> ${NOTES}/a.md` }, { repeated: true });
  expect(append).toMatchObject({ isError: true, text: expect.stringContaining('restarted') });

  expect(mount.files.get('/a.md')).toBe('wool, silk\n');
});

test('glob finds by name, sorted, with absolute paths', async () => {
  const mount = createFakeMount({
    files: { '/b.md': '', '/a.md': '', '/d/c.md': '', '/d/e/f.txt': '', '/d/x[1].md': '' },
  });
  const { run } = openToolbox({ mounts: [mount] });
  const glob = async (pattern: string, path?: string) =>
    (await run('glob', { pattern, path })).text.replaceAll(NOTES, 'N').split('\n');

  expect(await glob('*.md', NOTES)).toEqual(['N/a.md', 'N/b.md']);
  expect(await glob('**/*.md', NOTES)).toEqual(['N/a.md', 'N/b.md', 'N/d/c.md', 'N/d/x[1].md']);
  expect(await glob(`${NOTES}/**/*.txt`)).toEqual(['N/d/e/f.txt']);
  expect(await glob('**/*.{txt,md}', `${NOTES}/d`)).toEqual(['N/d/c.md', 'N/d/e/f.txt', 'N/d/x[1].md']);
  expect(await glob('**/[!a-b].md')).toEqual(['N/d/c.md']);
  expect(await glob('d/?.md', NOTES)).toEqual(['N/d/c.md']);
  expect(await glob('**/x\\[1\\].md', NOTES)).toEqual(['N/d/x[1].md']);
  expect(await glob('d/**', NOTES)).toEqual(['N/d/c.md', 'N/d/e/f.txt', 'N/d/x[1].md']);
  expect(await glob('*.none')).toEqual(['No files match.']);
});

test('glob shows the first 200 files and counts the rest', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 203 }, (_, i) => [`/${String(i).padStart(3, '0')}.md`, '']),
  );
  const { run } = openToolbox({ mounts: [createFakeMount({ files })] });

  const lines = (await run('glob', { pattern: '*.md', path: NOTES })).text.split('\n');

  expect(lines).toHaveLength(201);
  expect(lines.at(-2)).toBe(`${NOTES}/199.md`);
  expect(lines.at(-1)).toContain('3 more files');
});

test('grep gives path, line number and text, sorted, from a folder or one file', async () => {
  const mount = createFakeMount({
    files: { '/z.md': 'Wool no\nsilk\nwool yes\n', '/a/b.md': 'wool: 1:2\n' },
  });
  const { run } = openToolbox({ mounts: [mount] });

  expect((await run('grep', { pattern: '[wW]ool' })).text).toBe(
    `${NOTES}/a/b.md:1:wool: 1:2\n${NOTES}/z.md:1:Wool no\n${NOTES}/z.md:3:wool yes`,
  );
  expect((await run('grep', { pattern: '^silk$', path: `${NOTES}/z.md` })).text).toBe(`${NOTES}/z.md:2:silk`);
  expect((await run('grep', { pattern: '-v' })).text).toBe('No lines match.');
  expect(await run('grep', { pattern: '(' })).toMatchObject({
    isError: true,
    text: expect.stringContaining('regular expression'),
  });
  expect((await run('grep', { pattern: 'x', path: '/nowhere' })).text).toBe('/nowhere does not exist.');
  expect((await run('grep', { pattern: '$(touch /tmp/pwned); `touch /tmp/pwned`' })).isError).toBe(false);
  expect((await run('read', { file_path: '/tmp/pwned' })).isError).toBe(true);
});

test('the shell keeps its folder and variables until it is restarted; files stay', async () => {
  const { run, bash } = openToolbox();
  await bash('mkdir work && cd work && touch here && NAME=ann && export SIZE=9');

  expect((await bash('pwd; echo $NAME $SIZE; ls')).text).toBe('/home/agent/work\nann 9\nhere');
  expect((await run('bash', { restart: true })).text).toBe('A fresh shell is ready.');
  expect((await bash('pwd; echo "[$NAME]"; ls')).text).toBe('/home/agent\n[]\nwork');
});

test('a shell whose folder is gone starts at home', async () => {
  const { bash } = openToolbox();
  await bash('mkdir /tmp/gone && cd /tmp/gone');
  await bash('rm -r /tmp/gone');

  expect((await bash('pwd')).text).toBe('/home/agent');
});

test('bash gives output, then errors, then the exit code when it is not 0', async () => {
  const { run, bash } = openToolbox();

  expect(await bash('echo out; ls /none; exit 3')).toEqual({
    text: 'out\nls: /none: No such file or directory\nExit code 3',
    isError: true,
  });
  expect(await bash('true')).toEqual({ text: '(no output)', isError: false });
  expect((await bash('if then')).text).toContain('syntax error');
  expect((await run('bash', {})).text).toContain('needs a command');
  expect((await bash('echo gone > /dev/null; cat /dev/null')).text).toBe('(no output)');
});

test('long output is cut with a note', async () => {
  const { bash } = openToolbox({
    mounts: [createFakeMount({ files: { '/emoji.md': `x${'😀'.repeat(20_000)}` } })],
  });

  const { text } = await bash('seq 1 9000');

  expect(text.length).toBeLessThan(30_200);
  expect(text).toMatch(/more characters left out/);

  const emoji = await bash(`cat ${NOTES}/emoji.md`);
  expect(emoji.text).toMatch(/more characters left out/);
  expect(emoji.text).not.toMatch(/\p{Cs}/u);
});

test('a command that takes too long is stopped, and one that is aborted too', async () => {
  const { run } = openToolbox();

  const slow = await run('bash', { command: 'echo started; sleep 60', timeout_ms: 30 });
  expect(slow).toMatchObject({ isError: true, text: expect.stringContaining('stopped after 30 ms') });

  const abort = new AbortController();
  const running = run('bash', { command: 'sleep 60' }, { signal: abort.signal });
  setImmediate(() => abort.abort());
  await expect(running).rejects.toThrow('aborted');
});
