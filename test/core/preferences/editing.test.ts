import { afterEach, describe, expect, it } from 'vitest';
import type { CommandAction } from '../../../src/core/message.ts';
import { AGENT, type Bench, createBench } from '../../helpers/bench.ts';
import { memoryOf, obedientModel, write } from '../../helpers/memory.ts';

let bench: Bench;
afterEach(() => bench.stop());

const NOW = Date.parse('2026-11-22T12:00:00Z');
const open = async () => {
  bench = await createBench({ model: obedientModel(), now: () => NOW });
  return memoryOf(bench);
};

describe('the form', () => {
  it('shows what the agent wrote, and writes only the lines concerned', async () => {
    const ann = await open();
    await bench.adapter.say(
      [
        write('sizes.md', '# Sizes\n- shoe size: 9 (2026-03-14)\n- broad shoulders\n'),
        write('brands.md', '- likes: Veja\n- avoids: Zara\n'),
      ].join('\n'),
    );
    const form = await ann.run('form', { type: 'form' });
    const values = Object.fromEntries(form.fields.map(({ name, value }) => [name, value]));
    expect(values).toMatchObject({
      shoe_size: '9',
      brands_liked: 'Veja',
      brands_avoided: 'Zara',
      budget: '',
    });

    const saved = await ann.run('outcome', {
      type: 'set',
      formId: form.formId,
      values: { ...values, shoe_size: '10', budget: '$120', brands_avoided: '' },
    });
    expect(saved).toEqual({
      type: 'outcome',
      ok: true,
      sentence: 'Saved. Shoe size: 10 (was 9); budget: $120; brands you avoid: now empty (was Zara).',
    });
    expect(await ann.files()).toEqual({
      '/sizes.md': '# Sizes\n- shoe size: 10 (2026-11-22)\n- broad shoulders\n',
      '/brands.md': '- likes: Veja\n',
      '/budget.md': '# Budget\n\n- budget: $120 (2026-11-22)\n',
    });
  });

  it('makes the memory of a person who has none', async () => {
    const ann = await open();
    expect(await ann.run('outcome', { type: 'set', values: { shoe_size: '9' } })).toMatchObject({ ok: true });
    expect(await ann.files()).toEqual({ '/sizes.md': '# Sizes\n\n- shoe size: 9 (2026-11-22)\n' });
  });

  it('merges with what the agent wrote elsewhere meanwhile, and asks about what it changed there', async () => {
    const ann = await open();
    await bench.adapter.say(write('sizes.md', '- shoe size: 9\n- waist: 32\n'));
    const { formId } = await ann.run('form', { type: 'form' });
    await bench.adapter.say(write('sizes.md', '- shoe size: 9.5\n- waist: 32\n- tall\n'));
    const view = await ann.run('conflict', {
      type: 'set',
      formId,
      values: { shoe_size: '10', clothing_sizes: 'waist 34', budget: '' },
    });
    // What was not disputed is saved.
    expect(await ann.files()).toEqual({
      '/sizes.md': '- shoe size: 9.5\n- waist: 34 (2026-11-22)\n- tall\n',
    });
    expect(view.sentence).toBe(
      'This changed while you had the form open: Shoe size (you saw “9”). What should I keep?',
    );
    const [conflict] = view.conflicts;
    expect(conflict).toMatchObject({
      title: 'Sizes',
      now: '- shoe size: 9.5\n- waist: 34 (2026-11-22)\n- tall\n',
      mine: '- shoe size: 10 (2026-11-22)\n- waist: 34 (2026-11-22)\n- tall\n',
      wanted: [{ type: 'changed', label: 'shoe size', from: '9.5', to: '10' }],
    });
    await ann.run('outcome', { type: 'resolve', conflictId: conflict?.id ?? '', choice: 'mine' });
    expect(await ann.files()).toEqual({ '/sizes.md': conflict?.mine });
  });

  it('does not touch what the person left as it was, even if it changed', async () => {
    const ann = await open();
    await bench.adapter.say(write('budget.md', '- budget: $80\n'));
    const { formId } = await ann.run('form', { type: 'form' });
    await ann.operate('/budget.md', '- budget: $100\n');
    expect(
      await ann.run('outcome', { type: 'set', formId, values: { budget: '$80', shoe_size: '9' } }),
    ).toMatchObject({ ok: true, sentence: 'Saved. Shoe size: 9.' });
    expect(await ann.files()).toMatchObject({ '/budget.md': '- budget: $100\n' });
  });

  it('says what went when it was replaced where the person saw it, allergies included', async () => {
    const ann = await open();
    await bench.adapter.say(write('materials.md', '- allergic to: wool\n- avoids: silk\n'));
    const { formId } = await ann.run('form', { type: 'form' });
    expect(
      await ann.run('outcome', { type: 'set', formId, values: { materials_avoided: 'nylon' } }),
    ).toMatchObject({
      sentence: 'Saved. Materials to avoid, allergies: nylon (was allergic to wool, silk).',
    });
    expect(await ann.files()).toEqual({ '/materials.md': '- avoids: nylon (2026-11-22)\n' });
  });

  it('is for the person who opened it', async () => {
    const ann = await open();
    const { formId } = await ann.run('form', { type: 'form' });
    const ben = memoryOf(bench, 'ben');
    expect(await ben.run('outcome', { type: 'set', formId, values: { budget: '$1' } })).toMatchObject({
      ok: false,
      sentence: expect.stringContaining('open for too long'),
    });
  });
});

