import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { createMetrics } from '../../src/observability/metrics.ts';

const ROOT = new URL('../../', import.meta.url);
const guide = await readFile(new URL('docs/observability.md', ROOT), 'utf8');

/** The first cells of the table below a heading, without backticks. */
function firstCells(from: string, to: string): string[] {
  const begin = guide.indexOf(from);
  const part = guide.slice(
    begin,
    guide.indexOf(to, begin + 1) > 0 ? guide.indexOf(to, begin + 1) : undefined,
  );
  return [...part.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name);
}

async function sources(): Promise<{ path: string; text: string }[]> {
  const files = await readdir(new URL('src/', ROOT), { recursive: true, withFileTypes: true });
  return Promise.all(
    files
      .filter(file => file.isFile() && file.name.endsWith('.ts'))
      .map(async file => {
        const path = `${file.parentPath}/${file.name}`;
        return { path, text: await readFile(path, 'utf8') };
      }),
  );
}

/** Every call that writes a line: `log.warn(`, `deps.log.info(`, `log.debug?.(`. */
const CALL = /\blog\.(?:debug|info|warn|error)(?:\?\.)?\(\s*/g;
const EVENT = /\bevent: '([^']+)'/g;

it('lists every event that the source logs, and no other', async () => {
  const used = (await sources()).flatMap(({ text }) =>
    [...text.matchAll(EVENT)].map(([, name = '']) => name),
  );
  const listed = firstCells('### Log events', '\n## ');
  expect([...new Set(used)].sort()).toEqual([...listed].sort());
  expect(listed).toEqual([...listed].sort());
});

it('is not gone around: every line that is logged begins with its event', async () => {
  const nameless: string[] = [];
  for (const { path, text } of await sources()) {
    for (const call of text.matchAll(CALL)) {
      const after = text.slice(call.index + call[0].length);
      if (!/^\{\s*event: '[a-z_]+\.[a-z_]+'/.test(after))
        nameless.push(`${path}: ${call[0]}${after.slice(0, 60)}`);
    }
  }
  expect(nameless).toEqual([]);
});

it('lists every metric of ours with its labels, and no other', () => {
  const { registry } = createMetrics({ version: '1', role: 'all' });
  const metrics = registry.getMetricsAsArray() as unknown as { name: string; labelNames: string[] }[];
  const ours = metrics.filter(({ name }) => name.startsWith('shopper_'));
  expect(ours.map(({ name }) => name).sort()).toEqual(firstCells('| Metric |', 'Beside these').sort());
  for (const { name, labelNames } of ours) {
    const row = guide.split('\n').find(line => line.startsWith(`| \`${name}\` |`)) ?? '';
    const labels = [...(row.split('|')[2] ?? '').matchAll(/`(\w+)`/g)].map(([, label]) => label);
    expect(labels, name).toEqual(labelNames);
  }
});
