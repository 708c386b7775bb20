import { posix } from 'node:path';
import type {
  BetaManagedAgentsDocumentBlock,
  BetaManagedAgentsImageBlock,
  BetaManagedAgentsTextBlock,
} from '@anthropic-ai/sdk/resources/beta/sessions/events';
import type { z } from 'zod';
import { fsErrorCode } from './fs-error.ts';
import { HOME, type Sandbox } from './sandbox.ts';

export type ToolContent =
  | BetaManagedAgentsTextBlock
  | BetaManagedAgentsImageBlock
  | BetaManagedAgentsDocumentBlock;

export interface ToolResult {
  content: ToolContent[];
  isError: boolean;
}

export interface ToolCall {
  sandbox: Sandbox;
  signal: AbortSignal;
  /** The same call may have run before, in a process that ended before its result was logged. */
  repeated: boolean;
}

/** A tool of the agent toolset. `run` may throw: a `ToolFailure`, or an error of the file system. */
export interface BuiltinTool<Input = never> {
  description: string;
  input: z.ZodType<Input>;
  run(input: Input, call: ToolCall): Promise<string | ToolContent[]>;
}

/** What went wrong, as a sentence for the model. */
export class ToolFailure extends Error {
  override readonly name = 'ToolFailure';
}

export function textResult(text: string, isError = false): ToolResult {
  return { content: [{ type: 'text', text }], isError };
}

/** Relative paths start at the home folder, wherever the shell is. */
export function absolute(path: string): string {
  return posix.resolve(HOME, path);
}

/** Cuts what a model could not use anyway, and says how much is gone. */
export function bounded(text: string, limit: number, advice: string): string {
  if (text.length <= limit) return text;
  // The cut may go through the two halves of one character, which no JSON of the Messages API may hold.
  return `${text.slice(0, limit).toWellFormed()}\n… ${text.length - limit} more characters left out. ${advice}`;
}

export function describeFailure(error: unknown, path?: string): string {
  if (error instanceof ToolFailure) return error.message;
  const where = path === undefined ? 'The file system' : path;
  switch (fsErrorCode(error)) {
    case 'ENOENT':
      return `${where} does not exist.`;
    case 'EISDIR':
      return `${where} is a folder.`;
    case 'ENOTDIR':
      return `${where} is not possible: a part of that path is a file, not a folder.`;
    case 'EROFS':
      return `${where} is read-only.`;
    default:
      return error instanceof Error ? `${error.message}.` : 'The tool failed.';
  }
}
