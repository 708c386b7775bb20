import type { BetaManagedAgentsSearchResultBlock } from '@anthropic-ai/sdk/resources/beta/sessions/events';
import type {
  Base64ImageSource,
  ContentBlockParam,
  DocumentBlockParam,
  ImageBlockParam,
  MessageParam,
  TextBlockParam,
  ToolResultBlockParam,
} from '@anthropic-ai/sdk/resources/messages';
import { type ContextBudget, fitTurns } from './context-budget.ts';
import type { LoopInput, SessionEvent } from './ports.ts';
import { isToolResult, resultFor, type ToolResultEvent, type ToolUse } from './turn-log.ts';

type UserMessage = Extract<SessionEvent, { type: 'user.message' }>;
type EventBlock = UserMessage['content'][number] | BetaManagedAgentsSearchResultBlock;
type PlainBlock = TextBlockParam | ImageBlockParam | DocumentBlockParam;
type ReadFile = LoopInput['readFile'];

/** Messages from one thing the person said to the next; the first is the person's. */
export interface ConversationTurn {
  messages: ConversationMessage[];
  /** The model refused it. Sent again, it would be refused again, so it leaves the conversation. */
  refused: boolean;
}

export interface ConversationMessage {
  role: 'user' | 'assistant';
  content: ContentBlockParam[];
}

export interface Conversation {
  messages: MessageParam[];
  /** Texts of the session's system.message events. */
  systemAdditions: string[];
  /** Earlier turns are missing from `messages`. */
  shortened: boolean;
  /** Bytes of text in `messages`, as the budget counts them. */
  textBytes: number;
}

const INTERRUPTED = 'This call was interrupted. It may have run fully, partly or not at all.';
const UNSENT = '(an attachment that was left out, because the model failed with it)';
const CUT_REPLY =
  'The runtime restarted after your last message, before you could use tools. If something is left to do, do it ' +
  'now; do not repeat what you said.';

/**
 * The session's log as a conversation of the Messages API: roles alternate, and every tool use is answered in the
 * message after it, by an error if the log has no result. Tool uses go by their event ids. Thinking is not in the
 * log and is not replayed. `replyWasCut`: the last message is half a reply, see `modelState`.
 */
export async function buildConversation(
  log: readonly SessionEvent[],
  options: { readFile: ReadFile; budget: ContextBudget; replyWasCut: boolean },
): Promise<Conversation> {
  const turns = await readTurns(log, options.readFile);
  const fitted = fitTurns(turns, options.budget);
  const messages = mergeRoles(fitted.turns.flatMap(turn => turn.messages));
  if (options.replyWasCut && messages.at(-1)?.role === 'assistant') {
    messages.push({ role: 'user', content: [{ type: 'text', text: CUT_REPLY }] });
  }
  return {
    messages,
    systemAdditions: log.flatMap(event =>
      event.type === 'system.message' ? event.content.map(block => block.text) : [],
    ),
    shortened: fitted.shortened,
    textBytes: fitted.textBytes,
  };
}

async function readTurns(log: readonly SessionEvent[], readFile: ReadFile): Promise<ConversationTurn[]> {
  const results = new Map(log.filter(isToolResult).map(event => [resultFor(event), event]));
  const turns: ConversationTurn[] = [];
  let reply: { content: ContentBlockParam[]; uses: string[] } | undefined;

  async function closeReply(): Promise<void> {
    const turn = turns.at(-1);
    if (reply === undefined || turn === undefined) return;
    const { content, uses } = reply;
    reply = undefined;
    turn.messages.push({ role: 'assistant', content });
    if (uses.length === 0) return;
    const answers = await Promise.all(uses.map(id => toolResult(id, results.get(id), readFile)));
    turn.messages.push({ role: 'user', content: answers });
  }

  for (const event of log) {
    switch (event.type) {
      case 'user.message': {
        await closeReply();
        const said = await userBlocks(event.content, readFile);
        const turn = turns.at(-1);
        const [first, ...rest] = turn?.messages ?? [];
        if (turn !== undefined && first !== undefined && rest.length === 0 && !turn.refused)
          first.content.push(...said);
        else turns.push({ messages: [{ role: 'user', content: said }], refused: false });
        break;
      }
      case 'agent.message':
        for (const block of event.content) {
          if (block.type !== 'text' || block.text.trim() === '' || turns.length === 0) continue;
          reply ??= { content: [], uses: [] };
          reply.content.push(textBlock(block.text));
        }
        break;
      case 'agent.tool_use':
      case 'agent.custom_tool_use':
        if (turns.length === 0) break;
        reply ??= { content: [], uses: [] };
        reply.content.push(toolUseBlock(event));
        reply.uses.push(event.id);
        break;
      case 'span.model_request_start':
      case 'agent.tool_result':
      case 'user.tool_result':
      case 'user.custom_tool_result':
        // A reply without tools stays open: what follows a pause continues it.
        if (reply !== undefined && reply.uses.length > 0) await closeReply();
        break;
      case 'session.status_idle': {
        await closeReply();
        const turn = turns.at(-1);
        if (turn !== undefined && event.stop_reason.type === 'refusal') turn.refused = true;
        // Perhaps for what is in it: a picture that the model cannot see would be refused with every later message.
        if (turn !== undefined && event.stop_reason.type === 'retries_exhausted')
          turn.messages = withoutMedia(turn);
        break;
      }
      default:
        break;
    }
  }
  await closeReply();
  return turns;
}

