import { dirname } from 'node:path';
import type { AgentFile } from './core/agent-file.ts';
import { SetupError } from './core/errors.ts';
import { type CustomTool, type CustomToolRegistry, createCustomTools } from './core/turn/custom-tools.ts';
import { loadTool } from './own-modules.ts';

/** Tools that agent.yml may ask for by name. One that it asks for by its file ("./order-status.ts") need not stand here. */
const customTools: readonly CustomTool[] = [];

/**
 * The tools `file` asks for, those it names by file loaded from beside it; and the file with their names in place of
 * their paths. Rejects with a SetupError that says which cannot be loaded, or that two have one name.
 */
export async function openTools(
  file: AgentFile,
  path: string,
): Promise<{ file: AgentFile; tools: CustomToolRegistry }> {
  const tools = [...customTools];
  const names: string[] = [];
  for (const entry of file.custom_tools) {
    if (!/^\.{0,2}\//.test(entry)) {
      names.push(entry);
      continue;
    }
    const tool = await loadTool(entry, dirname(path));
    if (tools.some(({ name }) => name === tool.name)) {
      throw new SetupError(`${entry}: there is another custom tool named "${tool.name}".`);
    }
    tools.push(tool);
    names.push(tool.name);
  }
  return { file: { ...file, custom_tools: names }, tools: createCustomTools(tools) };
}
