import type { Model, ModelBlock, ModelEvent, ModelRequest } from '../../src/runtime/ports.ts';

export type ScriptedReply = {
  /** Text, in the pieces in which it is streamed. */
  text?: string[];
  uses?: { name: string; input: Record<string, unknown> }[];
  stopReason?: string;
  error?: Error;
  /** Resolved before the reply goes on after its first piece of text. */
  hold?: Promise<void>;
};

/** A model that says what a test tells it to, and remembers what it was asked. */
export function createScriptedModel(
  script: (request: ModelRequest, index: number) => ScriptedReply,
): Model & {
  requests: ModelRequest[];
} {
  const requests: ModelRequest[] = [];
  return {
    label: 'scripted',
    requests,
    async *complete(request, signal): AsyncGenerator<ModelEvent> {
      const index = requests.push(structuredClone(request)) - 1;
      const { text = [], uses = [], stopReason, error, hold } = script(request, index);
      const content: ModelBlock[] = [];
      if (text.length > 0) {
        yield { type: 'text_started' };
        for (const [piece, value] of text.entries()) {
          signal.throwIfAborted();
          yield { type: 'text_delta', text: value };
          if (piece === 0 && hold !== undefined) await Promise.race([hold, aborted(signal)]);
        }
        content.push({ type: 'text', text: text.join('') });
      }
      if (error !== undefined) throw error;
      for (const [n, use] of uses.entries())
        content.push({ type: 'tool_use', id: `toolu_${index}_${n}`, ...use });
      yield {
        type: 'finished',
        stopReason: stopReason ?? (uses.length > 0 ? 'tool_use' : 'end_turn'),
        content,
        usage: {
          input_tokens: 10,
          output_tokens: 5,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 0,
        },
      };
    },
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** The person's latest message in a request. Messages without a reply in between arrive merged into one. */
export function lastWords(request: ModelRequest): string {
  const last = request.messages.findLast(message => message.role === 'user');
  if (last === undefined) return '';
  const blocks =
    typeof last.content === 'string' ? [{ type: 'text' as const, text: last.content }] : last.content;
  return blocks.map(block => (block.type === 'text' ? block.text : '')).findLast(text => text !== '') ?? '';
}

/** The tool results at the end of a request, as text. */
export function lastResults(request: ModelRequest): { text: string; isError: boolean }[] {
  const last = request.messages.at(-1);
  if (last === undefined || typeof last.content === 'string') return [];
  return last.content.flatMap(block =>
    block.type === 'tool_result'
      ? [{ text: JSON.stringify(block.content), isError: block.is_error === true }]
      : [],
  );
}