function withoutMedia({ messages }: ConversationTurn): ConversationMessage[] {
  const isMedia = ({ type }: { type: string }) => type === 'image' || type === 'document';
  const gone: TextBlockParam = { type: 'text', text: UNSENT };
  return messages.map(({ role, content }) => ({
    role,
    content: content.map(block => {
      if (block.type !== 'tool_result' || !Array.isArray(block.content)) return isMedia(block) ? gone : block;
      return { ...block, content: block.content.map(part => (isMedia(part) ? gone : part)) };
    }),
  }));
}

function toolUseBlock({ id, name, input }: ToolUse): ContentBlockParam {
  const wellFormed = JSON.parse(JSON.stringify(input), (_key, value) =>
    typeof value === 'string' ? value.toWellFormed() : value,
  );
  return { type: 'tool_use', id, name, input: wellFormed };
}

/** Half a character, as a client or a tool may leave it where it cuts, would be refused with every later message. */
function textBlock(text: string): TextBlockParam {
  return { type: 'text', text: text.toWellFormed() };
}

async function toolResult(
  id: string,
  event: ToolResultEvent | undefined,
  readFile: ReadFile,
): Promise<ToolResultBlockParam> {
  if (event === undefined)
    return { type: 'tool_result', tool_use_id: id, content: INTERRUPTED, is_error: true };
  const content = await plainBlocks(event.content ?? [], readFile);
  return {
    type: 'tool_result',
    tool_use_id: id,
    content: content.length === 0 ? '(no content)' : content,
    ...(event.is_error === true ? { is_error: true } : {}),
  };
}

async function userBlocks(content: readonly EventBlock[], readFile: ReadFile): Promise<PlainBlock[]> {
  const blocks = await plainBlocks(content, readFile);
  return blocks.length === 0 ? [{ type: 'text', text: '(an empty message)' }] : blocks;
}

/** Blocks that every Messages server takes: text, images, and PDF documents. */
async function plainBlocks(content: readonly EventBlock[], readFile: ReadFile): Promise<PlainBlock[]> {
  const blocks = await Promise.all(content.map(block => plainBlock(block, readFile)));
  return blocks.filter(block => block.type !== 'text' || block.text.trim() !== '');
}

async function plainBlock(block: EventBlock, readFile: ReadFile): Promise<PlainBlock> {
  switch (block.type) {
    case 'text':
      return textBlock(block.text);
    case 'redacted':
      return { type: 'text', text: '(content withheld)' };
    case 'search_result': {
      const text = block.content.map(part => part.text).join('\n');
      return textBlock(`${block.title} (${block.source})\n${text}`);
    }
    case 'image':
    case 'document':
      return mediaBlock(block, readFile);
    default:
      return { type: 'text', text: '(content of a kind this runtime does not know)' };
  }
}

type MediaBlock = Extract<EventBlock, { type: 'image' | 'document' }>;

async function mediaBlock(block: MediaBlock, readFile: ReadFile): Promise<PlainBlock> {
  const { source } = block;
  const about = block.type === 'document' ? { title: block.title, context: block.context } : {};
  switch (source.type) {
    case 'url':
      return block.type === 'image'
        ? { type: 'image', source: { type: 'url', url: source.url } }
        : { type: 'document', source: { type: 'url', url: source.url }, ...given(about) };
    case 'text':
      return textDocument(source.data, about);
    case 'base64':
      return dataBlock(source.media_type, source.data, about);
    case 'file':
      try {
        const { mediaType, data } = await readFile(source.file_id);
        return dataBlock(mediaType, Buffer.from(data).toString('base64'), about);
      } catch {
        return { type: 'text', text: `(the attached file ${source.file_id} cannot be read any more)` };
      }
  }
}

interface About {
  title?: string | null | undefined;
  context?: string | null | undefined;
}

/** By what the data is, not by the block it came in: a text file may come as a document, a picture as a file. */
function dataBlock(mediaType: string, base64: string, about: About): PlainBlock {
  const type = mediaType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (isImageType(type)) {
    return { type: 'image', source: { type: 'base64', media_type: type, data: base64 } };
  }
  if (type === 'application/pdf') {
    return { type: 'document', source: { type: 'base64', media_type: type, data: base64 }, ...given(about) };
  }
  if (type.startsWith('text/') || type === 'application/json') {
    return textDocument(Buffer.from(base64, 'base64').toString('utf8'), about);
  }
  return { type: 'text', text: `(an attachment of type ${type}, which cannot be shown)` };
}

function textDocument(data: string, { title, context }: About): TextBlockParam {
  const head = [title ?? 'untitled', context].filter(Boolean).join(', ');
  return textBlock(`Attached document (${head}):\n<document>\n${data}\n</document>`);
}

function given({ title, context }: About): { title?: string; context?: string } {
  return { ...(title ? { title } : {}), ...(context ? { context } : {}) };
}

function isImageType(type: string): type is Base64ImageSource['media_type'] {
  return type === 'image/png' || type === 'image/jpeg' || type === 'image/gif' || type === 'image/webp';
}

function mergeRoles(messages: readonly ConversationMessage[]): ConversationMessage[] {
  const merged: ConversationMessage[] = [];
  for (const { role, content } of messages) {
    const last = merged.at(-1);
    if (last?.role === role) last.content.push(...content);
    else merged.push({ role, content: [...content] });
  }
  return merged;
}
