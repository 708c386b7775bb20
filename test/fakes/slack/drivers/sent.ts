// What a driver hands back: the thing it did, and the deliveries that told the app about it.

import type { Delivery } from '../deliveries.ts';
import type { Message } from '../world.ts';

export interface Posted {
  readonly ts: string;
  readonly channel: string;
  readonly threadTs: string | undefined;
  readonly message: Message;
  /** The events sent for it: none where the app is not there or not subscribed. */
  readonly deliveries: readonly Delivery[];
  /** Settles when each is acknowledged, or given up. */
  readonly settled: Promise<readonly Delivery[]>;
}

const settledOf = (deliveries: readonly Delivery[]): Promise<readonly Delivery[]> =>
  Promise.all(deliveries.map(({ settled }) => settled));

export function posted(message: Message, deliveries: readonly Delivery[]): Posted {
  return {
    ts: message.ts,
    channel: message.channel.id,
    threadTs: message.threadTs,
    message,
    deliveries,
    settled: settledOf(deliveries),
  };
}

/** How the app answered an interaction, as the person sees it. */
export type Outcome =
  | { readonly type: 'done'; readonly body: unknown }
  /** A form sent back with a problem by block_id. */
  | { readonly type: 'errors'; readonly errors: Readonly<Record<string, string>> }
  /** No acknowledgement in time, or one Slack could not use: the person gets Slack's own apology. */
  | { readonly type: 'failed'; readonly reason: string };

export interface Interaction {
  readonly payload: Readonly<Record<string, unknown>>;
  readonly delivery: Delivery;
  readonly outcome: Promise<Outcome>;
}
