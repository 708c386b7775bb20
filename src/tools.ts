import type { CustomTool } from './core/custom-tools.ts';

/** The custom tools this bot offers its agent. Add one here (see `defineTool`), and name it in agent.yml. */
export const customTools: readonly CustomTool[] = [];
