import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { MountError } from '../../../src/runtime/ports.ts';
import { createFakeMount } from '../../fakes/memory-mount.ts';
import { openToolbox } from './toolbox.ts';

test('a file written by redirection is one version, not an empty one and then the text', async () => {
  const mount = createFakeMount({ files: { '/sizes.md': 'shoe: 8\n' } });
  const { bash } = openToolbox({ mounts: [mount] });

  expect(await bash('echo "shoe: 9" > /mnt/memory/notes/sizes.md')).toEqual({
    text: '(no output)',
    isError: false,
  });

  expect(mount.versions).toEqual(['write /sizes.md shoe: 9\n']);
});

test('appending reads what is there and writes the whole, once', async () => {
  const mount = createFakeMount({ files: { '/sizes.md': 'shoe: 9\n' } });
  const { bash } = openToolbox({ mounts: [mount] });

  await bash('echo "hat: M" >> /mnt/memory/notes/sizes.md; echo "héllo" >> /mnt/memory/notes/new.md');

  expect(mount.versions).toEqual(['write /sizes.md shoe: 9\nhat: M\n', 'write /new.md héllo\n']);
});

test('however often a command writes a file, it is one version', async () => {
  const mount = createFakeMount({ files: { '/log.md': 'start\n' } });
  const { bash } = openToolbox({ mounts: [mount] });

  const { text } = await bash(
    'cd /mnt/memory/notes; for i in {1..50}; do echo $i >> log.md; echo $i > last.md; done; tail -1 log.md last.md; ' +
      'cp log.md draft.md; mv draft.md copy.md; rm last.md',
  );

  expect(text).toContain('==> log.md <==\n50\n\n==> last.md <==\n50');
  const lines = `start\n${Array.from({ length: 50 }, (_, i) => `${i + 1}\n`).join('')}`;
  expect(mount.versions).toEqual([`write /log.md ${lines}`, `write /copy.md ${lines}`]);
});

test('what somebody else writes while a command appends stays', async () => {
  const mount = createFakeMount({ files: { '/list.md': 'milk\n', '/gone.md': 'old\n' } });
  const { bash } = openToolbox({ mounts: [mount] });
  // The person edits one file by hand and deletes another, after the command has read both.
  mount.write = (write => async (path, content) => {
    if (mount.versions.length === 0) {
      mount.files.set('/list.md', 'milk, by hand\n');
      mount.files.delete('/gone.md');
    }
    await write(path, content);
  })(mount.write);

  await bash(
    'cd /mnt/memory/notes; echo x > first.md; echo bread >> list.md; echo eggs >> list.md; echo new >> gone.md',
  );

  expect(mount.files.get('/list.md')).toBe('milk, by hand\nbread\neggs\n');
  expect(mount.files.get('/gone.md')).toBe('new\n');
});

test('a file is removed or moved only after what was written before it is kept', async () => {
  const mount = createFakeMount({ files: { '/old.md': 'A\n' } });
  const { bash } = openToolbox({ mounts: [mount] });

  await bash('cd /mnt/memory/notes; cat old.md > new.md; rm old.md; echo B > other.md; mv new.md moved.md');

  expect(mount.versions).toEqual([
    'write /new.md A\n',
    'remove /old.md',
    'write /other.md B\n',
    'rename /new.md /moved.md',
  ]);
});

test('a file is not moved away when the place it is to go to takes nothing', async () => {
  const mount = createFakeMount({ files: { '/a.md': 'A\n' } });
  mount.write = async () => {
    throw new MountError('ENOSPC', 'the store is full');
  };
  const { bash } = openToolbox({ mounts: [mount] });

  const moved = await bash('cd /mnt/memory/notes; > b.md; mv a.md b.md');

  expect(moved).toMatchObject({ isError: true, text: expect.stringContaining('the store is full') });
  expect(mount.files.get('/a.md')).toBe('A\n');
});

test('a command that is stopped leaves what it had written, and writes no more', async () => {
  const mount = createFakeMount();
  const { run } = openToolbox({ mounts: [mount] });
  const command = 'echo early > /mnt/memory/notes/a.md; sleep 60; echo late > /mnt/memory/notes/b.md';

  const stopped = await run('bash', { command, timeout_ms: 200 });

  expect(stopped).toMatchObject({ isError: true, text: expect.stringContaining('stopped after 200 ms') });
  expect(mount.versions).toEqual(['write /a.md early\n']);
});

