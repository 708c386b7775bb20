import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Bench, createBench } from '../../helpers/bench.ts';
import { memoryOf, obedientModel, write } from '../../helpers/memory.ts';

let bench: Bench;
afterEach(() => bench.stop());

const NOW = Date.parse('2026-11-22T12:00:00Z');
const exported = z.object({
  exportedAt: z.string(),
  person: z.object({ id: z.string() }),
  memories: z.array(z.object({ path: z.string(), content: z.string() })),
  history: z.array(
    z.object({
      at: z.string(),
      by: z.object({ type: z.string() }),
      operation: z.string(),
      path: z.string().nullable(),
      content: z.string().nullable(),
      changes: z.array(z.string()),
    }),
  ),
});

async function life() {
  bench = await createBench({ model: obedientModel(), now: () => NOW });
  const ann = memoryOf(bench);
  await bench.adapter.say(write('sizes.md', '# Sizes\n- shoe size: 9\n'));
  await ann.operate('/vip.md', '- vip\n');
  await ann.run('outcome', { type: 'set', values: { shoe_size: '10' } });
  return ann;
}

describe('an export', () => {
  it('holds every memory and every change, with author, time and text', async () => {
    const ann = await life();
    const { file } = await ann.run('export', { type: 'export', format: 'json' });
    expect(file).toMatchObject({ name: 'memory-2026-11-22.json', mediaType: 'application/json' });
    const { memories, history, ...about } = exported.parse(JSON.parse(file.content));
    expect(about).toEqual({ exportedAt: '2026-11-22T12:00:00.000Z', person: { id: 'ann' } });
    expect(Object.fromEntries(memories.map(({ path, content }) => [path, content]))).toEqual(
      await ann.files(),
    );
    const versions = await ann.versions();
    expect(history.map(({ at, content }) => [at, content])).toEqual(
      versions.map(version => [version.created_at, version.content ?? null]),
    );
    expect(history.map(({ by, changes }) => [by.type, changes])).toEqual([
      ['agent', ['+ shoe size: 9']],
      ['operator', ['+ vip']],
      ['person', ['~ shoe size: 9 → 10']],
    ]);
  });

  it('can be read by people as well', async () => {
    const ann = await life();
    const { file } = await ann.run('export', { type: 'export', format: 'markdown' });
    expect(file.name).toBe('memory-2026-11-22.md');
    expect(file.content.replace(/\d{4}-\d{2}-\d{2} \d\d:\d\d UTC/g, 'TIME')).toBe(
      [
        '# What I remember about ann',
        '',
        'As of 2026-11-22.',
        '',
        '## Sizes',
        '',
        '- shoe size: 10 (2026-11-22)',
        '',
        '## Vip',
        '',
        '- vip',
        '',
        '# What changed and when',
        '',
        '- TIME: Sizes created by the agent, in a private conversation on Test',
        '  - + shoe size: 9',
        '- TIME: Vip created by the people who run me',
        '  - + vip',
        '- TIME: Sizes changed by you, in the form',
        '  - ~ shoe size: 9 → 10',
        '',
      ].join('\n'),
    );
  });

  it('of a stranger is empty', async () => {
    bench = await createBench({ model: obedientModel() });
    const ann = memoryOf(bench);
    const { file } = await ann.run('export', { type: 'export', format: 'json' });
    expect(exported.parse(JSON.parse(file.content))).toMatchObject({ memories: [], history: [] });
  });
});
