import { describe, expect, it } from 'vitest';
import type { CommandAction } from '../../src/core/message.ts';
import { findNamed, type Named, readTyped } from '../../src/core/preferences/typed-preferences.ts';
import type { MemorySection } from '../../src/core/views.ts';

const note = (title: string, facts: string[] = [], shared = false): MemorySection => ({
  memoryId: `mem ${title}${shared ? ' shared' : ''}`,
  path: `/${title.toLowerCase().replaceAll(' ', '-')}.md`,
  title,
  facts: facts.map(text => ({ id: text, text, learnedOn: null, learnedBy: null })),
  lines: facts,
  content: '',
  revision: 'r1',
  updatedAt: '2026-03-14T00:00:00Z',
  shared,
});

const SECTIONS = [note('Sizes', ['shoe size: 9', 'coat: M']), note('Winter coats', ['coat: M']), note('2')];

describe('what is typed after /preferences', () => {
  it.each<[string, CommandAction]>([
    ['', { type: 'view' }],
    ['  View ', { type: 'view' }],
    ['set', { type: 'form' }],
    ['edit', { type: 'form' }],
    ['SET Brands avoided Nike, Zara', { type: 'set-typed', words: 'Brands avoided Nike, Zara' }],
    ['forget me', { type: 'forget-me', confirmed: false }],
    ['forget since 2026-03-14', { type: 'forget-since', since: '2026-03-14', confirmed: false }],
    ['pause', { type: 'pause' }],
    ['resume', { type: 'resume' }],
    ['private', { type: 'private', on: true }],
    ['private off', { type: 'private', on: false }],
    ['notices default', { type: 'notices', mode: 'default' }],
    ['notices ON', { type: 'notices', mode: 'on' }],
    ['export', { type: 'export', format: 'markdown' }],
    ['export JSON', { type: 'export', format: 'json' }],
    ['link', { type: 'link' }],
    ['link k7pq-2mxd', { type: 'link', code: 'k7pq-2mxd', confirmed: false }],
    ['unlink', { type: 'unlink', confirmed: false }],
    ['why', { type: 'why' }],
  ])('“%s” is an action', (text, action) => {
    expect(readTyped(text)).toEqual({ type: 'do', action });
  });

  it.each(['forget', 'private maybe', 'notices sometimes', 'export pdf', 'share'])(
    '“%s” is explained',
    text => expect(readTyped(text)).toMatchObject({ type: 'unclear' }),
  );

  it('what is no verb is named as it was typed', () => {
    expect(readTyped('Dance please')).toEqual({ type: 'unknown', verb: 'Dance' });
  });

  it.each<[string, CommandAction]>([
    ['show sizes', { type: 'show', memoryId: 'mem Sizes' }],
    ['view “Winter coats”', { type: 'show', memoryId: 'mem Winter coats' }],
    ['edit /sizes.md', { type: 'editor', memoryId: 'mem Sizes' }],
    ['edit Gift ideas', { type: 'editor', title: 'Gift ideas' }],
    ['new', { type: 'editor' }],
    ['new Sizes', { type: 'editor', memoryId: 'mem Sizes' }],
    ['new Gift ideas', { type: 'editor', title: 'Gift ideas' }],
    ['forget sizes', { type: 'forget', memoryId: 'mem Sizes', revision: 'r1', confirmed: false }],
    ['forget shoe', { type: 'forget', memoryId: 'mem Sizes', factId: 'shoe size: 9', confirmed: false }],
    ['history', { type: 'history', page: 0 }],
    ['history 3', { type: 'history', page: 2 }],
    ['history sizes 2', { type: 'history', page: 1, memoryId: 'mem Sizes' }],
    ['history 2', { type: 'history', page: 0, memoryId: 'mem 2' }],
    ['share winter-coats.md', { type: 'share', memoryId: 'mem Winter coats', on: true }],
    ['unshare sizes', { type: 'share', memoryId: 'mem Sizes', on: false }],
  ])('“%s” finds what is meant', (text, action) => {
    expect(findNamed(readTyped(text) as Named, SECTIONS)).toEqual({ type: 'do', action });
  });

  it('the same fact in two notes is one, two facts are a choice, and none is looked for in earlier versions', () => {
    const find = (text: string) => findNamed(readTyped(text) as Named, SECTIONS);
    expect(find('forget coat: m')).toMatchObject({ type: 'do', action: { factId: 'coat: M' } });
    expect(find('forget o')).toEqual({
      type: 'unclear',
      sentence: 'Which one? Write it in full:',
      choices: ['shoe size: 9', 'coat: M'],
    });
    expect(find('forget prada')).toEqual({ type: 'do', action: { type: 'forget-past', words: 'prada' } });
    expect(find('show hats')).toMatchObject({ choices: ['Sizes', 'Winter coats', '2'] });
  });

  it('of two notes with one title, sharing means the private one, and unsharing the other', () => {
    const both = [note('Sizes'), note('Sizes', [], true)];
    expect(findNamed({ type: 'named', verb: 'share', words: 'sizes' }, both)).toMatchObject({
      action: { memoryId: 'mem Sizes' },
    });
    expect(findNamed({ type: 'named', verb: 'unshare', words: 'sizes' }, both)).toMatchObject({
      action: { memoryId: 'mem Sizes shared' },
    });
  });
});
