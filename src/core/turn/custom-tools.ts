import { z } from 'zod';
import type { Person } from '../message.ts';

/** A tool the bot itself runs for the agent. `input` has been checked against the schema before `run` sees it. */
export interface CustomTool<Input = unknown> {
  /** Letters, digits, - and _, at most 128. */
  name: string;
  /** For the model: what it does and when to use it. */
  description: string;
  /** For the person, while it runs: "Looking up your order". */
  label: string;
  input: z.ZodType<Input>;
  /** Its results hold text by others (a shop, a ticket, a page): what the agent learns after it needs the person's yes. */
  outside?: boolean;
  /** The text the agent gets back. A thrown error's message is given to the agent as an error result. */
  run(input: Input, context: CustomToolContext): Promise<string>;
}

export interface CustomToolContext {
  person: Person;
  signal: AbortSignal;
}

export interface CustomToolRegistry {
  get(name: string): CustomTool | undefined;
  /** Never rejects: an unknown tool, bad input and a failing tool are error results. */
  run(name: string, input: unknown, context: CustomToolContext): Promise<{ text: string; isError: boolean }>;
}

/** Erases a tool's input type, so that tools of different inputs fit one registry. */
export function defineTool<Input>(tool: CustomTool<Input>): CustomTool {
  return { ...tool, run: (input, context) => tool.run(tool.input.parse(input), context) };
}

export function createCustomTools(tools: readonly CustomTool[]): CustomToolRegistry {
  const byName = new Map(tools.map(tool => [tool.name, tool]));
  return {
    get: name => byName.get(name),
    async run(name, input, context) {
      const tool = byName.get(name);
      if (tool === undefined)
        return { text: `There is no tool named ${name}. Carry on without it.`, isError: true };
      const parsed = tool.input.safeParse(input);
      if (!parsed.success) return { text: `Invalid input:\n${z.prettifyError(parsed.error)}`, isError: true };
      try {
        return { text: await tool.run(parsed.data, context), isError: false };
      } catch (error) {
        return { text: error instanceof Error ? error.message : String(error), isError: true };
      }
    },
  };
}
