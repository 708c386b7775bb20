import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The made-up chat that examples/adapter is for: what its people do, and its API over HTTP. */

export interface ParlourMember {
  id: string;
  name: string;
  bot: boolean;
}

export interface Posted {
  id: string;
  room: string;
  direct: boolean;
  author: ParlourMember;
  text: string;
  revision: number;
  buttons: { id: string; label: string }[];
  onlyFor: string | null;
  key: string | null;
}

export interface ParlourServer {
  readonly url: string;
  readonly messages: Posted[];
  /** Rooms in which the bot has shown that it is at work. */
  readonly typing: Set<string>;
  /** Resolves when the bot has acknowledged it. */
  say(author: ParlourMember, room: string, direct: boolean, text: string): Promise<Posted>;
  edit(message: Posted, text: string): Promise<void>;
  remove(message: Posted): Promise<void>;
  press(by: ParlourMember, messageId: string, label: string): Promise<void>;
  deliver(event: object): Promise<void>;
  /** Answers the bot's next calls with this status instead of doing them. */
  failNext(status: number, times: number): void;
  stop(): Promise<void>;
}

const BOT: ParlourMember = { id: 'bot', name: 'Shopper', bot: true };
const MAX_TEXT = 8_000;

export async function startParlour(token: string): Promise<ParlourServer> {
  const messages: Posted[] = [];
  const typing = new Set<string>();
  let webhook = '';
  let count = 0;
  let failures: number[] = [];

  const server = createServer((request, response) => {
    void bodyOf(request).then(body => {
      const [status, answer] = route(request, body);
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0.01' });
      response.end(status === 204 ? undefined : JSON.stringify(answer));
    });
  });

  function route(request: IncomingMessage, body: Record<string, unknown>): [number, object?] {
    if (request.headers.authorization !== `Bearer ${token}`) return [401, {}];
    const failure = failures.shift();
    if (failure !== undefined) return [failure, {}];
    const [, collection = '', id = '', what] = (request.url ?? '').split('/');
    const call = [request.method, collection, what].filter(Boolean).join(' ');
    const message = messages.find(it => it.id === id);
    if (typeof body.text === 'string' && body.text.length > MAX_TEXT) return [400, {}];
    switch (call) {
      case 'PUT webhook':
        webhook = String(body.url);
        return [204];
      case 'POST rooms typing':
        typing.add(id);
        return [204];
      case 'POST rooms messages': {
        const key = typeof body.key === 'string' ? body.key : null;
        const before = messages.find(it => key !== null && it.key === key);
        if (before !== undefined) return [200, before];
        return [200, add({ ...changes(body), room: id, author: BOT, direct: false, key })];
      }
      case 'PUT messages':
        if (message === undefined) return [404, {}];
        Object.assign(message, changes(body));
        return [204];
      case 'DELETE messages':
        if (message !== undefined) messages.splice(messages.indexOf(message), 1);
        return [204];
      default:
        return [404, {}];
    }
  }

  function changes(body: Record<string, unknown>): Pick<Posted, 'text' | 'buttons' | 'onlyFor'> {
    return {
      text: String(body.text),
      buttons: Array.isArray(body.buttons) ? body.buttons : [],
      onlyFor: typeof body.onlyFor === 'string' ? body.onlyFor : null,
    };
  }

  function add(message: Omit<Posted, 'id' | 'revision'>): Posted {
    count += 1;
    const posted = { ...message, id: `m${count}`, revision: 0 };
    messages.push(posted);
    return posted;
  }

  async function deliver(event: object): Promise<void> {
    const response = await fetch(webhook, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify(event),
    });
    if (response.status !== 204) throw new Error(`the bot answered ${response.status}`);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    messages,
    typing,
    async say(author, room, direct, text) {
      const message = add({ author, room, direct, text, buttons: [], onlyFor: null, key: null });
      await deliver({ type: 'message', message });
      return message;
    },
    async edit(message, text) {
      Object.assign(message, { text, revision: message.revision + 1 });
      await deliver({ type: 'edited', message });
    },
    async remove(message) {
      messages.splice(messages.indexOf(message), 1);
      await deliver({ type: 'removed', message });
    },
    async press(by, messageId, label) {
      const message = messages.find(({ id }) => id === messageId);
      const button = message?.buttons.find(it => it.label === label);
      if (message === undefined || button === undefined) throw new Error(`no button ${label}`);
      await deliver({ type: 'pressed', room: message.room, message: messageId, button: button.id, by });
    },
    deliver,
    failNext(status, times) {
      failures = Array.from({ length: times }, () => status);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text === '' ? {} : JSON.parse(text);
}
