import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAgentFile } from '../../src/core/agent-file.ts';
import { openTools } from '../../src/tools.ts';
import { temporaryFolder } from '../helpers/cli.ts';

const EXTENDING = join(import.meta.dirname, '../../src/extending.ts');
const TOOL = `import { defineTool, z } from ${JSON.stringify(EXTENDING)};
export default defineTool({
  name: 'stock',
  description: 'Looks up how many there are.',
  label: 'Counting',
  input: z.object({ item: z.string() }),
  run: async ({ item }) => item + ': 3',
});
`;

let folder: { path: string; remove(): Promise<void> };
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

/** agent.yml in the folder, asking for these tools. */
function opened(...tools: string[]) {
  const source = `name: a\nmodel: m\nsystem: s\ncustom_tools: ${JSON.stringify(tools)}\n`;
  const path = join(folder.path, 'agent.yml');
  return openTools(parseAgentFile(source, path), path);
}

const write = (name: string, content: string) => writeFile(join(folder.path, name), content);

describe('a tool that agent.yml names by its file', () => {
  it('is found beside agent.yml and goes by its own name', async () => {
    await write('count.ts', TOOL);
    const { file, tools } = await opened('./count.ts');
    expect(file.custom_tools).toEqual(['stock']);
    const context = {
      person: { platform: 'test', workspace: 'W', id: 'ann', name: 'Ann' },
      signal: AbortSignal.timeout(5_000),
    };
    expect(await tools.run('stock', { item: 'boots' }, context)).toEqual({
      text: 'boots: 3',
      isError: false,
    });
  });

  it.each([
    ['is not there', undefined, /Cannot load \.\/tool\.ts: /],
    ['breaks', 'throw new Error("no such luck");', /Cannot load \.\/tool\.ts: no such luck/],
    [
      'exports nothing',
      'export const tool = 1;',
      /\.\/tool\.ts must export a tool: export default defineTool/,
    ],
    ['exports half a tool', 'export default { name: "x" };', /\.\/tool\.ts must export a tool/],
  ])('which %s is named to the operator', async (_, content, sentence) => {
    if (content !== undefined) await write('tool.ts', content);
    await expect(opened('./tool.ts')).rejects.toThrow(sentence);
  });

  it('cannot take the name of another', async () => {
    await write('one.ts', TOOL);
    await write('two.ts', TOOL);
    await expect(opened('./one.ts', './two.ts')).rejects.toThrow(
      './two.ts: there is another custom tool named "stock".',
    );
  });
});
