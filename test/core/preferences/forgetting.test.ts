import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PreferencesView } from '../../../src/core/views.ts';
import { type Bench, createBench } from '../../helpers/bench.ts';
import { memoryOf, obedientModel, SHELL_AGENT, write } from '../../helpers/memory.ts';
import { createScriptedModel, lastResults, lastWords } from '../../helpers/scripted-model.ts';

let bench: Bench;
afterEach(() => bench.stop());

const open = async () => {
  bench = await createBench({ model: obedientModel(), agent: SHELL_AGENT });
  return memoryOf(bench);
};
const factOf = (view: Extract<PreferencesView, { type: 'memory' }>, text: string) => {
  for (const section of view.sections) {
    for (const fact of section.facts) {
      if (fact.text === text) return { memoryId: section.memoryId, factId: fact.id };
    }
  }
  throw new Error(`no fact ${text}`);
};
const counted = (view: Extract<PreferencesView, { type: 'receipt' }>) =>
  Object.fromEntries(view.counts.map(({ what, count }) => [what, count]));

describe('one fact', () => {
  it('is asked about, goes from every file and every version, and nothing else does', async () => {
    const ann = await open();
    await bench.adapter.say(write('notes.md', '- hates wool\n- tall\n'));
    await bench.adapter.say(write('materials.md', '# M\n- hates wool (2026-01-01)\n- likes linen\n'));
    await bench.adapter.say(write('notes.md', '- tall\n- left-handed\n'));
    const fact = factOf(await ann.run('memory', { type: 'view' }), 'hates wool');

    const asked = await ann.run('confirm', { type: 'forget', ...fact, confirmed: false });
    expect(asked.items).toEqual([
      { title: 'Materials', path: '/materials.md', lines: ['hates wool'], wholeFile: false },
    ]);
    expect(Object.keys(await ann.files())).toHaveLength(2);

    const receipt = await ann.run('receipt', asked.action);
    expect(receipt).toMatchObject({ ok: true, sentence: 'Forgotten: hates wool.' });
    expect(counted(receipt)).toEqual({ facts: 1, redacted: 2 });
    expect(await ann.files()).toEqual({
      '/materials.md': '# M\n- likes linen\n',
      '/notes.md': '- tall\n- left-handed\n',
    });
    const versions = await ann.versions();
    expect(versions.map(version => version.content ?? null)).toEqual([
      null,
      null,
      '- tall\n- left-handed\n',
      '# M\n- likes linen\n',
    ]);
    expect(versions.map(version => version.redacted_at !== null)).toEqual([true, true, false, false]);
  });

  it('leaves where the others in its file came from', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n- two\n'));
    const before = factOf(await ann.run('memory', { type: 'view' }), 'one');
    await ann.run('receipt', { type: 'forget', ...before, confirmed: true });
    const { sections } = await ann.run('memory', { type: 'view' });
    expect(sections[0]?.facts).toMatchObject([{ text: 'two', learnedBy: { type: 'agent' } }]);
  });

  it('takes its file along when nothing else is in it', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '# A\n\n- one\n'));
    const fact = factOf(await ann.run('memory', { type: 'view' }), 'one');
    const asked = await ann.run('confirm', { type: 'forget', ...fact, confirmed: false });
    expect(asked.items).toMatchObject([{ title: 'A', wholeFile: true }]);
    expect(counted(await ann.run('receipt', asked.action))).toEqual({ facts: 1, memories: 1, redacted: 1 });
    expect(await ann.files()).toEqual({});
  });

  it('that says something else by now is not forgotten', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    const fact = factOf(await ann.run('memory', { type: 'view' }), 'one');
    await ann.operate('/a.md', '- two\n');
    expect(await ann.run('outcome', { type: 'forget', ...fact, confirmed: true })).toMatchObject({
      ok: false,
      sentence: 'A has just changed. Please look again before you forget something in it.',
    });
    expect(await ann.files()).toEqual({ '/a.md': '- two\n' });
  });

  it('is unknown to the agent from the next message on, which begins a new session', async () => {
    const model = obedientModel();
    bench = await createBench({ model });
    const ann = memoryOf(bench);
    await bench.adapter.say(write('a.md', '- hates wool\n- tall\n'));
    const fact = factOf(await ann.run('memory', { type: 'view' }), 'hates wool');
    await ann.run('receipt', { type: 'forget', ...fact, confirmed: true });
    await bench.adapter.say('hello');
    const request = JSON.stringify(model.requests.at(-1));
    expect(request).toContain('- tall');
    expect(request).not.toContain('wool');
  });
});

