import { describe, expect, it } from 'vitest';
import { questionOf, type ToolUse } from '../../src/core/turn/activities.ts';
import { createCustomTools } from '../../src/core/turn/custom-tools.ts';

const asked = (use: Omit<ToolUse, 'id'>) => questionOf({ id: '1', ...use }, [], createCustomTools([]));

describe('the question before a tool', () => {
  it('says what a tool of another server is called, and all that it would be given', () => {
    const input = { query: 'red shoes', repository: 'shop', force: true };
    const { text, detail } = asked({ name: 'delete_branch', server: 'git-hub', input });
    expect(text).toBe('May I do this: using git hub, “delete branch”?');
    expect(JSON.parse(detail)).toEqual(input);
  });

  it('is as short as can be where there is one thing to say, or where the rest says nothing more', () => {
    expect(asked({ name: 'find', server: 'shop', input: { words: 'boots' } }).detail).toBe('boots');
    expect(asked({ name: 'ping', server: 'shop', input: {} }).detail).toBe('');
    expect(asked({ name: 'grep', input: { pattern: 'wool', path: '/mnt/memory' } }).detail).toBe('wool');
  });
});
