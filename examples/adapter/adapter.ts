// An adapter for another chat, written against the contract in test/adapters/contract.ts. Try it in a process of its own:
// ADAPTERS=./examples/adapter/adapter.ts PARLOUR_URL=… PARLOUR_TOKEN=… npm start

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
// In a project of your own: from 'shopper'.
import {
  type BotPort,
  type ChatAdapter,
  type Conversation,
  type CreateAdapter,
  type Json,
  lineOfChange,
  type Message,
  type Notice,
  PersonError,
  type PreferencesView,
  panelOf,
  SetupError,
  z,
} from '../../src/extending.ts';
import { createParlour, event, type ParlourMessage, type ParlourPerson } from './parlour.ts';
import { createQuestions } from './questions.ts';
import { openReplySink } from './reply.ts';

const PLATFORM = 'parlour';
const MENTION = /^@shopper\b[\s,:]*/i;
const MAX_BODY = 1_000_000;

const pressed = z.object({ question: z.string(), by: z.string(), yes: z.boolean() });

const createAdapter: CreateAdapter = ({ env, log }) => {
  const { PARLOUR_URL, PARLOUR_TOKEN, PARLOUR_PORT = '0' } = env;
  if (PARLOUR_URL === undefined || PARLOUR_TOKEN === undefined) {
    throw new SetupError('PARLOUR_URL and PARLOUR_TOKEN are needed for Parlour.');
  }
  const parlour = createParlour(PARLOUR_URL, PARLOUR_TOKEN, log);
  const questions = createQuestions(parlour);
  let bot: BotPort;

  /** Resolves when the event is dealt with as far as it must be before Parlour may forget it. */
  async function handle(body: string): Promise<void> {
    const it = event.parse(JSON.parse(body));
    switch (it.type) {
      case 'message':
        return receive(it.message, it.message.id);
      case 'edited': {
        const before = it.message.revision - 1;
        const was = await bot.withdraw(conversationOf(it.message), idOf(it.message, before));
        // What was answered before stays answered.
        if (was === 'answered') return;
        return receive(it.message, idOf(it.message, it.message.revision));
      }
      case 'removed':
        await bot.withdraw(conversationOf(it.message), idOf(it.message, it.message.revision));
        return;
      case 'pressed':
        return press(it.room, it.button, it.by);
    }
  }

  async function receive(from: ParlourMessage, id: string): Promise<void> {
    if (from.author.bot || !(from.direct || MENTION.test(from.text))) return;
    const text = from.text.replace(MENTION, '');
    const conversation = conversationOf(from);
    if (text.trim() === '/preferences') {
      const { person } = conversation;
      return show(
        from.room,
        from.author,
        await bot.command({ person, conversation, action: { type: 'view' } }),
      );
    }
    const receipt = await bot.receive({
      id,
      conversation,
      text,
      attachments: [],
      context: [],
      replyTo: null,
    });
    if (typeof receipt === 'object') {
      await parlour.post(from.room, { text: receipt.refused, onlyFor: from.author.id });
    }
  }

  async function press(room: string, button: string, by: ParlourPerson): Promise<void> {
    const [, type = '', about = ''] = /^(\w+):(.*)$/.exec(button) ?? [];
    if (type === 'yes' || type === 'no') {
      // The question may be open in another process.
      const answer = { question: about, by: by.id, yes: type === 'yes' };
      if (relayed(answer) === null) await bot.relay(PLATFORM, answer);
      return;
    }
    if (type !== 'undo' && type !== 'keep') return;
    // Whose notice it is, the core knows: somebody else's press changes nothing.
    await show(room, by, await bot.command({ person: personOf(by), action: { type, noticeId: about } }));
  }

  async function show(room: string, to: ParlourPerson, view: PreferencesView): Promise<void> {
    await parlour.post(room, { text: textOf(view), onlyFor: to.id });
  }

  function relayed(payload: Json): Json {
    const answer = pressed.safeParse(payload);
    if (!answer.success) return null;
    return questions.answer(answer.data.question, answer.data.by, answer.data.yes) ? true : null;
  }

  const server = createServer((request, response) => {
    const end = (status: number) => void response.writeHead(status).end();
    if (request.headers.authorization !== `Bearer ${PARLOUR_TOKEN}`) return end(401);
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
      if (body.length > MAX_BODY) request.destroy();
    });
    request.on('end', () => {
      // Acknowledged once it is kept, not before; on any other answer Parlour delivers again.
      handle(body).then(
        () => end(204),
        (err: unknown) => {
          log.error({ event: 'parlour.delivery_failed', err }, 'a delivery could not be taken');
          end(500);
        },
      );
    });
  });

  const adapter: ChatAdapter = {
    platform: PLATFORM,
    async start(port, connect = 'both') {
      bot = port;
      if (connect === 'send') return;
      await new Promise<void>(resolve => server.listen(Number(PARLOUR_PORT), '127.0.0.1', resolve));
      const address = server.address() as AddressInfo;
      await parlour.setWebhook(`http://127.0.0.1:${address.port}/`);
    },
    async stop() {
      questions.close();
      if (!server.listening) return;
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
    openReply: (message, resume, save) => openReplySink({ parlour, questions, message, resume, save, log }),
    async notify({ conversation }, notice, mode) {
      const draft = { text: wordsOf(notice), buttons: buttonsOf(notice) };
      const { person, channel } = conversation;
      await parlour.post(channel, mode === 'private' ? { ...draft, onlyFor: person.id } : draft);
    },
    async download() {
      throw new PersonError('Files cannot be shared here.');
    },
    relayed,
  };
  return adapter;
};

export default createAdapter;

function conversationOf({ author, room, direct }: ParlourMessage): Conversation {
  return { person: personOf(author), channel: room, thread: null, audience: direct ? 'private' : 'shared' };
}

/** Ids are Parlour's own and the same everywhere, so one workspace holds everybody. */
function personOf({ id, name }: ParlourPerson): Message['conversation']['person'] {
  return { platform: PLATFORM, workspace: PLATFORM, id, name };
}

function idOf({ id }: ParlourMessage, revision: number): string {
  return revision === 0 ? id : `${id}:${revision}`;
}

function wordsOf({ changes, heldBecauseOf }: Notice): string {
  const lines = changes.flatMap(change => change.lines.map(lineOfChange));
  const heading =
    heldBecauseOf === undefined
      ? 'memory updated'
      : `Not kept yet: I read ${heldBecauseOf.join(' and ')} before I wanted to note this. Is it from you?`;
  return [heading, ...lines].join('\n');
}

function buttonsOf({ id, heldBecauseOf }: Notice): { id: string; label: string }[] {
  if (heldBecauseOf === undefined) return [{ id: `undo:${id}`, label: 'Undo' }];
  return [
    { id: `keep:${id}`, label: 'Save it' },
    { id: `undo:${id}`, label: 'Leave it out' },
  ];
}

/** Its buttons are left out: what they do can be offered as `buttonsOf` offers it. */
function textOf(view: PreferencesView): string {
  if (view.type === 'form' || view.type === 'editor') return 'There is no form here.';
  if (view.type === 'conflict' || view.type === 'export') return view.sentence;
  const { title, sentence, items } = panelOf(view);
  const shown = items.map(item =>
    [[item.title, item.mark].join(' ').trim(), ...item.lines.map(line => `- ${line}`)].join('\n'),
  );
  return [title, sentence, ...shown].filter(part => part !== undefined).join('\n\n');
}
