import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFakeMount, hostWork } from '../../fakes/memory-mount.ts';
import { openToolbox } from './toolbox.ts';

// A file and a variable that exist on this host: no tool may find either.
const SECRET = 'host-secret-4711';
let hostFolder: string;
let hostFile: string;

beforeAll(async () => {
  hostFolder = await mkdtemp(join(tmpdir(), 'isolation-'));
  hostFile = join(hostFolder, 'secret.txt');
  await writeFile(hostFile, SECRET);
  process.env.ISOLATION_SECRET = SECRET;
});

afterAll(async () => {
  delete process.env.ISOLATION_SECRET;
  await rm(hostFolder, { recursive: true, force: true });
});

const attempts = () => [
  `cat ${hostFile}`,
  `cat /mnt/memory/notes/../../..${hostFile}`,
  `cat /mnt/session/uploads/../../..${hostFile}`,
  `cd /; cat .${hostFile}; cat ../../../..${hostFile}`,
  `ln -s ${hostFolder} /tmp/link; cat /tmp/link/secret.txt`,
  `ln -s / /mnt/memory/notes/root; cat /mnt/memory/notes/root${hostFile}`,
  `ln ${hostFile} /tmp/hard; cat /tmp/hard`,
  `cp ${hostFile} /tmp/copy; cat /tmp/copy`,
  `mount ${hostFolder} /mnt; cat /mnt/secret.txt`,
  `tar cf - ${hostFolder} | cat`,
  `source ${hostFile}; . ${hostFile}`,
  `while read line; do echo $line; done < ${hostFile}`,
  `awk '{print}' ${hostFile}; sed p ${hostFile}; jq -R . ${hostFile}; xan view ${hostFile}`,
  `awk 'BEGIN { while ((getline line < "${hostFile}") > 0) print line; system("cat ${hostFile}") }'`,
  `find / -name 'secret.txt' -exec cat {} +`,
  `grep -r ${SECRET.slice(0, 11)} /tmp /proc /home /etc`,
  "env; printenv; set; declare -p; echo $ISOLATION_SECRET; awk 'BEGIN { for (k in ENVIRON) print ENVIRON[k] }'",
  'cat /proc/self/environ /proc/1/environ /proc/self/cmdline /proc/self/maps',
  `jq -n 'env'; jq -n '$ENV'; yq -n 'env'`,
  `echo '{}' | jq 'input_filename, $__prog_args, (try import "${hostFile}" as x; .)'`,
  `node -e 'console.log(process.env)'; js-exec 'console.log(process.env)'; python3 -c 'print(open("${hostFile}").read())'`,
  `sqlite3 :memory: "select readfile('${hostFile}')"; sqlite3 ${hostFile} .dump`,
  `bash -c 'cat ${hostFile}'; sh -c 'echo $ISOLATION_SECRET'; eval 'cat ${hostFile}'; xargs cat <<< ${hostFile}`,
  `exec 3< ${hostFile}; cat <&3; cat /dev/fd/3; cat <(cat ${hostFile})`,
];

test('no command shows a file, a variable or a process of the host', async () => {
  const { bash } = openToolbox({ mounts: [createFakeMount()] });
  for (const command of attempts()) {
    const { text } = await bash(command);
    expect(text.replaceAll(hostFile, ''), command).not.toContain(SECRET);
    expect(text, command).not.toContain(process.cwd());
    expect(text, command).not.toContain(process.execPath);
  }
});

test('the password file of the host is not there, whichever tool asks', async () => {
  const { bash, run } = openToolbox({ mounts: [createFakeMount()] });

  for (const path of [
    '/etc/passwd',
    '../../etc/passwd',
    '/mnt/memory/notes/../../../etc/passwd',
    '/proc/self/root/etc/passwd',
  ]) {
    expect((await bash(`cat ${path}`)).isError, path).toBe(true);
    expect((await run('read', { file_path: path })).text, path).toContain('does not exist');
    expect((await run('edit', { file_path: path, old_string: 'root', new_string: 'x' })).isError, path).toBe(
      true,
    );
    expect((await run('grep', { pattern: 'root', path })).isError, path).toBe(true);
    expect((await run('glob', { pattern: '*', path })).isError, path).toBe(true);
  }
  expect((await run('glob', { pattern: '/etc/**' })).isError).toBe(true);
  expect((await run('glob', { pattern: '../../**' })).isError).toBe(true);
});