describe('a card number', () => {
  const CARD = '4111 1111 1111 1111';
  const SAID =
    "I don't keep card numbers, so I left out what you entered for style. It is better not to send them in a chat.";

  it('is not kept by the form, and what else stands in it is', async () => {
    const ann = await open();
    await bench.adapter.say(write('style.md', '- style: classic\n'));
    const form = await ann.run('form', { type: 'form' });
    const values = Object.fromEntries(form.fields.map(({ name, value }) => [name, value]));
    const { formId } = form;
    const said = await ann.run('outcome', {
      type: 'set',
      formId,
      values: { ...values, style: `card ${CARD}`, budget: '$80' },
    });
    expect(said).toMatchObject({ ok: true, sentence: `Saved. Budget: $80. ${SAID}` });
    expect(JSON.stringify(await ann.files())).not.toContain('1111');
    expect((await ann.files())['/style.md']).toBe('- style: classic\n');
  });

  it.each([
    CARD,
    '4111-1111-1111-1111 12/27',
    '378282246310005',
    '3782 822463 10005',
    '6304 0000 0000 0000 000',
  ])('is not kept when it is typed as %s', async number => {
    const ann = await open();
    const said = await ann.run('outcome', { type: 'set-typed', words: `style my card is ${number}` });
    expect(said).toMatchObject({ ok: false, sentence: SAID });
    expect(JSON.stringify(await ann.versions())).not.toContain(number.slice(0, 4));
  });

  it.each([
    '4111 1111 1111 1112',
    '36 38 40 42 44 46 48 50',
    'EAN 4006381333931',
    '+49 170 1234567',
    '2026-03-14 2026-03-15 2026-03-16',
  ])('is nothing else with many digits: %s', async text => {
    const ann = await open();
    expect(await ann.run('outcome', { type: 'set-typed', words: `style ${text}` })).toMatchObject({
      ok: true,
    });
  });
});

describe('a persona with a form of its own', () => {
  const COACH = `name: coach
model: claude-sonnet-5-5
system: You are a coach.
memory:
  form:
    - { label: Goal, hint: a marathon in May, note: goals }
    - { label: Likes, hint: trails, note: likes, several: true }
    - shoe_size
`;

  it('asks for that, in the notes and under the labels that it names', async () => {
    bench = await createBench({ model: obedientModel(), agent: COACH, now: () => NOW });
    const ann = memoryOf(bench);
    await bench.adapter.say(
      write('goals.md', '# Goals\n- **Goal:** 10 km (2026-01-01)\n- no races in winter\n'),
    );
    await bench.adapter.say(write('notes.md', '- likes: trails\n- budget: $80\n'));
    const form = await ann.run('form', { type: 'form' });
    expect(form.fields).toEqual([
      { name: 'goal', label: 'Goal', hint: 'a marathon in May', value: '10 km', several: false },
      { name: 'likes', label: 'Likes', hint: 'trails', value: 'trails', several: true },
      { name: 'shoe_size', label: 'Shoe size', hint: 'US 9', value: '', several: false },
    ]);
    expect(
      await ann.run('outcome', {
        type: 'set',
        formId: form.formId,
        values: { goal: 'a marathon', likes: 'trails, mornings', shoe_size: '9', budget: '$1' },
      }),
    ).toMatchObject({
      sentence: 'Saved. Goal: a marathon (was 10 km); likes: trails, mornings; shoe size: 9.',
    });
    expect(await ann.files()).toEqual({
      '/goals.md': '# Goals\n- **Goal:** a marathon (2026-11-22)\n- no races in winter\n',
      '/notes.md': '- likes: trails\n- likes: mornings (2026-11-22)\n- budget: $80\n',
      '/sizes.md': '# Sizes\n\n- shoe size: 9 (2026-11-22)\n',
    });
    expect(await ann.run('outcome', { type: 'set-typed', words: 'budget $1' })).toMatchObject({ ok: false });
  });

  it('begins a note of the name that it gives', async () => {
    bench = await createBench({ model: obedientModel(), agent: COACH, now: () => NOW });
    const ann = memoryOf(bench);
    await ann.run('outcome', { type: 'set-typed', words: 'goal: a marathon' });
    await ann.run('outcome', { type: 'set-typed', words: 'goal 10 km' });
    await ann.run('outcome', { type: 'set-typed', words: 'likes hills' });
    expect(await ann.files()).toEqual({
      '/goals.md': '# Goals\n\n- goal: 10 km (2026-11-22)\n',
      '/likes.md': '# Likes\n\n- likes: hills (2026-11-22)\n',
    });
  });

  it('without one has none, and says what there is instead', async () => {
    bench = await createBench({ model: obedientModel(), agent: AGENT });
    const ann = memoryOf(bench);
    const sentence =
      'There is no form here. Tell me what I should know, or write a note of your own: /preferences new TITLE.';
    expect(await ann.run('outcome', { type: 'form' })).toMatchObject({ ok: false, sentence });
    expect(await ann.run('outcome', { type: 'set-typed', words: 'budget $1' })).toMatchObject({ sentence });
    expect(await ann.run('memory', { type: 'view' })).toMatchObject({ hasForm: false });
  });
});

