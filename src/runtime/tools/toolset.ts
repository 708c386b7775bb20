import type { Tool } from '@anthropic-ai/sdk/resources/messages';
import { z } from 'zod';
import type { AgentTool, ToolConfig } from '../ports.ts';
import { bashTool } from './bash.ts';
import { editTool, readTool, writeTool } from './files.ts';
import type { Sandbox } from './sandbox.ts';
import { globTool, grepTool } from './search.ts';
import { type BuiltinTool, describeFailure, type ToolResult, textResult } from './tool.ts';

export type { ToolResult } from './tool.ts';

/** Inputs and names of agent_toolset_20260401, less web_fetch and web_search, which need the network. */
const BUILTINS = {
  bash: erase(bashTool),
  read: erase(readTool),
  write: erase(writeTool),
  edit: erase(editTool),
  glob: erase(globTool),
  grep: erase(grepTool),
};

type BuiltinName = keyof typeof BUILTINS;
export type PermissionPolicy = ToolConfig['permission_policy']['type'];

/** How a call by this name is to be treated. */
export type ToolKind =
  | { type: 'builtin'; policy: PermissionPolicy }
  /** Answered by the client. */
  | { type: 'custom' }
  /** Unknown, or not enabled for this agent. */
  | { type: 'unavailable' };

export interface Toolset {
  /** What the model is offered: tools that are enabled, and custom ones. */
  readonly definitions: Tool[];
  kind(name: string): ToolKind;
  /**
   * Runs a built-in tool. Never throws for what a model can get wrong: that is an error result with a sentence.
   * Throws when `signal` aborts. `repeated`: the call may have run before, without its result being logged.
   */
  run(
    name: string,
    input: unknown,
    options: { signal: AbortSignal; repeated?: boolean },
  ): Promise<ToolResult>;
}

export function createToolset(tools: readonly AgentTool[], sandbox: Sandbox): Toolset {
  const policies = new Map<BuiltinName, PermissionPolicy>();
  const custom = new Map<string, Tool>();
  for (const tool of tools) {
    if (tool.type === 'custom') {
      const { name, description, input_schema } = tool;
      custom.set(name, { name, description, input_schema: { ...input_schema, type: 'object' } });
      continue;
    }
    for (const name of Object.keys(BUILTINS).filter(isBuiltin)) {
      const config = tool.configs.find(entry => entry.name === name) ?? tool.default_config;
      if (config.enabled) policies.set(name, config.permission_policy.type);
    }
  }
  const enabled = [...policies.keys()].map(name => BUILTINS[name].definition(name));

  return {
    definitions: [...enabled, ...custom.values()],
    kind(name) {
      if (custom.has(name)) return { type: 'custom' };
      const policy = isBuiltin(name) ? policies.get(name) : undefined;
      return policy === undefined ? { type: 'unavailable' } : { type: 'builtin', policy };
    },
    async run(name, input, { signal, repeated = false }) {
      if (!isBuiltin(name) || !policies.has(name)) return textResult(unavailable(name), true);
      try {
        return await sandbox.call(() => BUILTINS[name].run(name, input, { sandbox, signal, repeated }));
      } catch (error) {
        signal.throwIfAborted();
        return textResult(describeFailure(error), true);
      }
    },
  };
}

export function unavailable(name: string): string {
  return `There is no tool named "${name}" here.`;
}

interface ErasedTool {
  definition(name: string): Tool;
  run(name: string, input: unknown, call: Parameters<BuiltinTool['run']>[1]): Promise<ToolResult>;
}

/** Hides a tool's input type behind its own parser. */
function erase<Input>(tool: BuiltinTool<Input>): ErasedTool {
  const schema = z.toJSONSchema(tool.input, { io: 'input' });
  return {
    definition: name => ({
      name,
      description: tool.description,
      input_schema: { type: 'object', properties: schema.properties, required: schema.required ?? [] },
    }),
    async run(name, input, call) {
      const parsed = tool.input.safeParse(withoutNulls(input));
      if (!parsed.success) {
        const problems = parsed.error.issues.map(
          issue => `${issue.path.join('.') || 'input'}: ${issue.message}`,
        );
        return textResult(`The input of ${name} is not valid: ${problems.join('; ')}.`, true);
      }
      try {
        const content = await tool.run(parsed.data, call);
        return typeof content === 'string' ? textResult(content) : { content, isError: false };
      } catch (error) {
        call.signal.throwIfAborted();
        return textResult(describeFailure(error), true);
      }
    },
  };
}

function isBuiltin(name: string): name is BuiltinName {
  return Object.hasOwn(BUILTINS, name);
}

/** Some models spell out what they leave away: `"path": null`. */
function withoutNulls(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null));
}