test('what is written to a path of the host stays in the sandbox', async () => {
  const { bash, run } = openToolbox();
  const target = join(hostFolder, 'written.txt');

  await bash(
    `mkdir -p ${hostFolder}; echo bash > ${target}; echo bash > ${hostFile}; rm -rf ${hostFolder}/*`,
  );
  await run('write', { file_path: target, content: 'written' });
  await run('write', { file_path: hostFile, content: 'overwritten' });

  expect(await readdir(hostFolder)).toEqual(['secret.txt']);
  expect(await readFile(hostFile, 'utf8')).toBe(SECRET);
});

test('a command reaches no server on this machine', async () => {
  let hits = 0;
  const server = createServer((_, response) => {
    hits += 1;
    response.end(SECRET);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { bash } = openToolbox();
  try {
    for (const command of [
      `curl http://127.0.0.1:${port}`,
      `wget -qO- http://127.0.0.1:${port}`,
      `exec 3<>/dev/tcp/127.0.0.1/${port}; echo 'GET / HTTP/1.0' >&3; cat <&3`,
      `nc 127.0.0.1 ${port}`,
      `html-to-markdown http://127.0.0.1:${port}`,
    ]) {
      expect((await bash(command)).text, command).not.toContain(SECRET);
    }
    expect(hits).toBe(0);
  } finally {
    server.close();
  }
});

test('a session sees only the stores mounted for it, and no scratch file of another', async () => {
  const ann = openToolbox({
    mounts: [createFakeMount({ mountPath: '/mnt/memory/ann', files: { '/a.md': SECRET } })],
  });
  const ben = openToolbox({ mounts: [createFakeMount({ mountPath: '/mnt/memory/ben' })] });
  await ann.bash(`echo ${SECRET} > /tmp/scratch; export NOTE=${SECRET}`);

  const seen = await ben.bash(
    'ls -R /mnt /tmp /home; cat /mnt/memory/ann/a.md /tmp/scratch; echo "[$NOTE]"; grep -r host /mnt /tmp',
  );

  expect(seen.text).not.toContain(SECRET);
  expect(seen.text).toContain('[]');
});

test('a link cannot stand in for a store: what looks saved is saved', async () => {
  const mount = createFakeMount({ files: { '/a.md': 'A' } });
  const { bash } = openToolbox({ mounts: [mount] });

  for (const target of ['/', '/mnt', '/mnt/memory', '/mnt/memory/notes']) {
    expect((await bash(`ln -s ${target} /tmp/link`)).isError, target).toBe(true);
    expect((await bash('test -e /tmp/link || test -L /tmp/link')).isError, target).toBe(true);
  }
  // As a plain folder it may be made, and is then no store.
  await bash('mkdir -p /tmp/link/memory/notes && echo x > /tmp/link/memory/notes/b.md');
  expect((await bash('ls /mnt/memory/notes')).text).toBe('a.md');
});

test.each([
  ['an endless loop', 'while true; do :; done'],
  ['endless recursion', 'f() { f; }; f'],
  ['a fork bomb', 'f() { f | f & }; f'],
  ['endless output', 'seq 1 1000000000'],
  ['a doubling string', 'x=aaaaaaaaaa; while true; do x=$x$x; done'],
  ['doubling braces', 'echo {1..100}{1..100}{1..100}{1..100}'],
  [
    'a doubling file',
    'echo aaaaaaaaaa > /tmp/f; while true; do cat /tmp/f /tmp/f > /tmp/g; mv /tmp/g /tmp/f; done',
  ],
  [
    'an explosive pattern',
    'echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab | grep -E "^(a+)+$" || false',
  ],
])('%s ends by itself, and the shell works on', async (_, command) => {
  const { bash } = openToolbox();

  expect((await bash(command)).isError).toBe(true);

  expect((await bash('echo still here')).text).toBe('still here');
});

test('a search pattern that would hang a backtracking engine answers at once', async () => {
  const mount = createFakeMount({ files: { '/a.md': `${'a'.repeat(60)}b\n`, [`/${'a'.repeat(200)}`]: 'x' } });
  const { run } = openToolbox({ mounts: [mount] });

  expect((await run('grep', { pattern: '^(a+)+$' })).text).toBe('No lines match.');
  expect((await run('glob', { pattern: `**/${'*a'.repeat(30)}*b` })).text).toBe('No files match.');
  expect((await run('glob', { pattern: '{a,b}'.repeat(40) })).isError).toBe(true);
});

/** Scratch folders, as many as one command may make. */
const MANY_FOLDERS = 'for i in {1..800}; do mkdir -p /tmp/d$i/e; done';

test('while a command goes through many files, other work of the process goes on', async () => {
  const { bash } = openToolbox();
  await bash(MANY_FOLDERS);
  let turns = 0;
  let over = false;
  const turn = () => {
    turns += 1;
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);

  const { text } = await bash('for f in /tmp/*/* /tmp/*/*; do test -d $f || exit 1; done');
  over = true;

  expect(text).toBe('(no output)');
  expect(turns).toBeGreaterThan(5);
});

// A rejection that nobody catches fails the run.
test('commands that are stopped in the midst of many files do nothing after that, whenever it happens', async () => {
  const files = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`/${i}.md`, 'x\n']));
  const mount = createFakeMount({ files });
  const { run, bash } = openToolbox({ mounts: [mount] });
  await bash(MANY_FOLDERS);

  for (const command of [
    'find /tmp /tmp',
    'find /tmp -name "*.md"; find /tmp | xargs -n1 ls',
    'ls -R /tmp; ls -R /tmp',
    'for f in /tmp/*/* /tmp/*/*; do cat $f; done',
    'grep -r x /tmp /mnt /tmp',
    'for f in /mnt/memory/notes/*; do cat $f | sort > $f; done',
    'cp -r /tmp /home/agent/copy; cp -r /tmp /mnt/session/outputs/copy; sleep 1',
  ]) {
    for (const timeout_ms of [1, 5, 20, 50]) {
      const { text } = await run('bash', { command, timeout_ms });
      expect(text, command).toContain(`The command was stopped after ${timeout_ms} ms.`);
    }
  }

  const versions = mount.versions.length;
  expect((await bash('echo still here')).text).toBe('still here');
  expect(mount.versions).toHaveLength(versions);
});

