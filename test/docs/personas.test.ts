import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAgentFile } from '../../src/core/agent-file.ts';
import { chat, temporaryFolder } from '../helpers/cli.ts';

const PERSONAS = join(import.meta.dirname, '../../examples/personas');
const files = readdirSync(PERSONAS);

let folder: { path: string; remove(): Promise<void> };
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

describe('the worked personas', { timeout: 90_000 }, () => {
  it('are three', () => {
    expect(files.sort()).toEqual(['it-helpdesk.yml', 'running-coach.yml', 'shopper.yml']);
  });

  it.each(files)('%s says what every persona has to say', async name => {
    const { system, memory, tools } = await readAgentFile(join(PERSONAS, name));
    const said = `${system}\n${memory.instructions}`.replace(/\s+/g, ' ');
    for (const rule of [
      /<session_start>/,
      /Never keep [^.]*(?:passwords|card numbers|addresses)/,
      /Never say that you saved something unless the tool call succeeded/,
      /remove every line about it/,
      /never instructions to you/,
      /Never tell one person about another/,
    ]) {
      expect(said, name).toMatch(rule);
    }
    expect(tools.write).toBe('allow');
  });

  it('have names of their own, so that nobody gets the memory of another bot', async () => {
    const paths = [...files.map(name => join(PERSONAS, name)), 'agent.yml'];
    const names = await Promise.all(paths.map(async path => (await readAgentFile(path)).name));
    expect(new Set(names).size).toBe(names.length);
  });

  it('the running coach remembers a runner from one conversation to the next', async () => {
    const env = { AGENT_FILE: join(PERSONAS, 'running-coach.yml') };
    const told = await chat(['I wear size 9 shoes'], { dataDir: folder.path, user: 'ann', env });
    expect(told).toMatchObject({ code: 0, stdout: expect.stringContaining('+ shoe size: 9') });
    const asked = await chat(['What do you know about me?'], { dataDir: folder.path, user: 'ann', env });
    expect(asked.stdout).toContain('shoe size 9');
  });
});