test('a refused file says so beside the output, and the others of the same command are kept', async () => {
  const mount = createFakeMount();
  mount.write = (write => async (path, content) => {
    if (path === '/a.md') throw new MountError('EROFS', `the store says no, '${path}'`);
    await write(path, content);
  })(mount.write);
  const { bash, run } = openToolbox({ mounts: [mount] });

  const { text, isError } = await bash('cd /mnt/memory/notes; echo 1 > a.md; echo 2 > b.md; echo done');

  expect(isError).toBe(true);
  expect(text).toContain("done\nrefused: EROFS: the store says no, '/a.md'");
  expect(mount.versions).toEqual(['write /b.md 2\n']);
  expect((await run('write', { file_path: '/mnt/memory/notes/a.md', content: 'x' })).text).toBe(
    'Not written: /mnt/memory/notes/a.md is read-only.',
  );
});

test('what no store takes is refused to the command that wrote it', async () => {
  const mount = createFakeMount();
  const { bash } = openToolbox({ mounts: [mount] });
  const deep = Array.from({ length: 21 }, (_, i) => i).join('/');

  const refused = await bash(
    `cd /mnt/memory/notes; mkdir -p ${posix.dirname(deep)}; echo x > ${deep} || echo failed; echo on > fine.md`,
  );

  expect(refused).toMatchObject({ isError: true, text: expect.stringContaining('at most 20 segments') });
  expect([...mount.files.keys()]).not.toContain(`/${deep}`);
});

test.each([
  [
    'a loop over its lines',
    ['while read -r l; do echo "- $l"; done < f.md > g.md'],
    '- Größe 日本 😀\n- öß\n',
  ],
  ['a loop that appends', ['while read l; do echo "ü $l" >> g.md; done < f.md'], 'ü Größe 日本 😀\nü öß\n'],
  ['a line in a variable', ['read -r l < f.md; printf "ß%s" "$l" > g.md'], 'ßGröße 日本 😀'],
  [
    'an array',
    ['mapfile -t a < f.md; for l in "$' + '{a[@]}"; do echo "$l" >> g.md; done'],
    'Größe 日本 😀\nöß\n',
  ],
  ['a pipe', ['cat f.md | while read -r l; do echo "$l"; done | tee g.md'], 'Größe 日本 😀\nöß\n'],
  [
    'scratch space',
    ['while read l; do echo "$l"; done < f.md > /tmp/t', 'cp /tmp/t g.md'],
    'Größe 日本 😀\nöß\n',
  ],
  ['an earlier command', ['read -r l < f.md', 'echo "$l" > g.md'], 'Größe 日本 😀\n'],
  ['a script', [`echo 'read -r l < f.md; echo "$l" > g.md' > /tmp/s`, '. /tmp/s'], 'Größe 日本 😀\n'],
])('text that the shell reads into variables is saved as it is: %s', async (_, commands, saved) => {
  const mount = createFakeMount({ files: { '/f.md': 'Größe 日本 😀\nöß\n' } });
  const { bash } = openToolbox({ mounts: [mount] });
  await bash('cd /mnt/memory/notes');

  for (const command of commands) {
    expect((await bash(command)).isError).toBe(false);
  }

  expect(mount.files.get('/g.md')).toBe(saved);
});

test('text that looks like bytes is left alone: copied, typed, written by a tool, or where nothing is read into variables', async () => {
  const odd = 'Ã¶ «CAFÉ» Â°\n';
  const mount = createFakeMount({ files: { '/f.md': odd } });
  const { bash, run } = openToolbox({ mounts: [mount] });

  await bash(
    'cd /mnt/memory/notes; cp f.md 1.md; cat f.md > 2.md; echo "$(cat f.md)" > 3.md; cat f.md | sort > 4.md',
  );
  await bash('read x < f.md; cp f.md 5.md');
  await bash(`read x < f.md; echo '${odd.trim()}' > 6.md`);
  await run('write', { file_path: '/mnt/memory/notes/8.md', content: odd });
  await run('edit', { file_path: '/mnt/memory/notes/8.md', old_string: '°', new_string: '°!' });

  for (const name of ['1', '2', '3', '4', '5', '6']) expect(mount.files.get(`/${name}.md`), name).toBe(odd);
  expect(mount.files.get('/8.md')).toBe(odd.replace('°', '°!'));
});

test('a file that is emptied, touched or never filled is written as empty when the command ends', async () => {
  const mount = createFakeMount({ files: { '/old.md': 'text' } });
  const { bash } = openToolbox({ mounts: [mount] });

  const { text } = await bash(
    'cd /mnt/memory/notes; > old.md; touch new.md; cat old.md; ls -s; test -f new.md && echo there',
  );

  expect(text).toContain('there');
  expect(mount.versions).toEqual(['write /old.md ', 'write /new.md ']);
});

