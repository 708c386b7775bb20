import { randomUUID } from 'node:crypto';
import type { BotPort, ChatAdapter, Question, Reply, ReplySink } from '../../src/core/adapter.ts';
import type { Conversation, Json, Message, NoticeMode, Person } from '../../src/core/message.ts';
import { lineOfChange, type Notice } from '../../src/core/views.ts';

export interface RecordedReply {
  messageId: string;
  /** What an earlier process had saved, as handed back to us. */
  resumed: Json;
  snapshots: Reply[];
  final: Reply | null;
  closed: boolean;
}

export interface RecordedNotice {
  messageId: string;
  notice: Notice;
  mode: NoticeMode;
  /** As a person reads it. */
  lines: string[];
}

export interface RecordingAdapter extends ChatAdapter {
  bot(): BotPort;
  replies: RecordedReply[];
  notices: RecordedNotice[];
  questions: Question[];
  /** How questions are answered; null: nobody answers. */
  answer: ((question: Question) => boolean) | null;
  /** Sends a message and resolves with its closed reply. */
  say(text: string, options?: Partial<Place> & { id?: string }): Promise<RecordedReply>;
  message(text: string, options?: Partial<Place> & { id?: string }): Message;
  conversation(place?: Partial<Place>): Conversation;
  /** Resolves once `test` holds for what was recorded; checked after every change. */
  until(test: () => boolean): Promise<void>;
}

export interface Place {
  user: string;
  channel: string;
  thread: string | null;
  audience: 'private' | 'shared';
}

/** A platform that remembers what it was told to show. */
export function createRecordingAdapter(platform = 'test'): RecordingAdapter {
  let port: BotPort | undefined;
  const born = randomUUID();
  let count = 0;
  const replies: RecordedReply[] = [];
  const notices: RecordedNotice[] = [];
  const questions: Question[] = [];
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const watcher of watchers) watcher();
  };

  const adapter: RecordingAdapter = {
    platform,
    replies,
    notices,
    questions,
    answer: null,
    bot() {
      if (port === undefined) throw new Error('not started');
      return port;
    },
    async start(bot) {
      port = bot;
    },
    async stop() {},
    openReply(message, resumed, save): ReplySink {
      const recorded: RecordedReply = {
        messageId: message.id,
        resumed,
        snapshots: [],
        final: null,
        closed: false,
      };
      replies.push(recorded);
      void save({ posted: message.id });
      return {
        show(reply) {
          recorded.snapshots.push(reply);
          changed();
        },
        async finish(reply) {
          if (recorded.final !== null) throw new Error('a reply was finished twice');
          recorded.final = reply;
          changed();
        },
        ask(question, signal) {
          questions.push(question);
          changed();
          const { answer } = adapter;
          if (answer !== null) return Promise.resolve(answer(question));
          return new Promise(resolve =>
            signal.addEventListener('abort', () => resolve(false), { once: true }),
          );
        },
        close() {
          recorded.closed = true;
          changed();
        },
      };
    },
    async notify(message, notice, mode) {
      const lines = notice.changes.flatMap(change => change.lines.map(lineOfChange));
      notices.push({ messageId: message.id, notice, mode, lines });
      changed();
    },
    async download() {
      return new Uint8Array();
    },
    conversation({ user = 'ann', channel = 'D1', thread = null, audience = 'private' } = {}) {
      const person: Person = { platform, workspace: 'W1', id: user, name: user };
      return { person, channel, thread, audience };
    },
    message(text, options = {}) {
      count += 1;
      const id = options.id ?? `${born}-${count}`;
      return {
        id,
        conversation: adapter.conversation(options),
        text,
        attachments: [],
        context: [],
        replyTo: null,
      };
    },
    async say(text, options = {}) {
      const message = adapter.message(text, options);
      await adapter.bot().receive(message);
      const mine = () => replies.find(reply => reply.messageId === message.id && reply.closed);
      await adapter.until(() => mine() !== undefined);
      const reply = mine();
      if (reply === undefined) throw new Error('no reply');
      return reply;
    },
    until(test) {
      if (test()) return Promise.resolve();
      return new Promise(resolve => {
        const watcher = () => {
          if (!test()) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
      });
    },
  };
  return adapter;
}
