import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { styleText } from 'node:util';
import type { BotPort, ChatAdapter, Question, Reply, ReplySink } from '../../core/adapter.ts';
import { PersonError } from '../../core/errors.ts';
import type { CommandAction, Conversation, Message, Person } from '../../core/message.ts';
import { lineOfChange, type Notice, type PreferencesView } from '../../core/views.ts';

export interface TerminalOptions {
  /** Who is typing; also their id. */
  user: string;
  input: Readable;
  output: Writable;
  /** A person at a keyboard: status, streaming, prompt. Otherwise one message a line, and only whole replies. */
  interactive: boolean;
  now?: () => number;
}

export interface Terminal extends ChatAdapter {
  /** Resolves when the person has left or the input has ended and everything in it is answered. */
  readonly left: Promise<void>;
}

const PLATFORM = 'terminal';
const PROMPT = '> ';
const LEAVE_WITHIN_MS = 2_000;
const HELP = [
  'Just type. I remember what matters for next time.',
  '  /preferences                    what I remember about you',
  '  /preferences show TITLE         one note in full',
  '  /preferences forget TITLE       forget one note',
  '  /preferences undo               take back the last change I showed you',
  '  /preferences notices MODE       thread, private, off or default',
  '  /help                           this text',
  '  Ctrl-C                          stop the answer; twice: leave',
].join('\n');

