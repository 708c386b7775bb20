import { afterEach, describe, expect, it } from 'vitest';
import { type Bench, collect, createBench } from '../helpers/bench.ts';

let bench: Bench;
afterEach(() => bench.stop());

const person = () => bench.adapter.conversation().person;
const linesOf = () => bench.adapter.notices.map(notice => notice.lines);

describe('memory notices', () => {
  it('say what changed, line by line, and nothing when nothing did', async () => {
    bench = await createBench();
    await bench.adapter.say('My budget is $80');
    await bench.adapter.say('hello');
    await bench.adapter.say('Actually my budget is $120');
    await bench.adapter.say('Please forget my budget');
    expect(linesOf()).toEqual([['+ budget: $80'], ['~ budget: $80 → $120'], ['− budget: $120']]);
  });

  it.each([
    [undefined, 'private', 'thread'],
    [undefined, 'shared', 'private'],
    ['thread', 'shared', 'thread'],
    ['private', 'private', 'private'],
  ] as const)('set to %s in a %s place go to: %s', async (notices, audience, mode) => {
    bench = await createBench(notices === undefined ? {} : { notices });
    await bench.adapter.say('My budget is $80', { audience });
    expect(bench.adapter.notices.map(notice => notice.mode)).toEqual([mode]);
  });

  it('are off where the operator says so, and on for a person who wants them', async () => {
    bench = await createBench({ notices: 'off' });
    await bench.adapter.say('My budget is $80');
    await bench.adapter.bot().command({ person: person(), action: { type: 'notices', mode: 'thread' } });
    await bench.adapter.say('I wear size 9 shoes');
    await bench.adapter.say('I wear size 10 shoes', { user: 'ben', channel: 'D9' });
    expect(linesOf()).toEqual([['+ shoe size: 9']]);
  });

  it.each([
    [undefined, 'thread'],
    ['private', 'private'],
    ['off', 'private'],
  ] as const)('set up as %s are turned on by “on” as: %s', async (notices, mode) => {
    bench = await createBench(notices === undefined ? {} : { notices });
    const choose = (choice: 'off' | 'on') =>
      bench.adapter.bot().command({ person: person(), action: { type: 'notices', mode: choice } });
    await choose('off');
    await bench.adapter.say('My budget is $80');
    await choose('on');
    await bench.adapter.say('I wear size 9 shoes');
    expect(bench.adapter.notices.map(notice => [notice.mode, notice.lines])).toEqual([
      [mode, ['+ shoe size: 9']],
    ]);
  });

  it('leave out what others and operators wrote', async () => {
    bench = await createBench();
    await bench.adapter.say('My budget is $80');
    const [store] = await collect(bench.client.beta.memoryStores.list());
    await bench.client.beta.memoryStores.memories.create(store?.id ?? '', {
      path: '/vip.md',
      content: '- vip',
    });
    await bench.adapter.say('I hate wool');
    expect(linesOf()).toEqual([['+ budget: $80'], ['+ avoids: wool']]);
  });
});

describe('undo', () => {
  const undo = (n: number) =>
    bench.adapter.bot().command({
      person: person(),
      action: { type: 'undo', noticeId: bench.adapter.notices[n]?.notice.id ?? '' },
    });
  const files = async () => {
    const [store] = await collect(bench.client.beta.memoryStores.list());
    const items = await collect(
      bench.client.beta.memoryStores.memories.list(store?.id ?? '', { view: 'full' }),
    );
    return Object.fromEntries(
      items.flatMap(item => (item.type === 'memory' ? [[item.path, item.content]] : [])),
    );
  };

  it('puts memory back as it was: created, changed and deleted files', async () => {
    bench = await createBench();
    await bench.adapter.say('My budget is $80');
    const one = await files();
    await bench.adapter.say('Actually my budget is $120');
    expect(await undo(1)).toMatchObject({ ok: true });
    expect(await files()).toEqual(one);
    expect(await undo(0)).toMatchObject({ ok: true });
    expect(await files()).toEqual({});
  });

  it('leaves alone what has changed since', async () => {
    bench = await createBench();
    await bench.adapter.say('My budget is $80');
    await bench.adapter.say('Actually my budget is $120');
    const before = await files();
    expect(await undo(0)).toMatchObject({
      ok: false,
      sentence: expect.stringMatching(/Budget changed again/),
    });
    expect(await files()).toEqual(before);
  });

  it('is not for other people', async () => {
    bench = await createBench();
    await bench.adapter.say('My budget is $80');
    const before = await files();
    const noticeId = bench.adapter.notices[0]?.notice.id ?? '';
    const ben = bench.adapter.conversation({ user: 'ben' }).person;
    expect(
      await bench.adapter.bot().command({ person: ben, action: { type: 'undo', noticeId } }),
    ).toMatchObject({ ok: false });
    expect(await files()).toEqual(before);
  });

  it('works after a restart', async () => {
    bench = await createBench();
    await bench.adapter.say('My budget is $80');
    const noticeId = bench.adapter.notices[0]?.notice.id ?? '';
    await bench.restart('stop');
    expect(
      await bench.adapter.bot().command({ person: person(), action: { type: 'undo', noticeId } }),
    ).toMatchObject({ ok: true });
    expect(await files()).toEqual({});
  });
});

describe('the memory view', () => {
  it('shows one file in full and forgets one, and only the own ones', async () => {
    bench = await createBench();
    await bench.adapter.say('I wear size 9 shoes and my budget is $80');
    const bot = bench.adapter.bot();
    const view = await bot.command({ person: person(), action: { type: 'view' } });
    const sizes =
      view.type === 'memory' ? view.sections.find(section => section.title === 'Sizes') : undefined;
    const memoryId = sizes?.memoryId ?? '';
    const ben = bench.adapter.conversation({ user: 'ben' }).person;
    await bench.adapter.say('My budget is $10', { user: 'ben' });
    expect(await bot.command({ person: ben, action: { type: 'show', memoryId } })).toMatchObject({
      ok: false,
    });
    await bot.command({ person: ben, action: { type: 'forget', memoryId } });
    expect(await bot.command({ person: person(), action: { type: 'show', memoryId } })).toMatchObject({
      type: 'file',
      section: { content: expect.stringContaining('- shoe size: 9') },
    });
    expect(await bot.command({ person: person(), action: { type: 'forget', memoryId } })).toMatchObject({
      ok: true,
    });
    const after = await bot.command({ person: person(), action: { type: 'view' } });
    expect(after.type === 'memory' && after.sections.map(section => section.title)).toEqual(['Budget']);
  });
});