test('a command that was stopped while the store did not answer does nothing with the answer', async () => {
  const mount = createFakeMount({ files: { '/a.md': 'A', '/b.md': 'B' } });
  const { list } = mount;
  const answers: (() => void)[] = [];
  mount.list = async () => {
    await new Promise<void>(resolve => answers.push(resolve));
    return list();
  };
  let asked = 0;
  mount.read = async () => {
    asked += 1;
    return 'A';
  };
  const { run } = openToolbox({ mounts: [mount] });

  const command = 'for f in /mnt/memory/notes/*; do cat $f; echo x > $f; done';
  expect((await run('bash', { command, timeout_ms: 1 })).text).toContain('stopped after 1 ms');
  for (const answer of answers) answer();
  for (let turn = 0; turn < 20; turn += 1) await hostWork();

  expect(asked).toBe(0);
  expect(mount.versions).toEqual([]);
});

test('files and folders of a session are bounded in number, and so are their names', async () => {
  const mount = createFakeMount({
    files: Object.fromEntries(Array.from({ length: 1_998 }, (_, i) => [`/${i + 1}.md`, 'x\n'])),
  });
  const { bash, run } = openToolbox({ mounts: [mount] });

  const folders = await bash('mkdir /tmp/{1..2100}');
  expect(folders).toMatchObject({
    isError: true,
    text: expect.stringContaining('at most 2000 files and folders'),
  });
  expect((await bash('cp -r /tmp /home/agent/more; cp -r /tmp /home/agent/more')).isError).toBe(true);
  expect((await bash('rm -r /tmp/*; mkdir /tmp/again && ls /tmp')).text).toBe('again');
  const long = await run('write', { file_path: `/tmp/${'x'.repeat(1_100)}`, content: 'x' });
  expect(long.text).toContain('at most 1024 characters');

  const files = await bash('cd /mnt/memory/notes; echo x > 1999.md; echo x > 2000.md; echo x > 2001.md');
  expect(files).toMatchObject({ isError: true, text: expect.stringContaining('at most 2000 files here') });
  expect(mount.files.size).toBe(2_000);
  const empty = await bash('cd /mnt/memory/notes; mkdir d{1..2100}');
  expect(empty.text).toContain('too many empty folders');
});

test('variables too large to be kept are told and gone; the others stay', async () => {
  const { bash } = openToolbox();
  await bash('NAME=ann');

  const kept = await bash('BIG=$(printf "%2000000s" x); printf "$BIG" | wc -c');

  expect(kept.isError).toBe(false);
  expect(kept.text).toMatch(/^2000000\n\(.*BIG.* gone/);
  expect((await bash('echo "$NAME [$BIG]"')).text).toBe('ann []');
});