describe('one file', () => {
  it('goes with its whole history, its name included', async () => {
    const ann = await open();
    await bench.adapter.say(write('secret.md', '- one\n'));
    await bench.adapter.say(write('secret.md', '- one\n- two\n'));
    await bench.adapter.say(write('b.md', '- other\n'));
    const memoryId = await ann.idOf('/secret.md');
    const asked = await ann.run('confirm', { type: 'forget', memoryId, confirmed: false });
    expect(asked.items).toEqual([
      { title: 'Secret', path: '/secret.md', lines: ['one', 'two'], wholeFile: true },
    ]);
    const receipt = await ann.run('receipt', asked.action);
    expect(counted(receipt)).toEqual({ facts: 2, memories: 1, redacted: 3 });
    expect(await ann.files()).toEqual({ '/b.md': '- other\n' });
    expect(JSON.stringify(await ann.versions())).not.toMatch(/secret|one|two/);
    await expect(
      bench.client.beta.memoryStores.memories.retrieve(memoryId, { memory_store_id: await ann.storeId() }),
    ).rejects.toMatchObject({ status: 404 });
  });

  it('that changed since it was looked at stays', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    const asked = await ann.run('confirm', {
      type: 'forget',
      memoryId: await ann.idOf('/a.md'),
      confirmed: false,
    });
    await bench.adapter.say(write('a.md', '- one\n- two\n'));
    expect(await ann.run('outcome', asked.action)).toMatchObject({ ok: false });
    expect(await ann.files()).toEqual({ '/a.md': '- one\n- two\n' });
    expect((await ann.versions()).every(version => version.redacted_at === null)).toBe(true);
  });

  it('is forgotten at once where the platform has asked by itself', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    const memoryId = await ann.idOf('/a.md');
    expect(await ann.run('outcome', { type: 'forget', memoryId })).toEqual({
      type: 'outcome',
      ok: true,
      sentence: 'Forgotten: A.',
    });
  });
});

describe('everything since a moment', () => {
  it('goes, with what was learned before it staying where it is now', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n- two\n- three\n'));
    const since = new Date((await later()) - 1).toISOString();
    await bench.adapter.say(
      [
        write('a.md', '- two\n- four\n'),
        write('b.md', '# B\n- one\n- five\n'),
        write('c.md', '- six\n'),
      ].join('\n'),
    );
    const asked = await ann.run('confirm', { type: 'forget-since', since });
    expect(asked.items).toEqual([
      { title: 'A', path: '/a.md', lines: ['four'], wholeFile: false },
      { title: 'B', path: '/b.md', lines: ['five'], wholeFile: false },
      { title: 'C', path: '/c.md', lines: ['six'], wholeFile: true },
    ]);
    // What is learned between the question and the answer was not asked about.
    await later();
    await bench.adapter.say(write('c.md', '- six\n- seven\n'));
    const receipt = await ann.run('receipt', asked.action);
    expect(receipt).toMatchObject({ ok: true });
    expect(await ann.files()).toEqual({
      '/a.md': '- two\n',
      '/b.md': '# B\n- one\n',
      '/c.md': '- seven\n',
    });
    const left = JSON.stringify(await ann.versions());
    expect(left).not.toMatch(/four|five|six/);
    expect(left).toMatch(/three/);
  });

  it('is nothing when nothing was learned, and no date is no moment', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    const since = new Date((await later()) + 1_000).toISOString();
    expect(await ann.run('outcome', { type: 'forget-since', since })).toMatchObject({ ok: true });
    expect(await ann.run('outcome', { type: 'forget-since', since: 'tuesday-ish' })).toMatchObject({
      ok: false,
    });
    expect(await ann.files()).toEqual({ '/a.md': '- one\n' });
  });

  it('covers what is gone from the files but not from their history', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- one\n'));
    const since = new Date((await later()) - 1).toISOString();
    await bench.adapter.say(write('a.md', '- one\n- secret\n'));
    await bench.adapter.say(write('a.md', '- one\n'));
    const asked = await ann.run('confirm', { type: 'forget-since', since });
    expect(asked.items).toEqual([]);
    await ann.run('receipt', asked.action);
    expect(JSON.stringify(await ann.versions())).not.toMatch(/secret/);
    expect(await ann.files()).toEqual({ '/a.md': '- one\n' });
  });
});

