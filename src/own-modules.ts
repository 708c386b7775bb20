/** Files by the people who run the bot: custom tools that agent.yml names, adapters that ADAPTERS names. */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ChatAdapter } from './core/adapter.ts';
import { SetupError } from './core/errors.ts';
import type { CustomTool } from './core/turn/custom-tools.ts';
import type { Log } from './log.ts';

export interface AdapterDeps {
  /** For the adapter's own settings. */
  env: NodeJS.ProcessEnv;
  log: Log;
}

/** The default export of an adapter's file. Throws a SetupError where a setting is missing. */
export type CreateAdapter = (deps: AdapterDeps) => ChatAdapter | Promise<ChatAdapter>;

/** `path` is relative to `folder`. Rejects with a SetupError that names the file. */
export async function loadTool(path: string, folder: string): Promise<CustomTool> {
  const tool = await loadDefault(path, folder);
  if (isTool(tool)) return tool;
  throw new SetupError(`${path} must export a tool: export default defineTool({ name, … }).`);
}

/** As `loadTool`. Makes nothing yet. */
export async function loadAdapter(path: string, folder: string): Promise<CreateAdapter> {
  const create = await loadDefault(path, folder);
  if (typeof create !== 'function') {
    throw new SetupError(`${path} must export a function that creates an adapter: export default deps => ….`);
  }
  return create as CreateAdapter;
}

async function loadDefault(path: string, folder: string): Promise<unknown> {
  const url = pathToFileURL(resolve(folder, path)).href;
  try {
    const module: { default?: unknown } = await import(url);
    return module.default;
  } catch (cause) {
    throw new SetupError(`Cannot load ${path}: ${whyNot(cause)}`, { cause });
  }
}

function whyNot(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if ('code' in cause && cause.code === 'ERR_UNKNOWN_FILE_EXTENSION')
    return 'this Node does not run TypeScript; use Node 24, or compile the file to JavaScript';
  // What "npm init" writes by itself.
  if (/outside a module|Unexpected token 'export'/.test(cause.message))
    return 'it is an ES module, and the package.json beside it says otherwise; put "type": "module" there, or name the file .mts or .mjs';
  return cause.message;
}

function isTool(value: unknown): value is CustomTool {
  if (typeof value !== 'object' || value === null) return false;
  const { name, description, label, input, run } = value as Partial<Record<keyof CustomTool, unknown>>;
  return (
    [name, description, label].every(text => typeof text === 'string') &&
    typeof run === 'function' &&
    // What zod 4 marks its schemas with, whichever copy of it made this one.
    typeof input === 'object' &&
    input !== null &&
    '_zod' in input
  );
}
