import type { Question } from '../adapter.ts';
import { titleOfPath } from '../views.ts';
import type { CustomToolRegistry } from './custom-tools.ts';

/** A tool use of the agent, whichever kind of tool it is. */
export interface ToolUse {
  id: string;
  name: string;
  input: Record<string, unknown>;
  /** The MCP server the tool belongs to, if any. */
  server?: string;
}

/** Says what a tool use means to a person: "Saving your sizes", never a path or a tool's name. */
export function labelOf(use: ToolUse, mountPaths: readonly string[], tools: CustomToolRegistry): string {
  if (use.server !== undefined) return `Using ${use.server.replace(/[-_]+/g, ' ')}`;
  const topic = topicOf(use, mountPaths);
  switch (use.name) {
    case 'read':
    case 'glob':
    case 'grep':
      if (topic === null) return 'Looking something up';
      return topic === '' ? 'Checking your preferences' : `Checking your ${topic}`;
    case 'write':
      return topic === null ? 'Making a note' : `Saving your ${topic === '' ? 'preferences' : topic}`;
    case 'edit':
      return topic === null ? 'Changing a note' : `Updating your ${topic === '' ? 'preferences' : topic}`;
    case 'bash':
      return bashTouches(use, mountPaths) ? 'Going through your preferences' : 'Working something out';
    case 'web_search':
      return 'Searching the web';
    case 'web_fetch':
      return 'Reading a web page';
    default:
      return tools.get(use.name)?.label ?? 'Using a tool';
  }
}

/** A look into memory. That there is nothing yet is an answer, no failure that a person should be shown. */
export function looksIntoMemory(use: ToolUse, mountPaths: readonly string[]): boolean {
  return (
    use.server === undefined &&
    ['read', 'glob', 'grep'].includes(use.name) &&
    topicOf(use, mountPaths) !== null
  );
}

/** "sizes" for a file in the person's memory, "" for the folder itself, null for anything else. */
function topicOf(use: ToolUse, mountPaths: readonly string[]): string | null {
  const path = [use.input.file_path, use.input.path].find(value => typeof value === 'string');
  const mount = mountPaths.find(mounted => path === mounted || path?.startsWith(`${mounted}/`) === true);
  if (mount === undefined || path === undefined) return null;
  const inside = path.slice(mount.length);
  if (!/\.[a-z0-9]+$/i.test(inside)) return '';
  const title = titleOfPath(inside);
  return title.charAt(0).toLowerCase() + title.slice(1);
}

function bashTouches(use: ToolUse, mountPaths: readonly string[]): boolean {
  const { command } = use.input;
  return typeof command === 'string' && mountPaths.some(mounted => command.includes(mounted));
}

const MAX_DETAIL = 600;

/** The yes/no question for a tool that its owner put under "ask". */
export function questionOf(use: ToolUse, mountPaths: readonly string[], tools: CustomToolRegistry): Question {
  const label = labelOf(use, mountPaths, tools);
  // A server has many tools, and only their names say what each does.
  const which = use.server === undefined ? '' : `, “${use.name.replace(/[-_]+/g, ' ')}”`;
  return {
    id: use.id,
    text: `May I do this: ${label.charAt(0).toLowerCase()}${label.slice(1)}${which}?`,
    detail: detailOf(use),
  };
}

/** Of the sandbox's tools, whose rest only says where or how. */
const TELLING = ['query', 'url', 'command', 'content', 'new_string', 'pattern'];

/** Of a server's tool all that it would be given: nobody here knows what of it matters. */
function detailOf(use: ToolUse): string {
  const keys = Object.keys(use.input);
  const telling = use.server === undefined ? TELLING : keys.length === 1 ? keys : [];
  const value = telling.map(key => use.input[key]).find(item => typeof item === 'string');
  const detail = value ?? (keys.length === 0 ? '' : JSON.stringify(use.input, null, 1));
  return detail.length <= MAX_DETAIL
    ? detail
    : `${detail.slice(0, MAX_DETAIL)} [and ${detail.length - MAX_DETAIL} more characters]`;
}