test('folders can be made before their files and stay when the last file goes', async () => {
  const mount = createFakeMount();
  const { bash } = openToolbox({ mounts: [mount] });

  const made = await bash(
    'cd /mnt/memory/notes && mkdir -p gifts/mum && mkdir brands && ls && ls gifts && echo scarf > gifts/mum/ideas.md',
  );
  expect(made).toEqual({ text: 'brands\ngifts\nmum', isError: false });
  await bash('rm /mnt/memory/notes/gifts/mum/ideas.md');
  expect((await bash('ls /mnt/memory/notes/gifts; ls -A /mnt/memory/notes/gifts/mum')).text).toBe('mum');
  expect((await bash('mkdir /mnt/memory/notes/brands')).isError).toBe(true);
  expect((await bash('mkdir /mnt/memory/notes/a/b')).isError).toBe(true);
});

test('folders made in one turn are there in the next', async () => {
  const mount = createFakeMount();
  const first = openToolbox({ mounts: [mount] });
  await first.bash('mkdir /mnt/memory/notes/empty');

  const next = openToolbox({ mounts: [mount], scratch: first.scratch });

  expect((await next.bash('ls /mnt/memory/notes')).text).toBe('empty');
});

test('a move inside a store is a rename, and replaces a file that is in the way', async () => {
  const mount = createFakeMount({ files: { '/a.md': 'A', '/b.md': 'B', '/d/x.md': 'X', '/d/e/y.md': 'Y' } });
  const { bash } = openToolbox({ mounts: [mount] });

  const moved = await bash('cd /mnt/memory/notes && mv a.md c.md && mv c.md b.md && mv d moved');

  expect(moved).toEqual({ text: '(no output)', isError: false });

  expect(mount.versions).toEqual([
    'rename /a.md /c.md',
    'write /b.md A',
    'remove /c.md',
    'rename /d/e/y.md /moved/e/y.md',
    'rename /d/x.md /moved/x.md',
  ]);
  expect((await bash('cd /mnt/memory/notes && ls')).text).toBe('b.md\nmoved');
});

test('files move and are copied between a store and scratch space', async () => {
  const mount = createFakeMount({ files: { '/a.md': 'A\n' } });
  const { bash } = openToolbox({ mounts: [mount] });

  await bash(
    'cp /mnt/memory/notes/a.md /tmp/copy; echo more >> /tmp/copy; mv /tmp/copy /mnt/memory/notes/b.md',
  );
  await bash('mv /mnt/memory/notes/a.md /tmp/taken; cp -r /mnt/memory/notes /tmp/all');

  expect(Object.fromEntries(mount.files)).toEqual({ '/b.md': 'A\nmore\n' });
  expect((await bash('cat /tmp/taken /tmp/all/b.md')).text).toBe('A\nA\nmore');
});

test('rm -r removes every file below, and only there', async () => {
  const mount = createFakeMount({ files: { '/d/x.md': 'X', '/d/e/y.md': 'Y', '/dx.md': 'Z' } });
  const { bash } = openToolbox({ mounts: [mount] });

  expect((await bash('rm /mnt/memory/notes/d')).isError).toBe(true);
  expect((await bash('rmdir /mnt/memory/notes/d')).isError).toBe(true);
  await bash('rm -r /mnt/memory/notes/d');

  expect([...mount.files.keys()]).toEqual(['/dx.md']);
  expect((await bash('ls /mnt/memory/notes')).text).toBe('dx.md');
});

test.each([
  'echo x > /mnt/memory/facts/new.md',
  'echo x >> /mnt/memory/facts/brand.md',
  '> /mnt/memory/facts/brand.md',
  'touch /mnt/memory/facts/new.md',
  'rm /mnt/memory/facts/brand.md',
  'rm -rf /mnt/memory/facts/*',
  'mv /mnt/memory/facts/brand.md /tmp/x',
  'cp /tmp/scratch /mnt/memory/facts/x',
  'mkdir /mnt/memory/facts/d',
  'sed -i s/a/b/ /mnt/memory/facts/brand.md',
  'tee /mnt/memory/facts/x < /tmp/scratch',
  'chmod 777 /mnt/memory/facts/brand.md',
])('a read-only store refuses: %s', async command => {
  const mount = createFakeMount({
    mountPath: '/mnt/memory/facts',
    access: 'read_only',
    files: { '/brand.md': 'made in Porto\n' },
  });
  const { bash } = openToolbox({ mounts: [mount] });
  await bash('echo scratch > /tmp/scratch');

  const refused = await bash(command);

  expect(refused.isError).toBe(true);
  expect(refused.text).toMatch(/read-only|EROFS/i);
  expect(mount.versions).toEqual([]);
  expect((await bash('cat /mnt/memory/facts/brand.md')).text).toBe('made in Porto');
});