describe('a usual fact that is typed, with no form before it', () => {
  const typed = (values: Extract<CommandAction, { type: 'set' }>['values']) =>
    ({ type: 'set', values }) as const;

  it('is added to a list and to sizes, and only the same size is replaced', async () => {
    const ann = await open();
    await bench.adapter.say(write('brands.md', '- likes: Patagonia, Veja\n'));
    await bench.adapter.say(write('sizes.md', '- shirt size: M\n- trouser size: 32/34\n'));
    expect(await ann.run('outcome', typed({ brands_liked: 'Nike, veja' }))).toMatchObject({
      sentence: 'Saved. Brands you like: Patagonia, Veja, Nike.',
    });
    expect(await ann.run('outcome', typed({ clothing_sizes: 'trousers 34/34, dress 38' }))).toMatchObject({
      sentence: 'Saved. Clothing sizes: shirt M, trouser 34/34, dress 38 (was shirt M, trouser 32/34).',
    });
    expect(await ann.files()).toEqual({
      '/brands.md': '- likes: Patagonia, Veja\n- likes: Nike (2026-11-22)\n',
      '/sizes.md': '- shirt size: M\n- trouser size: 34/34 (2026-11-22)\n- dress size: 38 (2026-11-22)\n',
    });
    expect(await ann.run('outcome', typed({ brands_liked: 'Nike' }))).toMatchObject({
      sentence: 'I already remember that.',
    });
  });

  it('replaces the one value of what has one, and says which', async () => {
    const ann = await open();
    await bench.adapter.say(write('budget.md', '- budget: $80\n'));
    expect(await ann.run('outcome', typed({ budget: '$120' }))).toMatchObject({
      sentence: 'Saved. Budget: $120 (was $80).',
    });
  });

  it('leaves an allergy, also when everything else in its field is forgotten', async () => {
    const ann = await open();
    await bench.adapter.say(write('materials.md', '- allergic to: wool\n'));
    await ann.run('outcome', typed({ materials_avoided: 'nylon' }));
    expect(await ann.files()).toEqual({
      '/materials.md': '- allergic to: wool\n- avoids: nylon (2026-11-22)\n',
    });
    expect(await ann.run('outcome', typed({ materials_avoided: '' }))).toMatchObject({
      ok: true,
      sentence:
        'Saved. Materials to avoid, allergies: allergic to wool (was allergic to wool, nylon). Allergies stay until you forget them by name: wool.',
    });
    expect(await ann.run('outcome', typed({ materials_avoided: '' }))).toMatchObject({
      ok: false,
      sentence: 'Allergies stay until you forget them by name: wool.',
    });
    expect(await ann.files()).toEqual({ '/materials.md': '- allergic to: wool\n' });
  });
});

