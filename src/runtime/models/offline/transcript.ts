import type { MessageParam } from '@anthropic-ai/sdk/resources/messages';
import { isSessionStart, noSessionStart, parseSessionStart, type SessionStart } from './session-start.ts';

export interface ToolCall {
  name: string;
  input: Record<string, unknown>;
  /** Undefined while no result has come back, e.g. after an interrupt. */
  result?: { text: string; isError: boolean };
}

/** What the person said at one go, and everything the model did about it until they spoke again. */
export interface Turn {
  words: string[];
  calls: ToolCall[];
  /** Text the model has already answered in this turn. */
  replies: string[];
}

export interface Transcript {
  start: SessionStart;
  /** The turn that was told `start`: what was read and written before it is out of date. */
  toldIn: number;
  /** Oldest first; the last one is the turn to answer. */
  turns: Turn[];
  /** The runtime left out earlier turns to fit, so the first turn here is not the session's first. */
  shortened: boolean;
}

/**
 * Reads the messages of a request. Memory is trusted from two places only: the bot's block before what a person
 * says, the latest of them where it was told again, and the results of tools. Everything else a person sends is
 * their words.
 */
export function readTranscript(messages: readonly MessageParam[], system: string): Transcript {
  const turns: Turn[] = [];
  const calls = new Map<string, ToolCall>();
  let start = noSessionStart;
  let toldIn = 0;
  let turn: Turn = { words: [], calls: [], replies: [] };

  messages.forEach(message => {
    const blocks =
      typeof message.content === 'string'
        ? [{ type: 'text' as const, text: message.content }]
        : message.content;
    if (message.role === 'assistant') {
      for (const block of blocks) {
        if (block.type === 'text') turn.replies.push(block.text);
        if (block.type !== 'tool_use') continue;
        const call: ToolCall = { name: block.name, input: asRecord(block.input) };
        calls.set(block.id, call);
        turn.calls.push(call);
      }
      return;
    }
    if (message.role !== 'user') return;

    const words: string[] = [];
    let told = false;
    blocks.forEach((block, position) => {
      if (block.type === 'tool_result') {
        const call = calls.get(block.tool_use_id);
        if (call) call.result = { text: resultText(block.content), isError: block.is_error === true };
      } else if (block.type === 'text') {
        // The last block cannot be the bot's: the bot always adds what the person said after its own. It need not
        // be the first: after a turn that was stopped, what was left of that one comes before it.
        const fromBot = position < blocks.length - 1 && isSessionStart(block.text);
        if (fromBot) {
          start = parseSessionStart(block.text);
          told = true;
        } else if (!block.text.startsWith(afterRestart)) words.push(ownWords(block.text));
      } else {
        words.push('');
      }
    });
    if (words.length === 0) return;
    if (turn.calls.length > 0 || turn.replies.length > 0) turn = { words: [], calls: [], replies: [] };
    if (turns.at(-1) !== turn) turns.push(turn);
    if (told) toldIn = turns.length - 1;
    turn.words.push(...words.filter(text => text.trim() !== ''));
  });
  if (turns.length === 0) turns.push(turn);
  return { start, toldIn, turns, shortened: /earliest part was left out to fit/.test(system) };
}

/** What the bot or the runtime put into a message in place of something that is not text. */
const placeholder =
  /^(?:Attached document \(|\[The person shared the file |\((?:an empty message|content withheld|content of a kind|the attached file |an attachment of type ))/;
/** The runtime asks for the rest of a reply that a crash cut short; the turn stays the same. */
const afterRestart = 'The runtime restarted after your last message';

/** Characters of one text that are looked at; far more than anybody types about themselves. */
const mostRead = 20_000;

/**
 * What the person says themselves to the bot: without what others said (a `<context>` block, a line quoted with ">"), without
 * what they said to others (`<earlier_words>`), without code, and without anything dressed up as a block of the bot's.
 */
function ownWords(text: string): string {
  if (placeholder.test(text)) return '';
  return text
    .slice(0, mostRead)
    .replace(
      /<(session_start|context|earlier_words|memory|system|file)\b[^>]*>[\s\S]*?(?:<\/\1\s*>|$)/gi,
      ' ',
    )
    .replace(/```[\s\S]*?(?:```|$)/g, ' ')
    .split('\n')
    .filter(line => !/^\s*(?:>|&gt;|File \/)/i.test(line))
    .join('\n');
}

function resultText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map(block => asRecord(block).text)
    .filter(text => typeof text === 'string')
    .join('\n');
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