test.each([
  'echo x > /mnt/memory/loose.md',
  'mkdir /mnt/memory/other',
  'mkdir -p /mnt/memory/other/deep',
  'cp /bin/ls /mnt/x',
])('nothing can be put beside the stores: %s', async command => {
  const { bash } = openToolbox({ mounts: [createFakeMount()] });

  const refused = await bash(command);

  expect(refused.isError).toBe(true);
  expect((await bash('ls /mnt /mnt/memory')).text).toBe('/mnt:\nmemory\nsession\n\n/mnt/memory:\nnotes');
});

test('a store itself cannot be removed or moved away', async () => {
  const mount = createFakeMount({ files: { '/a.md': 'A' } });
  const { bash } = openToolbox({ mounts: [mount] });

  for (const command of [
    'rm -rf /mnt/memory/notes',
    'rm -rf /mnt/memory',
    'rm -rf /',
    'mv /mnt/memory/notes /tmp/n',
  ]) {
    await bash(command);
  }

  expect([...mount.files.keys()]).toEqual(['/a.md']);
  expect((await bash('cat /mnt/memory/notes/a.md')).text).toBe('A');
});

test('what does not fit a memory is refused: more than 102,400 bytes, or bytes that are no text', async () => {
  const mount = createFakeMount();
  const { bash, run } = openToolbox({ mounts: [mount] });

  const large = await run('write', { file_path: '/mnt/memory/notes/big.md', content: 'é'.repeat(51_201) });
  expect(large).toMatchObject({ isError: true, text: expect.stringContaining('102402 bytes') });
  const fits = await run('write', { file_path: '/mnt/memory/notes/fits.md', content: 'é'.repeat(51_200) });
  expect(fits.isError).toBe(false);
  const grown = await bash('echo x >> /mnt/memory/notes/fits.md');
  expect(grown.isError).toBe(true);
  for (const name of ['binary', 'fits.md']) {
    const binary = await bash(`echo //79 | base64 -d > /mnt/memory/notes/${name}`);
    expect(binary).toMatchObject({ isError: true, text: expect.stringContaining('UTF-8') });
  }

  expect([...mount.files.keys()]).toEqual(['/fits.md']);
  expect(mount.versions).toHaveLength(1);
});

test('a file is no folder and a folder no file', async () => {
  const mount = createFakeMount({ files: { '/a.md': 'A', '/d/b.md': 'B' } });
  const { run } = openToolbox({ mounts: [mount] });

  expect((await run('write', { file_path: '/mnt/memory/notes/a.md/b.md', content: 'x' })).isError).toBe(true);
  expect((await run('write', { file_path: '/mnt/memory/notes/d', content: 'x' })).isError).toBe(true);
  expect((await run('read', { file_path: '/mnt/memory/notes/d' })).text).toContain('is a folder');
  expect(mount.versions).toEqual([]);
});

test('changes made elsewhere between two tool calls are seen', async () => {
  const mount = createFakeMount({ files: { '/a.md': 'old' } });
  const { run, bash } = openToolbox({ mounts: [mount] });
  await bash('ls /mnt/memory/notes');

  mount.files.delete('/a.md');
  mount.files.set('/b.md', 'new');

  expect((await bash('ls /mnt/memory/notes')).text).toBe('b.md');
  expect((await run('read', { file_path: '/mnt/memory/notes/a.md' })).text).toContain('does not exist');
});

test('a folder of this session that became a file elsewhere is that file', async () => {
  const mount = createFakeMount();
  const { bash, run } = openToolbox({ mounts: [mount] });
  await bash('mkdir /mnt/memory/notes/gifts');

  mount.files.set('/gifts', 'a list');

  expect((await run('read', { file_path: '/mnt/memory/notes/gifts' })).text).toContain('a list');
  expect((await run('write', { file_path: '/mnt/memory/notes/gifts', content: 'b' })).isError).toBe(false);
  expect(mount.files.get('/gifts')).toBe('b');
});

test('what the store itself refuses is an error result with its reason', async () => {
  const mount = createFakeMount();
  mount.write = async () => {
    throw new MountError('ENOSPC', 'the store holds 10000 memories already');
  };
  const { bash, run } = openToolbox({ mounts: [mount] });

  const full = { isError: true, text: expect.stringContaining('holds 10000 memories') };
  expect(await run('write', { file_path: '/mnt/memory/notes/a.md', content: 'a' })).toMatchObject(full);
  expect(await bash('echo a > /mnt/memory/notes/a.md')).toMatchObject(full);
  expect(await bash('touch /mnt/memory/notes/a.md')).toMatchObject(full);
});

test('links are refused in a store', async () => {
  const mount = createFakeMount({ files: { '/a.md': 'A' } });
  const { bash } = openToolbox({ mounts: [mount] });

  expect((await bash('ln -s /etc /mnt/memory/notes/link')).isError).toBe(true);
  expect((await bash('ln /mnt/memory/notes/a.md /mnt/memory/notes/hard')).isError).toBe(true);
  expect(mount.versions).toEqual([]);
});