describe('an allergy', () => {
  const set = (words: string) => ({ type: 'set-typed', words }) as const;

  it('that is typed as one is noted as one, also where it was merely avoided, and stays one', async () => {
    const ann = await open();
    await bench.adapter.say(write('materials.md', '- avoids: wool, latex\n'));
    expect(await ann.run('outcome', set('allergies nickel, latex'))).toMatchObject({
      ok: true,
      sentence: 'Saved. Materials to avoid, allergies: wool, allergic to nickel, allergic to latex.',
    });
    const noted = '- avoids: wool\n- allergic to: nickel (2026-11-22)\n- allergic to: latex (2026-11-22)\n';
    expect(await ann.files()).toEqual({ '/materials.md': noted });
    expect(await ann.run('outcome', set('allergy latex'))).toMatchObject({
      sentence: 'I already remember that.',
    });
    expect(await ann.run('outcome', set('materials to avoid latex'))).toMatchObject({
      sentence: 'I already remember that.',
    });
    await ann.run('outcome', set('materials to avoid allergic to lanolin'));
    expect((await ann.files())['/materials.md']).toContain('\n- allergic to: lanolin (2026-11-22)\n');
  });

  it('is shown as one in the form, and stays one whether it is written there so or by its name alone', async () => {
    const ann = await open();
    await bench.adapter.say(write('materials.md', '- avoids: wool\n- allergic to: nickel, latex\n'));
    const shown = async () =>
      (await ann.run('form', { type: 'form' })).fields.find(({ name }) => name === 'materials_avoided')
        ?.value;
    expect(await shown()).toBe('wool, allergic to nickel, allergic to latex');
    for (const materials_avoided of ['silk, allergic to nickel, allergic to latex', 'wool, nickel, latex']) {
      const { formId } = await ann.run('form', { type: 'form' });
      await ann.run('outcome', { type: 'set', formId, values: { materials_avoided } });
      expect((await ann.files())['/materials.md']).toContain('- allergic to: nickel, latex\n');
    }
    expect(await shown()).toBe('allergic to nickel, allergic to latex, wool');
  });

  it('can be given in the form', async () => {
    const ann = await open();
    const { formId } = await ann.run('form', { type: 'form' });
    const values = { materials_avoided: 'wool, allergic to nickel' };
    expect(await ann.run('outcome', { type: 'set', formId, values })).toMatchObject({
      sentence: 'Saved. Materials to avoid, allergies: wool, allergic to nickel.',
    });
    expect(await ann.files()).toEqual({
      '/materials.md': '# Materials\n\n- avoids: wool (2026-11-22)\n- allergic to: nickel (2026-11-22)\n',
    });
  });
});

