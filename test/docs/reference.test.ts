import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseAgentFile } from '../../src/core/agent-file.ts';
import { openTools } from '../../src/tools.ts';
import { temporaryFolder } from '../helpers/cli.ts';

const REPO = resolve(import.meta.dirname, '../..');
const DOCUMENTS = [
  ...readdirSync(REPO).filter(name => name.endsWith('.md')),
  ...readdirSync(join(REPO, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
];

describe('docs/agent-file.md', () => {
  const text = readFileSync(join(REPO, 'docs/agent-file.md'), 'utf8');
  const files = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, source = '']) => source);
  const [short = '', whole = ''] = files;

  it('shows files that work', () => {
    expect(files).toHaveLength(2);
    expect(parseAgentFile(short, 'agent.yml').tools.read).toBe('allow');
    expect(parseAgentFile(whole, 'agent.yml').limits.person).toEqual({
      turns: 60,
      tokens: 600_000,
      cost_usd: 2,
    });
  });

  it('shows every setting there is in one of them', () => {
    // What a file with defaults alone holds, and what only the whole one names.
    const there = settingsOf(parseAgentFile(short, 'agent.yml'));
    expect(there.length).toBeGreaterThan(15);
    expect(settingsOf(parse(whole))).toEqual(
      expect.arrayContaining(there.filter(setting => setting !== 'model')),
    );
  });

  it('explains every setting that it shows', () => {
    const [reference = ''] = text.split('## Everything at once');
    for (const setting of settingsOf(parse(whole))) {
      const [last = ''] = setting.split('.').slice(-1);
      expect(reference, setting).toMatch(new RegExp(`\`(?:${setting.replaceAll('.', '\\.')}|${last})\``));
    }
  });
});

describe('docs/extending.md', () => {
  it('shows a tool that can be asked for as it stands', async () => {
    const text = readFileSync(join(REPO, 'docs/extending.md'), 'utf8');
    const [, source = ''] = /```ts\n(\/\/ order-status\.ts[\s\S]*?)```/.exec(text) ?? [];
    const [, settings = ''] = /```yaml\n([\s\S]*?)```/.exec(text) ?? [];
    const folder = await temporaryFolder();
    const here = JSON.stringify(join(REPO, 'src/extending.ts'));
    await writeFile(join(folder.path, 'order-status.ts'), source.replace("'shopper'", here));
    const path = join(folder.path, 'agent.yml');
    const { file, tools } = await openTools(
      parseAgentFile(`name: a\nmodel: m\nsystem: s\n${settings}`, path),
      path,
    );
    expect(file.custom_tools).toEqual(['order_status']);
    expect(tools.get('order_status')?.outside).toBe(true);
    await folder.remove();
  });
});

describe('the documents', () => {
  it.each(DOCUMENTS)('%s links to what is there', document => {
    const text = readFileSync(join(REPO, document), 'utf8').replace(/```[\s\S]*?```/g, '');
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)) {
      expect(existsSync(join(REPO, dirname(document), target)), `${document}: ${target}`).toBe(true);
    }
  });
});

/** "memory.description", …: the names of settings, those of list items included. */
function settingsOf(value: unknown, path: string[] = []): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap(item => settingsOf(item, path)))];
  if (typeof value !== 'object' || value === null) return path.length === 0 ? [] : [path.join('.')];
  const inner = Object.entries(value).flatMap(([key, each]) => settingsOf(each, [...path, key]));
  return [...new Set(inner)];
}
