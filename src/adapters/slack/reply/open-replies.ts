import { z } from 'zod';
import type { BotPort, ChatAdapter } from '../../../core/adapter.ts';
import type { Conversation, Json } from '../../../core/message.ts';
import type { SetTimer } from '../../../core/timer.ts';
import type { Log } from '../../../log.ts';
import type { Asks } from '../asks.ts';
import type { Actor } from '../connection/actors.ts';
import type { Installations } from '../connection/installations.ts';
import type { SlackApi } from '../connection/web-client.ts';
import { type Inbound, PLATFORM, replyToSchema } from '../inbound.ts';
import { createReply } from './reply.ts';
import { expectedReply } from './reply-progress.ts';
import { createStatusLine } from './status.ts';

/** The replies that this process is writing, and Slack's own button that stops them, in whichever process. */
export interface OpenReplies {
  openReply: ChatAdapter['openReply'];
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

interface OpenReply {
  tenant: string;
  conversation: Conversation;
  /** Timestamps of the Slack messages it is in. */
  messages(): readonly string[];
}

export function createOpenReplies(deps: {
  bot(): BotPort;
  apiOf(tenant: string): SlackApi;
  installations: Installations;
  asks: Asks;
  /** The status that was shown when the message came in, if it was a moment ago. */
  greeting(messageId: string): string | null;
  /** Hosts whose links may be links. */
  linkHosts: readonly string[];
  closing(): boolean;
  background(work: Promise<unknown>): void;
  now: () => number;
  setTimer: SetTimer;
  log: Log;
}): OpenReplies {
  const { asks, background, closing, now, setTimer, log } = deps;
  const open = new Set<OpenReply>();
  const knowsHost = (host: string) =>
    deps.linkHosts.some(known => host === known || host.endsWith(`.${known}`));

  function relayed({ tenant, streams }: { tenant: string; streams: readonly string[] }): void {
    for (const reply of open) {
      if (reply.tenant !== tenant || !reply.messages().some(ts => streams.includes(ts))) continue;
      background(deps.bot().interrupt(reply.conversation));
    }
  }

  return {
    openReply(message, resume, save, seen) {
      const place = replyToSchema.parse(message.replyTo);
      const { tenant } = place;
      const { conversation } = message;
      const api = deps.apiOf(tenant);
      const current = deps.greeting(message.id);
      const status = createStatusLine({ api, place, asked: message.text, current, setTimer, log });
      const ahead = resume === null ? expectedReply(place, now()) : null;
      const sink = createReply({
        api,
        place,
        botUser: async () => (await deps.installations.get(tenant))?.botUser ?? '',
        messageId: message.id,
        status,
        knowsHost,
        ask: (question, signal) => asks.ask(api, { place, messageId: message.id }, question, signal),
        onStopped: () => background(deps.bot().interrupt(conversation)),
        closing,
        resume,
        save,
        ahead,
        ...(seen === undefined ? {} : { seen }),
        now,
        setTimer,
        log,
      });
      const reply: OpenReply = { tenant, conversation, messages: () => sink.messages };
      open.add(reply);
      background(status.show('Thinking'));
      return {
        handle: ahead,
        show: sink.show,
        finish: sink.finish,
        ask: sink.ask,
        close() {
          sink.close();
          open.delete(reply);
        },
      };
    },

    async stopped({ channel, thread, streams }, { tenant, person }) {
      const audience = channel.startsWith('D') ? 'private' : 'shared';
      relayed({ tenant, streams });
      await deps.bot().interrupt({ person, channel, thread, audience });
      const payload: Json = { type: 'stopped', tenant, streams };
      if (streams.length > 0) background(deps.bot().relay(PLATFORM, payload));
    },

    relayed,
  };
}
