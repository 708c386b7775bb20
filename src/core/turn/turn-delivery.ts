import type Anthropic from '@anthropic-ai/sdk';
import type {
  BetaManagedAgentsEventParams,
  BetaManagedAgentsSessionEvent,
} from '@anthropic-ai/sdk/resources/beta/sessions/events';
import { failureOf, isRefusal } from '../errors.ts';
import { backoff, pause } from '../patience.ts';

export interface DeliveryInput {
  client: Anthropic;
  sessionId: string;
  /** What to say to the agent; asked for only when the session does not have it yet. */
  content: (signal: AbortSignal) => Promise<BetaManagedAgentsEventParams>;
  /** The event id under which the session has our message; null while that is unknown. */
  sentId: string | null;
  /** True when an earlier attempt may have sent it. */
  attempted: boolean;
  /** The last user.message of ours before this one, as the session knows it. */
  previousSentId: string | null;
  onSent(eventId: string): void;
  /** From now on the session may have our message although nobody knows its id; false: it surely does not. */
  onDoubt(isInDoubt: boolean): void;
}

/** A turn's message on its way to the session, which gets it once. */
export interface Delivery {
  /** As in the input, as far as is known by now. */
  readonly sentId: string | null;
  readonly attempted: boolean;
  /** Sends it, unless the session has it. Can be repeated after a failure. */
  deliver(): Promise<void>;
  /** When the agent took it up, according to the log; null while it is still queued. */
  processedAt(): Promise<string | null>;
}

/** Nothing says when the service answers 409 to a message. The SDK takes it for something that passes; up to two seconds. */
const CONFLICTS = 3;

/** `signal` ends the turn. `beforeSending`: the last moment at which it can. */
export function createDelivery(
  input: DeliveryInput,
  signal: AbortSignal,
  beforeSending: () => void,
): Delivery {
  const { client, sessionId, previousSentId } = input;
  let { sentId, attempted } = input;
  let message: BetaManagedAgentsEventParams | undefined;
  // What it takes, a list or a file, is fetched while the stream is being opened.
  let preparing = attempted ? undefined : input.content(signal);
  preparing?.catch(() => {});

  async function deliver(): Promise<void> {
    if (sentId === null && attempted) sentId = await findSent();
    if (sentId === null) {
      const content = message ?? preparing ?? input.content(signal);
      preparing = undefined;
      message = await content;
      sentId = await sendPastConflicts(message);
    }
    if (sentId === null) throw new Error('the session did not take our message');
    input.onSent(sentId);
  }

  /** Of a conflict the service says that it did nothing, so it cannot come to be said twice. */
  async function sendPastConflicts(event: BetaManagedAgentsEventParams): Promise<string | null> {
    for (let attempt = 0; ; attempt += 1) {
      beforeSending();
      signal.throwIfAborted();
      try {
        return await send(event);
      } catch (error) {
        const failure = failureOf(error);
        const isConflict = failure.type === 'refused' && failure.reason === 'conflict';
        if (!isConflict || attempt === CONFLICTS) throw error;
        await pause(backoff(attempt), signal);
      }
    }
  }

  async function send(event: BetaManagedAgentsEventParams): Promise<string | null> {
    attempted = true;
    input.onDoubt(true);
    // An SDK retry could send it twice; after a failure the log is asked first instead.
    const sent = await client.beta.sessions.events
      .send(sessionId, { events: [event] }, { maxRetries: 0, signal })
      .catch((error: unknown) => {
        if (isRefusal(error)) {
          attempted = false;
          input.onDoubt(false);
        }
        throw error;
      });
    return sent.data?.[0]?.id ?? (await findSent());
  }

  /**
   * Our message in the session's log, when we cannot know whether sending succeeded. The bot is the only one who
   * speaks to its sessions and speaks once a turn, so the first message after our previous one is this one.
   */
  async function findSent(): Promise<string | null> {
    let passed = previousSentId === null;
    for await (const event of userMessages()) {
      if (passed) return event.id;
      passed = event.id === previousSentId;
    }
    return null;
  }

  function userMessages(): AsyncIterable<BetaManagedAgentsSessionEvent> {
    return client.beta.sessions.events.list(sessionId, { types: ['user.message'], limit: 1_000 });
  }

  return {
    get sentId() {
      return sentId;
    },
    get attempted() {
      return attempted;
    },
    deliver,
    async processedAt() {
      for await (const event of userMessages()) {
        if (event.id === sentId && 'processed_at' in event) return event.processed_at ?? null;
      }
      return null;
    },
  };
}
