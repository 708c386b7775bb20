import type { ContentBlockParam } from '@anthropic-ai/sdk/resources/messages';
import type { ConversationMessage, ConversationTurn } from './conversation.ts';

export interface ContextBudget {
  /** UTF-8 bytes of text, with pictures and documents counted as the text they cost about as much as. */
  textBytes: number;
  /** Bytes of the request as sent, base64 included; the Messages API takes 32 MB. */
  requestBytes: number;
}

export interface FittedTurns {
  turns: ConversationTurn[];
  shortened: boolean;
  textBytes: number;
}

const MAX_PREFACE_BYTES = 64 * 1024;
const IMAGE_AS_TEXT_BYTES = 6_000;
/** A PDF costs its text and a picture of each page; a tenth of its data is the order of magnitude. */
const PDF_DATA_PER_TEXT_BYTE = 10;
const LEFT_OUT = '(left out to fit; use the tool again if you need this)';

/**
 * Keeps the conversation within the budget. The oldest turns go first, and go whole, so that no tool result loses
 * its tool use; the latest turn always stays. What the bot put before a message (what the person's memory holds, as
 * the first of several blocks) moves to the next turn that is left, because the agent was told that it need not
 * read the memory again. If the latest turn alone is too long, its oldest tool results are emptied.
 */
export function fitTurns(turns: readonly ConversationTurn[], budget: ContextBudget): FittedTurns {
  let kept = turns.filter((turn, index) => !turn.refused || index === turns.length - 1);
  const weights = kept.map(turn => weigh(turn.messages));
  const total = weights.reduce(add, NOTHING);
  let first = 0;
  let rest = total;
  while (first < kept.length - 1 && exceeds(rest, budget)) {
    rest = subtract(rest, weights[first] ?? NOTHING);
    first += 1;
  }
  const stays = new Set(kept.slice(first));
  const opening = openingOf(turns[0]);
  let preface: ContentBlockParam | undefined;
  kept = turns.flatMap(turn => {
    if (!stays.has(turn)) {
      preface = prefaceOf(turn, opening) ?? preface;
      return [];
    }
    if (preface === undefined) return [turn];
    const withIt = withPreface(turn, preface);
    rest = add(rest, weighBlock(preface));
    preface = undefined;
    return [withIt];
  });
  const last = kept.at(-1);
  if (last !== undefined && exceeds(rest, budget)) {
    kept = [...kept.slice(0, -1), emptyOldResults(last, budget)];
    rest = kept.map(turn => weigh(turn.messages)).reduce(add, NOTHING);
  }
  return { turns: kept, shortened: first > 0, textBytes: rest.textBytes };
}

/** How the bot's block opens, by the very first: later the first of several blocks may be the person's. */
function openingOf(turn: ConversationTurn | undefined): string {
  const [block] = turn?.messages[0]?.content ?? [];
  return block?.type === 'text' ? (/^<\w+>/.exec(block.text)?.[0] ?? block.text) : '';
}

function prefaceOf(turn: ConversationTurn, opening: string): ContentBlockParam | undefined {
  const content = turn.messages[0]?.content ?? [];
  const [block] = content;
  // A lone block is what the person said.
  if (block?.type !== 'text' || content.length < 2 || Buffer.byteLength(block.text) > MAX_PREFACE_BYTES)
    return;
  return opening !== '' && block.text.startsWith(opening) ? block : undefined;
}

function withPreface(turn: ConversationTurn, preface: ContentBlockParam): ConversationTurn {
  const [first, ...rest] = turn.messages;
  if (first === undefined) return turn;
  return { ...turn, messages: [{ ...first, content: [preface, ...first.content] }, ...rest] };
}

function emptyOldResults(turn: ConversationTurn, budget: ContextBudget): ConversationTurn {
  let weight = weigh(turn.messages);
  const newest = turn.messages.at(-1);
  const messages = turn.messages.map((message): ConversationMessage => {
    if (message === newest) return message;
    const content = message.content.map((block): ContentBlockParam => {
      if (block.type !== 'tool_result' || !exceeds(weight, budget)) return block;
      const emptied = { ...block, content: LEFT_OUT };
      weight = add(subtract(weight, weighBlock(block)), weighBlock(emptied));
      return emptied;
    });
    return { ...message, content };
  });
  return { ...turn, messages };
}

const NOTHING: ContextBudget = { textBytes: 0, requestBytes: 0 };

function weigh(messages: readonly ConversationMessage[]): ContextBudget {
  return messages.flatMap(message => message.content.map(weighBlock)).reduce(add, NOTHING);
}

function weighBlock(block: ContentBlockParam): ContextBudget {
  switch (block.type) {
    case 'text':
      return plain(block.text);
    case 'tool_use':
      return plain(JSON.stringify(block.input));
    case 'tool_result':
      if (typeof block.content === 'string') return plain(block.content);
      return (block.content ?? [])
        .filter(part => part.type === 'text' || part.type === 'image' || part.type === 'document')
        .map(weighBlock)
        .reduce(add, NOTHING);
    case 'image': {
      const size = block.source.type === 'base64' ? block.source.data.length : 0;
      return { textBytes: IMAGE_AS_TEXT_BYTES, requestBytes: size };
    }
    case 'document': {
      const size = block.source.type === 'base64' ? block.source.data.length : 0;
      return { textBytes: Math.ceil(size / PDF_DATA_PER_TEXT_BYTE), requestBytes: size };
    }
    default:
      return NOTHING;
  }
}

function plain(text: string): ContextBudget {
  const bytes = Buffer.byteLength(text);
  return { textBytes: bytes, requestBytes: bytes };
}

function exceeds(weight: ContextBudget, budget: ContextBudget): boolean {
  return weight.textBytes > budget.textBytes || weight.requestBytes > budget.requestBytes;
}

function add(a: ContextBudget, b: ContextBudget): ContextBudget {
  return { textBytes: a.textBytes + b.textBytes, requestBytes: a.requestBytes + b.requestBytes };
}

function subtract(a: ContextBudget, b: ContextBudget): ContextBudget {
  return { textBytes: a.textBytes - b.textBytes, requestBytes: a.requestBytes - b.requestBytes };
}
