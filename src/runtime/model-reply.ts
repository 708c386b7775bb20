import { type LoopInput, type Model, ModelError, type ModelEvent, type ModelRequest } from './ports.ts';

export interface ModelReply extends Omit<Extract<ModelEvent, { type: 'finished' }>, 'type'> {
  /** Event ids announced by previews: one for the thinking, and one per text block that showed any text. */
  thinkingId: string | undefined;
  textIds: (string | undefined)[];
}

/**
 * One request, streamed into previews. A text is announced with its first visible character, since blank texts
 * never become events. Throws `ModelError`s, and the signal's reason at once when it aborts, whatever the model
 * is doing.
 */
export async function streamReply(
  model: Model,
  request: ModelRequest,
  input: Pick<LoopInput, 'signal' | 'previewStart' | 'previewDelta'>,
): Promise<ModelReply> {
  let thinkingId: string | undefined;
  const textIds: (string | undefined)[] = [];
  let held = '';

  for await (const event of untilAborted(model.complete(request, input.signal), input.signal)) {
    switch (event.type) {
      case 'thinking_started':
        thinkingId ??= input.previewStart('agent.thinking');
        break;
      case 'text_started':
        textIds.push(undefined);
        held = '';
        break;
      case 'text_delta': {
        if (textIds.length === 0) textIds.push(undefined);
        held += event.text;
        if (held.trim() === '') break;
        const id = textIds.at(-1) ?? input.previewStart('agent.message');
        textIds[textIds.length - 1] = id;
        input.previewDelta(id, held);
        held = '';
        break;
      }
      case 'finished': {
        const { type: _, ...finished } = event;
        return { ...finished, thinkingId, textIds };
      }
    }
  }
  throw new ModelError('request_failed', 'The model stopped in the middle of its answer.', {
    retryable: true,
  });
}

/** Waits for `work`, but no longer than until `signal` aborts; what comes later is dropped. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = withRejecter();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    work.catch(() => {});
  }
}

async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const next = await orAborted(iterator.next(), signal);
      ended = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // Not awaited: a source that hangs must not hold up the abort.
    if (!ended) iterator.return?.().catch(() => {});
  }
}

function withRejecter(): { promise: Promise<never>; reject: (reason: unknown) => void } {
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<never>((_, rejectPromise) => {
    reject = rejectPromise;
  });
  return { promise, reject };
}