/** A chat in the terminal: no credentials, and the proof that the core needs no platform. */
export function createTerminal(options: TerminalOptions): Terminal {
  const { output, interactive } = options;
  const now = options.now ?? Date.now;
  const person: Person = { platform: PLATFORM, workspace: 'local', id: options.user, name: options.user };
  // Every start is a new conversation, as closing a chat window and opening another would be.
  const opened = now();
  const conversation: Conversation = {
    person,
    channel: 'terminal',
    thread: String(opened),
    audience: 'private',
  };
  const dim = (text: string) => (interactive ? styleText('dim', text) : text);
  const write = (text: string) => void output.write(text);

  let bot: BotPort;
  let lines: Interface | undefined;
  let count = 0;
  let lastNotice: string | null = null;
  let lastInterrupt = Number.NEGATIVE_INFINITY;
  /** Takes the next line instead of its being a message. Null: nobody asks. */
  let question: ((line: string | null) => boolean) | null = null;
  let turnOver: (() => void) | null = null;
  let leave: () => void = () => {};
  const left = new Promise<void>(resolve => {
    leave = resolve;
  });

  function prompt(): void {
    if (interactive) lines?.prompt();
  }

  /** Resolves when the line is dealt with completely: its reply, its notice, or its command's answer. */
  async function handle(line: string): Promise<void> {
    if (question?.(line) === true) return;
    const text = line.trim();
    if (text === '' && interactive) return prompt();
    if (text === '/help') write(`${HELP}\n`);
    else if (text.startsWith('/preferences')) await command(text.slice('/preferences'.length).trim());
    else if (/^\/\w+$/.test(text)) write(`I don't know ${text}. Try /help.\n`);
    else return say(line);
    prompt();
  }

  async function say(text: string): Promise<void> {
    count += 1;
    const over = new Promise<void>(resolve => {
      turnOver = resolve;
    });
    const message: Message = {
      id: String(count),
      conversation,
      text,
      attachments: [],
      context: [],
      replyTo: null,
    };
    try {
      await bot.receive(message);
    } catch (error) {
      turnOver = null;
      write(
        'I could not write that down, so I have not taken it in: the disk may be full. Please send it again.\n',
      );
      process.stderr.write(
        `Cannot write to the inbox: ${error instanceof Error ? error.message : String(error)}\n`,
      );
      return prompt();
    }
    await over;
  }

  async function command(words: string): Promise<void> {
    try {
      const action = await actionOf(words);
      if (typeof action === 'string') write(`${action}\n`);
      else write(`${renderView(await bot.command({ person, action }))}\n`);
    } catch (error) {
      write(
        `${error instanceof PersonError ? error.message : "I can't reach your memory right now. Please try again in a moment."}\n`,
      );
    }
  }

  async function actionOf(words: string): Promise<CommandAction | string> {
    const [verb = 'view', ...rest] = words.split(/\s+/).filter(word => word !== '');
    const object = rest.join(' ');
    switch (verb) {
      case 'view':
        return { type: 'view' };
      case 'notices':
        if (object === 'thread' || object === 'private' || object === 'off' || object === 'default') {
          return { type: 'notices', mode: object };
        }
        return 'Say /preferences notices thread, private, off or default.';
      case 'undo':
        return lastNotice === null
          ? 'There is no change here to take back.'
          : { type: 'undo', noticeId: lastNotice };
      case 'show':
      case 'forget': {
        const view = await bot.command({ person, action: { type: 'view' } });
        const section =
          view.type === 'memory'
            ? view.sections.find(({ title, path }) =>
                [title, path, path.slice(1)].some(name => name.toLowerCase() === object.toLowerCase()),
              )
            : undefined;
        if (section === undefined) return `I have no note called “${object}”. /preferences lists them.`;
        return { type: verb, memoryId: section.memoryId };
      }
      default:
        return `I don't know “/preferences ${verb}”. Try /help.`;
    }
  }

  function openReply(message: Message): ReplySink {
    const earlier = message.conversation.thread !== conversation.thread;
    const writer = interactive ? streamingWriter(write, dim) : wholeWriter(write);
    if (earlier) write(dim(`(You asked before I was interrupted: ${message.text.slice(0, 200)})\n`));
    writer.show({ state: 'working', text: '', status: 'Thinking', activities: [] });
    return {
      show: reply => writer.show(reply),
      async finish(reply) {
        writer.finish(reply);
      },
      ask: (it, signal) => ask(it, signal, writer),
      close() {
        if (earlier) return;
        turnOver?.();
        turnOver = null;
        prompt();
      },
    };
  }

  function ask(it: Question, signal: AbortSignal, writer: Writer): Promise<boolean> {
    writer.pause();
    write(`${it.text}${it.detail === '' ? '' : `\n${it.detail.trimEnd().replace(/^/gm, '  ')}`}\n(yes/no) `);
    return new Promise<boolean>(resolve => {
      const settle = (answer: boolean, word: string) => {
        question = null;
        signal.removeEventListener('abort', onAbort);
        write(dim(`${interactive ? '' : '\n'}[${word}]\n`));
        resolve(answer);
      };
      const onAbort = () => settle(false, 'no answer, so no');
      signal.addEventListener('abort', onAbort, { once: true });
      question = line => {
        const word = line?.trim().toLowerCase() ?? '';
        const yes = /^y(es)?$/.test(word);
        settle(yes, yes ? 'allowed' : 'not allowed');
        // Anything but an answer is a message of its own.
        return yes || word === '' || /^no?$/.test(word);
      };
      nextLine?.();
    });
  }

  // Lines as they come, for a pipe: read one, deal with it, read the next. A question reads ahead.
  const queue: string[] = [];
  let ended = false;
  let nextLine: (() => void) | null = null;

  async function readPipe(): Promise<void> {
    for (;;) {
      while (queue.length === 0 && !ended) {
        await new Promise<void>(resolve => {
          nextLine = resolve;
        });
      }
      const line = queue.shift();
      if (line === undefined) return;
      const handled = handle(line);
      // While a turn runs, lines only answer its questions.
      let busy = true;
      void handled.finally(() => {
        busy = false;
        nextLine?.();
      });
      while (busy) {
        const head = queue[0];
        if (question !== null && (head !== undefined || ended)) {
          if (question(head ?? null)) queue.shift();
          continue;
        }
        await new Promise<void>(resolve => {
          nextLine = resolve;
        });
      }
      await handled;
    }
  }

  function interrupted(): void {
    const again = now() - lastInterrupt < LEAVE_WITHIN_MS;
    lastInterrupt = now();
    if (again) {
      leave();
      return;
    }
    void bot.interrupt(conversation).then(running => {
      write(dim(running ? '\n(stopping; Ctrl-C again leaves)\n' : '\n(Ctrl-C again leaves)\n'));
      if (!running) prompt();
    });
  }

  return {
    platform: PLATFORM,
    left,
    serves: other => other.id === person.id,
    async start(port) {
      bot = port;
      lines = createInterface({
        input: options.input,
        ...(interactive ? { output, prompt: PROMPT } : {}),
        terminal: interactive,
      });
      if (interactive) {
        write(
          `${dim(`You are ${person.name}. Type a message, /preferences or /help. Ctrl-C twice leaves.`)}\n`,
        );
        lines.on('SIGINT', interrupted);
        lines.on('line', line => void handle(line));
        lines.on('close', () => leave());
        prompt();
        return;
      }
      lines.on('line', line => {
        queue.push(line);
        nextLine?.();
      });
      lines.on('close', () => {
        ended = true;
        nextLine?.();
      });
      void readPipe().then(leave);
    },
    async stop() {
      lines?.close();
      leave();
    },
    openReply,
    async notify(_message, notice) {
      lastNotice = notice.id;
      write(`${dim(renderNotice(notice))}\n`);
    },
    async download() {
      throw new PersonError('Files cannot be shared in the terminal.');
    },
  };
}