describe('what the agent took out of the notes when it was asked to forget', () => {
  const forgotten = async () => {
    const ann = await open();
    await bench.adapter.say(write('materials.md', '# Materials\n- avoids: wool\n- likes: linen\n'));
    await bench.adapter.say(write('sizes.md', '# Sizes\n- shoe size: 9\n'));
    await bench.adapter.say(write('materials.md', '# Materials\n- likes: linen\n'));
    await bench.adapter.say(write('sizes.md', '# Sizes\n'));
    return ann;
  };

  it('goes from earlier versions by its words, after a question that says where it stands', async () => {
    const ann = await forgotten();
    const asked = await ann.run('confirm', { type: 'forget-past', words: 'Wool' });
    expect(asked.question).toContain('no longer say this, but earlier versions do');
    expect(asked.items).toEqual([
      { title: 'Materials', path: '/materials.md', lines: ['avoids: wool'], wholeFile: false },
    ]);
    expect(JSON.stringify(await ann.versions())).toMatch(/wool/);

    const receipt = await ann.run('receipt', asked.action);
    expect(receipt).toMatchObject({ sentence: 'Forgotten. Earlier versions no longer say it either.' });
    expect(counted(receipt)).toEqual({ redacted: 1 });
    expect(JSON.stringify(await ann.versions())).not.toMatch(/wool/);
    expect(await ann.files()).toEqual({
      '/materials.md': '# Materials\n- likes: linen\n',
      '/sizes.md': '# Sizes\n',
    });
    expect(await ann.run('outcome', { type: 'forget-past', words: 'wool' })).toMatchObject({
      ok: false,
      sentence: 'I have no note or fact called “wool”, and no earlier version says it either.',
    });
  });

  it('goes as a note by its title, with every note of that title that says nothing any more', async () => {
    const ann = await forgotten();
    const storeId = await ann.storeId();
    const first = await ann.idOf('/sizes.md');
    await bench.client.beta.memoryStores.memories.delete(first, { memory_store_id: storeId });
    await ann.operate('/sizes.md', '- waist: 32\n');
    await ann.operate('/sizes.md', '# Sizes\n');
    const asked = await ann.run('confirm', { type: 'forget-past', words: 'sizes' });
    expect(asked.items.map(({ lines, wholeFile }) => [lines, wholeFile])).toEqual([
      [['waist: 32'], true],
      [['shoe size: 9'], true],
    ]);
    await ann.run('receipt', asked.action);
    expect(JSON.stringify(await ann.versions())).not.toMatch(/sizes|shoe|waist/i);
    expect(await ann.files()).toEqual({ '/materials.md': '# Materials\n- likes: linen\n' });
  });

  it('is nothing that a note still says', async () => {
    const ann = await forgotten();
    expect(await ann.run('outcome', { type: 'forget-past', words: 'linen' })).toMatchObject({ ok: false });
  });

  it('has to be named in full where the words mean several things', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- avoids: wool\n- gave away the wool coat\n- tall\n'));
    await bench.adapter.say(write('a.md', '- tall\n'));
    expect(await ann.run('outcome', { type: 'forget-past', words: 'wool' })).toMatchObject({
      ok: false,
      sentence: expect.stringContaining('Write it in full: avoids: wool; gave away the wool coat'),
    });
    expect(await ann.run('confirm', { type: 'forget-past', words: 'avoids: wool' })).toMatchObject({
      items: [{ lines: ['avoids: wool'] }],
    });
  });

  it('is nobody else’s to find', async () => {
    await forgotten();
    await bench.adapter.say('hello', { user: 'ben' });
    expect(await memoryOf(bench, 'ben').run('outcome', { type: 'forget-past', words: 'wool' })).toMatchObject(
      { ok: false },
    );
  });

  it('leaves notes that are none to the person, and whose titles can be used again', async () => {
    const ann = await forgotten();
    const titles = async () => (await ann.run('memory', { type: 'view' })).sections.map(({ title }) => title);
    expect(await titles()).toEqual(['Materials']);
    expect(
      await ann.run('outcome', { type: 'create', title: 'Sizes', content: '- shoe size: 10\n' }),
    ).toMatchObject({ sentence: 'Saved: Sizes.' });
    expect(await titles()).toEqual(['Materials', 'Sizes']);
  });
});

