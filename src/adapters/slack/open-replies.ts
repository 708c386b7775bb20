import { z } from 'zod';
import type { BotPort } from '../../core/adapter.ts';
import type { Conversation, Json } from '../../core/message.ts';
import type { Actor } from './actors.ts';
import { type Inbound, PLATFORM } from './inbound.ts';

interface OpenReply {
  tenant: string;
  channel: string;
  thread: string;
  conversation: Conversation;
  /** Timestamps of the Slack messages it is in. */
  messages(): readonly string[];
}

/** The replies that this process is writing, and Slack's own button that stops them, in whichever process. */
export interface OpenReplies {
  /** Returns what to call when it is over. */
  add(reply: OpenReply): () => void;
  isReplying(tenant: string, channel: string, thread: string): boolean;
  /** Whoever pressed the button, the replies that Slack stopped are the ones that stop. */
  stopped(it: Extract<Inbound, { type: 'stopped' }>, actor: Actor): Promise<void>;
  /** The same, pressed elsewhere: what `stopped` relayed. */
  relayed(stop: z.infer<typeof relayedStop>): void;
}

export const relayedStop = z.object({
  type: z.literal('stopped'),
  tenant: z.string(),
  streams: z.array(z.string()),
});

export function createOpenReplies(deps: {
  bot(): BotPort;
  background(work: Promise<unknown>): void;
}): OpenReplies {
  const open = new Set<OpenReply>();

  function relayed({ tenant, streams }: { tenant: string; streams: readonly string[] }): void {
    for (const reply of open) {
      if (reply.tenant !== tenant || !reply.messages().some(ts => streams.includes(ts))) continue;
      deps.background(deps.bot().interrupt(reply.conversation));
    }
  }

  return {
    add(reply) {
      open.add(reply);
      return () => void open.delete(reply);
    },
    isReplying: (tenant, channel, thread) =>
      [...open].some(it => it.tenant === tenant && it.channel === channel && it.thread === thread),
    async stopped({ channel, thread, streams }, { tenant, person }) {
      const audience = channel.startsWith('D') ? 'private' : 'shared';
      relayed({ tenant, streams });
      await deps.bot().interrupt({ person, channel, thread, audience });
      const payload: Json = { type: 'stopped', tenant, streams };
      if (streams.length > 0) deps.background(deps.bot().relay(PLATFORM, payload));
    },
    relayed,
  };
}