describe('a file as free text', () => {
  it('is edited, created and removed', async () => {
    const ann = await open();
    expect(
      await ann.run('outcome', { type: 'create', title: 'Winter coats', content: '- long\r\n- warm\n\n' }),
    ).toMatchObject({ ok: true });
    expect(await ann.files()).toEqual({ '/winter-coats.md': '- long\n- warm\n' });

    const memoryId = await ann.idOf('/winter-coats.md');
    const { draft } = await ann.run('editor', { type: 'editor', memoryId });
    expect(draft).toMatchObject({ title: 'Winter coats', content: '- long\n- warm\n', now: null });
    const revision = draft.revision ?? '';
    await ann.run('outcome', { type: 'edit', memoryId, revision, content: '- short' });
    expect(await ann.files()).toEqual({ '/winter-coats.md': '- short\n' });

    const again = await ann.run('editor', { type: 'editor', memoryId });
    await ann.run('outcome', { type: 'edit', memoryId, revision: again.draft.revision ?? '', content: '  ' });
    expect(await ann.files()).toEqual({});
  });

  it('that changed meanwhile is shown in both wordings, and the person decides', async () => {
    const ann = await open();
    await bench.adapter.say(write('style.md', '- plain\n- dark\n'));
    const memoryId = await ann.idOf('/style.md');
    const { section } = await ann.run('file', { type: 'show', memoryId });
    await bench.adapter.say(write('style.md', '- plain\n- dark\n- sporty\n'));
    const mine = {
      type: 'edit',
      memoryId,
      revision: section.revision,
      content: '- plain\n- bright\n',
    } as const;

    const first = (await ann.run('conflict', mine)).conflicts[0];
    expect(first).toMatchObject({
      title: 'Style',
      now: '- plain\n- dark\n- sporty\n',
      mine: '- plain\n- bright\n',
      wanted: [
        { type: 'added', text: 'bright' },
        { type: 'removed', text: 'dark' },
      ],
      meanwhile: [{ type: 'added', text: 'sporty' }],
    });
    await ann.run('outcome', { type: 'resolve', conflictId: first?.id ?? '', choice: 'theirs' });
    expect(await ann.files()).toEqual({ '/style.md': '- plain\n- dark\n- sporty\n' });

    const second = (await ann.run('conflict', mine)).conflicts[0];
    const { draft } = await ann.run('editor', {
      type: 'resolve',
      conflictId: second?.id ?? '',
      choice: 'again',
    });
    expect(draft).toMatchObject({ content: '- plain\n- bright\n', now: '- plain\n- dark\n- sporty\n' });
    const content = '- plain\n- bright\n- sporty\n';
    await ann.run('outcome', { type: 'edit', memoryId, revision: draft.revision ?? '', content });
    expect(await ann.files()).toEqual({ '/style.md': content });

    const third = (await ann.run('conflict', mine)).conflicts[0];
    await ann.run('outcome', { type: 'resolve', conflictId: third?.id ?? '', choice: 'mine' });
    expect(await ann.files()).toEqual({ '/style.md': '- plain\n- bright\n' });
  });

  it('that changed once more while the person decided is shown once more', async () => {
    const ann = await open();
    await bench.adapter.say(write('style.md', '- plain\n'));
    const memoryId = await ann.idOf('/style.md');
    const edit = { type: 'edit', memoryId, revision: 'another', content: '- mine\n' } as const;
    const first = (await ann.run('conflict', edit)).conflicts[0];
    await ann.operate('/style.md', '- plain\n- newest\n');
    const second = await ann.run('conflict', {
      type: 'resolve',
      conflictId: first?.id ?? '',
      choice: 'mine',
    });
    expect(second.conflicts[0]).toMatchObject({ now: '- plain\n- newest\n', mine: '- mine\n' });
    expect(await ann.files()).toEqual({ '/style.md': '- plain\n- newest\n' });
  });

  it('that was removed meanwhile comes back only if the person says so', async () => {
    const ann = await open();
    await bench.adapter.say(write('style.md', '- plain\n'));
    const memoryId = await ann.idOf('/style.md');
    const { section } = await ann.run('file', { type: 'show', memoryId });
    await bench.client.beta.memoryStores.memories.delete(memoryId, { memory_store_id: await ann.storeId() });
    const view = await ann.run('conflict', {
      type: 'edit',
      memoryId,
      revision: section.revision,
      content: '- bright\n',
    });
    expect(view.conflicts[0]).toMatchObject({ title: 'Style', now: null, mine: '- bright\n' });
    expect(await ann.files()).toEqual({});
    await ann.run('outcome', { type: 'resolve', conflictId: view.conflicts[0]?.id ?? '', choice: 'mine' });
    expect(await ann.files()).toEqual({ '/style.md': '- bright\n' });
  });

  it('under a title that is taken is a conflict with what stands there', async () => {
    const ann = await open();
    await bench.adapter.say(write('style.md', '- plain\n'));
    const view = await ann.run('conflict', { type: 'create', title: 'Style', content: '- bright' });
    expect(view.conflicts[0]).toMatchObject({ now: '- plain\n', mine: '- bright\n' });
  });

  it('of somebody else cannot be named', async () => {
    const ann = await open();
    await bench.adapter.say(write('style.md', '- plain\n'));
    const memoryId = await ann.idOf('/style.md');
    const { section } = await ann.run('file', { type: 'show', memoryId });
    const ben = memoryOf(bench, 'ben');
    await bench.adapter.say(write('style.md', '- loud\n'), { user: 'ben' });
    const action = { type: 'edit', memoryId, revision: section.revision, content: '- x' } as const;
    expect(await ben.run('outcome', action)).toMatchObject({ ok: false });
    expect(await ben.run('outcome', { type: 'editor', memoryId })).toMatchObject({ ok: false });
    expect(await ann.files()).toEqual({ '/style.md': '- plain\n' });
  });

  it.each([
    ['', 'A note needs a title'],
    ['x'.repeat(600), 'That title is too long'],
  ])('needs a sensible title: %j', async (title, sentence) => {
    const ann = await open();
    await expect(ann.run('outcome', { type: 'create', title, content: '- a' })).rejects.toThrow(sentence);
  });
});

it('what a person changed by hand is told to the agent with the next message, in the same session', async () => {
  const model = obedientModel();
  bench = await createBench({ model });
  const ann = memoryOf(bench);
  await bench.adapter.say(write('budget.md', '- budget: $80\n'));
  await bench.adapter.say('hello');
  await ann.run('outcome', { type: 'set', values: { budget: '$200' } });
  await bench.adapter.say('and now?');
  const messages = JSON.stringify(model.requests.at(-1)?.messages);
  expect(messages.match(/<session_start>/g)).toHaveLength(2);
  expect(messages).toMatch(/has changed since you last spoke here.*> - budget: \$200/);
  await bench.adapter.say('and again?');
  expect(JSON.stringify(model.requests.at(-1)?.messages).match(/<session_start>/g)).toHaveLength(2);
});
