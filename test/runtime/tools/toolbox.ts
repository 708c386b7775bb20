import type { AgentTool, MemoryMount, UploadedFile } from '../../../src/runtime/ports.ts';
import { createScratch, openSandbox, type Scratch } from '../../../src/runtime/tools/sandbox.ts';
import { createToolset } from '../../../src/runtime/tools/toolset.ts';
import { toolset } from '../session-harness.ts';

export interface Ran {
  text: string;
  isError: boolean;
}

export interface Toolbox {
  scratch: Scratch;
  run(name: string, input: unknown, options?: { signal?: AbortSignal; repeated?: boolean }): Promise<Ran>;
  bash(command: string): Promise<Ran>;
}

/** The tools of one session, called as the agent loop calls them. */
export function openToolbox(
  options: { mounts?: MemoryMount[]; uploads?: UploadedFile[]; tools?: AgentTool[]; scratch?: Scratch } = {},
): Toolbox {
  const scratch = options.scratch ?? createScratch();
  const sandbox = openSandbox(scratch, options.mounts ?? [], options.uploads ?? []);
  const tools = createToolset(options.tools ?? [toolset()], sandbox);

  async function run(
    name: string,
    input: unknown,
    { signal = new AbortController().signal, ...more }: { signal?: AbortSignal; repeated?: boolean } = {},
  ): Promise<Ran> {
    const { content, isError } = await tools.run(name, input, { signal, ...more });
    const text = content.map(block => (block.type === 'text' ? block.text : `[${block.type}]`)).join('\n');
    return { text, isError };
  }
  return { scratch, run, bash: command => run('bash', { command }) };
}
