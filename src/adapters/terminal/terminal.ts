import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { styleText } from 'node:util';
import type { BotPort, ChatAdapter, Question, ReplySink } from '../../core/adapter.ts';
import { PersonError } from '../../core/errors.ts';
import type { Conversation, Message, Person } from '../../core/message.ts';
import { createCommands } from './commands.ts';
import { HELP, renderNotice } from './render.ts';
import { type ReplyWriter, streamingWriter, wholeWriter } from './reply-writer.ts';

export interface TerminalOptions {
  /** Who is typing; also their id. */
  user: string;
  input: Readable;
  output: Writable;
  /** A person at a keyboard: status, streaming, prompt. Otherwise one message a line, and only whole replies. */
  interactive: boolean;
  /** Where exports are written; by default the current one. */
  folder?: string;
  now?: () => number;
}

export interface Terminal extends ChatAdapter {
  /** Resolves when the person has left or the input has ended and everything in it is answered. */
  readonly left: Promise<void>;
  /** Says something beside the chat, on a line of its own, and not twice in a turn. */
  aside(line: string): void;
}

const PLATFORM = 'terminal';
const PROMPT = '> ';
const LEAVE_WITHIN_MS = 2_000;

/** A chat in the terminal: no credentials, and the proof that the core needs no platform. */
export function createTerminal(options: TerminalOptions): Terminal {
  const { output, interactive } = options;
  const now = options.now ?? Date.now;
  const person: Person = { platform: PLATFORM, workspace: 'local', id: options.user, name: options.user };
  // Every start is a place of its own, as closing a chat window and opening another would be: what is private in one is
  // not in the next.
  const opened = now();
  const conversation: Conversation = {
    person,
    channel: `terminal-${opened}`,
    thread: null,
    audience: 'private',
  };
  let lastAside: string | null = null;
  const dim = (text: string) => (interactive ? styleText('dim', text) : text);
  const write = (text: string) => void output.write(printable(text));
  const clearLine = () => void output.write('\r\x1b[K');

  let bot: BotPort;
  let lines: Interface | undefined;
  let count = 0;
  let lastInterrupt = Number.NEGATIVE_INFINITY;
  /** Each takes the next line instead of its being a message, or leaves it; the one who asked last comes first. */
  const questions: ((line: string | null) => boolean)[] = [];
  const commands = createCommands({
    bot: () => bot,
    conversation,
    console: {
      write: text => {
        replying?.pause();
        write(text);
      },
      ask: text => write(interactive ? `${text} ` : `${text}\n`),
      read,
      dim,
      save: interactive ? save : null,
    },
  });
  /** What is being answered, while somebody types on. */
  let replying: ReplyWriter | null = null;
  let turnOver: (() => void) | null = null;
  let leave: () => void = () => {};
  const left = new Promise<void>(resolve => {
    leave = resolve;
  });

  /** Nothing is being answered, so that the line below is the person's. */
  const isIdle = () => replying === null && turnOver === null;

  function prompt(): void {
    if (interactive && isIdle()) lines?.prompt(true);
  }

  function aside(line: string): void {
    if (line === lastAside) return;
    lastAside = line;
    replying?.pause();
    const typing = interactive && isIdle() && lines !== undefined;
    if (typing) clearLine();
    write(`${dim(line)}\n`);
    // What was being typed stands there again.
    if (typing) lines?.prompt(true);
  }

  /** Resolves when the line is dealt with completely: its reply, its notice, or its command's answer. */
  async function handle(line: string): Promise<void> {
    if (questions.at(-1)?.(line) === true) return;
    const text = line.trim();
    if (text === '' && interactive) return prompt();
    const command = text.toLowerCase();
    if (command === '/quit' || command === '/exit') return quit();
    if (command === '/help') write(`${HELP}\n`);
    else if (/^\/preferences(?:\s|$)/.test(command))
      await commands.run(text.slice('/preferences'.length).trim());
    else if (/^\/[a-z]+(?:\s|$)/.test(command))
      write(`I don't know ${text.split(/\s/, 1).join()}. Try /help.\n`);
    else return say(line);
    prompt();
  }

  async function say(text: string): Promise<void> {
    count += 1;
    lastAside = null;
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
      const receipt = await bot.receive(message);
      if (typeof receipt === 'object') {
        turnOver = null;
        write(`${receipt.refused}\n`);
        return prompt();
      }
    } catch (error) {
      turnOver = null;
      write('I could not store your message: the disk may be full. Please send it again.\n');
      process.stderr.write(
        `Cannot write to the inbox: ${error instanceof Error ? error.message : String(error)}\n`,
      );
      return prompt();
    }
    await over;
  }

  /** The next line, if it is an answer; what is none is dealt with as if nobody had asked. */
  function read(takes: (line: string) => boolean): Promise<string | null> {
    return new Promise(resolve => {
      const question = (line: string | null) => {
        questions.splice(questions.indexOf(question), 1);
        const taken = line !== null && takes(line);
        resolve(taken ? line : null);
        return taken || line === null;
      };
      questions.push(question);
      nextLine?.();
    });
  }

  /** Never over something else: the first name that is free. Returns where it is. */
  async function save({ name, content }: { name: string; content: string }): Promise<string> {
    const [, stem = name, ending = ''] = /^(.*?)(\.\w+)?$/.exec(name) ?? [];
    for (let n = 1; ; n += 1) {
      const path = join(options.folder ?? process.cwd(), `${stem}${n === 1 ? '' : `-${n}`}${ending}`);
      if (await exists(path)) continue;
      await writeFile(path, content, { flag: 'wx', mode: 0o600 });
      return path;
    }
  }

  function openReply(message: Message): ReplySink {
    const earlier = message.conversation.channel !== conversation.channel;
    const writer = interactive ? streamingWriter(write, dim, clearLine) : wholeWriter(write);
    replying = writer;
    if (earlier) write(dim(`(You asked before I was interrupted: ${message.text.slice(0, 200)})\n`));
    writer.show({ state: 'working', text: '', status: 'Thinking', activities: [] });
    return {
      show: reply => writer.show(reply),
      async finish(reply) {
        writer.finish(reply);
        replying = null;
      },
      ask: (it, signal) => ask(it, signal, writer),
      close() {
        if (replying === writer) replying = null;
        if (earlier) return;
        turnOver?.();
        turnOver = null;
        prompt();
      },
    };
  }

  function ask(it: Question, signal: AbortSignal, writer: ReplyWriter): Promise<boolean> {
    writer.pause();
    write(`${it.text}${it.detail === '' ? '' : `\n${it.detail.trimEnd().replace(/^/gm, '  ')}`}\n(yes/no) `);
    return new Promise<boolean>(resolve => {
      const settle = (answer: boolean, word: string) => {
        questions.splice(questions.indexOf(question), 1);
        signal.removeEventListener('abort', onAbort);
        write(dim(`${interactive ? '' : '\n'}[${word}]\n`));
        resolve(answer);
      };
      const onAbort = () => settle(false, 'no answer, so no');
      signal.addEventListener('abort', onAbort, { once: true });
      const question = (line: string | null) => {
        const word = line?.trim().toLowerCase() ?? '';
        const yes = /^y(es)?$/.test(word);
        settle(yes, yes ? 'allowed' : 'not allowed');
        // Anything but an answer is a message of its own.
        return yes || word === '' || /^no?$/.test(word);
      };
      questions.push(question);
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
        const question = questions.at(-1);
        if (question !== undefined && (head !== undefined || ended)) {
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

  /** What still waits in a pipe is not said any more. */
  function quit(): void {
    queue.length = 0;
    ended = true;
    leave();
  }

  function interrupted(): void {
    // As in a shell, a line that was begun is what is given up first.
    if (isIdle() && lines !== undefined && lines.line !== '') {
      lines.write(null, { ctrl: true, name: 'e' });
      lines.write(null, { ctrl: true, name: 'u' });
      return;
    }
    const again = now() - lastInterrupt < LEAVE_WITHIN_MS;
    lastInterrupt = now();
    if (again) {
      leave();
      return;
    }
    void bot.interrupt(conversation).then(running => {
      write(dim(running ? '\n(stopping; Ctrl-C again to leave)\n' : '\n(Ctrl-C again to leave)\n'));
      if (!running) prompt();
    });
  }

  return {
    platform: PLATFORM,
    left,
    aside,
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
          `${dim(`You are ${person.name}. Type a message, /preferences or /help. Ctrl-C twice to leave.`)}\n`,
        );
        lines.on('SIGINT', interrupted);
        lines.on('line', line => void handle(line));
        lines.on('close', () => {
          // A reply may still be on its way; prompting for the next line would throw now.
          lines = undefined;
          leave();
        });
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
      write(`${dim(renderNotice(notice))}\n`);
    },
    async download() {
      throw new PersonError('Files cannot be shared in the terminal.');
    },
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** What the agent, a note or a page says must not steer the terminal: control characters go, the two of `dim` stay. */
function printable(text: string): string {
  return text.replace(/\x1b\[22?m|[^\P{Cc}\n\t]/gu, found => (found.length > 1 ? found : ''));
}