describe('forgetting while a conversation begins', () => {
  it('reaches what is written by a session that was being made then', async () => {
    let go = () => {};
    const hold = new Promise<void>(resolve => {
      go = resolve;
    });
    const model = createScriptedModel(request => {
      const mount = /Folder: (\S+) \((?:you can|read-only)/.exec(request.system)?.[1];
      if (lastResults(request).length > 0) return { text: ['Done.'] };
      const write = { name: 'write', input: { file_path: `${mount}/a.md`, content: '- ring: 7\n' } };
      return { text: ['Let ', 'me'], uses: [write], ...(lastWords(request) === 'slow' ? { hold } : {}) };
    });
    bench = await createBench({ model });
    const ann = memoryOf(bench);
    await bench.adapter.say('write');
    // The session is there before all of the history is gone, and no sooner than forgetting has begun.
    const before = bench.proxy.requests.length;
    bench.proxy.plan(({ method, path }) => {
      if (path.endsWith('/redact')) return { type: 'delay', ms: 1_500 };
      return method === 'POST' && path === '/v1/sessions' ? { type: 'delay', ms: 300 } : undefined;
    });
    const answer = bench.adapter.say('slow', { channel: 'D2' });
    await vi.waitFor(() => expect(bench.proxy.requests.slice(before)).toContain('POST /v1/sessions'));
    expect(await ann.run('outcome', { type: 'forget', memoryId: await ann.idOf('/a.md') })).toMatchObject({
      ok: true,
    });
    go();
    await answer;
    await bench.bot.idle();
    expect(await ann.files()).toEqual({});
  });
});

describe('forgetting that was cut short', () => {
  it('is finished by the next process: nothing is left in the history', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- secret\n- two\n'));
    const fact = factOf(await ann.run('memory', { type: 'view' }), 'secret');
    // The file is changed, and then no version can be emptied.
    bench.proxy.plan(request =>
      request.path.endsWith('/redact') ? { type: 'status', status: 503 } : undefined,
    );
    await expect(ann.run('receipt', { type: 'forget', ...fact, confirmed: true })).rejects.toThrow();
    expect(JSON.stringify(await ann.versions())).toMatch(/secret/);
    bench.proxy.plan(() => undefined);
    await bench.restart('abandon');
    expect(JSON.stringify(await ann.versions())).not.toMatch(/secret/);
    expect(await ann.files()).toEqual({ '/a.md': '- two\n' });
  });

  it('takes what was seen out of a note that has changed by then, and leaves what has come to it', async () => {
    const ann = await open();
    await bench.adapter.say(write('a.md', '- secret\n- two\n'));
    const memoryId = await ann.idOf('/a.md');
    bench.proxy.plan(({ method, path }) =>
      method === 'DELETE' && path.includes('/memories/') ? { type: 'status', status: 503 } : undefined,
    );
    await expect(ann.run('receipt', { type: 'forget', memoryId, confirmed: true })).rejects.toThrow();
    bench.proxy.plan(() => undefined);
    await bench.adapter.say(write('a.md', '- secret\n- two\n- three\n'));
    await bench.restart('abandon');
    expect(await ann.files()).toEqual({ '/a.md': '- three\n' });
    expect(JSON.stringify(await ann.versions())).not.toMatch(/secret/);
  });
});

/** Some server time passes; returns the clock then. */
async function later(): Promise<number> {
  const before = Date.now();
  while (Date.now() < before + 3) await new Promise(resolve => setImmediate(resolve));
  return Date.now();
}