interface Writer {
  show(reply: Reply): void;
  /** Something else is about to be written. */
  pause(): void;
  finish(reply: Reply): void;
}

/** Text as it grows, a status line while there is none. */
function streamingWriter(write: (text: string) => void, dim: (text: string) => string): Writer {
  let printed = '';
  let status: string | null = null;
  const clear = () => {
    if (status !== null) write('\r\x1b[K');
    status = null;
  };
  function text(next: string): void {
    if (next === printed) return;
    clear();
    // A snapshot normally extends the last one. Where the final text differs, it is said in full.
    write(next.startsWith(printed) ? next.slice(printed.length) : `\n${next}`);
    printed = next;
  }
  return {
    show(reply) {
      if (reply.text.startsWith(printed)) text(reply.text);
      const line = reply.status;
      if (line === status) return;
      clear();
      // Below text that is being written a status would tear the line.
      if (line === null || (printed !== '' && !printed.endsWith('\n'))) return;
      write(dim(`${line}…`));
      status = line;
    },
    pause() {
      clear();
      if (printed !== '' && !printed.endsWith('\n')) write('\n');
    },
    finish(reply) {
      text(reply.text);
      clear();
      write('\n');
    },
  };
}

function wholeWriter(write: (text: string) => void): Writer {
  return {
    show() {},
    pause() {},
    finish: reply => write(`${reply.text}\n`),
  };
}

function renderNotice(notice: Notice): string {
  const lines = notice.changes.flatMap(change => change.lines.map(line => `  ${lineOfChange(line)}`));
  return ['  memory updated', ...lines].join('\n');
}

function renderView(view: PreferencesView): string {
  switch (view.type) {
    case 'outcome':
      return view.sentence;
    case 'file':
      return `${view.section.title}\n${view.section.content.trimEnd()}`;
    case 'form':
    case 'editor':
    case 'conflict':
    case 'confirm':
    case 'receipt':
    case 'history':
    case 'export':
    case 'why':
      return JSON.stringify(view, null, 2);
    case 'memory': {
      if (view.sections.length === 0) return 'I remember nothing about you yet.';
      const sections = view.sections.map(({ title, lines }) =>
        [title, ...(lines.length === 0 ? ['  (empty)'] : lines.map(line => `  ${line}`))].join('\n'),
      );
      return ['What I remember about you:', ...sections, `Notices: ${view.notices}`].join('\n\n');
    }
  }
}
