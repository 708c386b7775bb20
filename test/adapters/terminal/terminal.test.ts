import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { createTerminal, type Terminal } from '../../../src/adapters/terminal/terminal.ts';
import type { Message } from '../../../src/core/message.ts';
import { createScriptedBot, done, reply } from '../scripted-bot.ts';

let terminal: Terminal | undefined;
afterEach(() => terminal?.stop());

/** A person at a keyboard, and what stands on their screen, without what only moves the cursor. */
async function keyboard() {
  const input = new PassThrough();
  const output = new PassThrough();
  let raw = '';
  const watchers = new Set<() => void>();
  output.setEncoding('utf8').on('data', (text: string) => {
    raw += text;
    for (const watcher of watchers) watcher();
  });
  const bot = createScriptedBot();
  const opened = createTerminal({ user: 'ann', input, output, interactive: true });
  terminal = opened;
  await opened.start(bot, 'both');
  const person = { platform: 'terminal', workspace: 'local', id: 'ann', name: 'ann' };
  const screen = () => stripVTControlCharacters(raw);
  return {
    bot,
    terminal: opened,
    screen,
    written: () => raw,
    type: (text: string) => void input.write(text),
    shows: (part: string) =>
      new Promise<void>(resolve => {
        const look = () => {
          if (screen().includes(part)) resolve();
        };
        watchers.add(look);
        look();
      }),
    answering() {
      const conversation = { person, channel: 'terminal', thread: null, audience: 'private' as const };
      const message: Message = {
        id: '1',
        conversation,
        text: 'Hi',
        attachments: [],
        context: [],
        replyTo: null,
      };
      return opened.openReply(message, null, async () => {});
    },
  };
}

describe('what is typed while an answer is being written', () => {
  it('is answered without a prompt in the middle of it', async () => {
    const { type, shows, answering, screen } = await keyboard();
    const sink = answering();
    sink.show(reply('You wear 9'));
    type('/preferences\n');
    await shows('Nothing yet');
    type('\n/help\n');
    await shows('Just type.');
    await sink.finish(done('You wear 9, I think.'));
    sink.close();
    await shows(', I think.\n> ');
    const [, meanwhile = ''] = /You wear 9([\s\S]*), I think/.exec(screen()) ?? [];
    expect(meanwhile).toContain('Nothing yet');
    expect(meanwhile).not.toContain('> ');
  });
});

describe('what is written', () => {
  it('cannot steer the terminal', async () => {
    const { written, shows, answering } = await keyboard();
    const sink = answering();
    sink.show(reply('Wool\x1b]52;c;ZXZpbA==\x07 is'));
    await sink.finish(done('Wool\x1b]52;c;ZXZpbA==\x07 is\x1b[2K\r> warm\u009b2J.'));
    sink.close();
    await shows('warm');
    expect(written()).toContain('Wool]52;c;ZXZpbA== is[2K> warm2J.');
    expect(written()).not.toMatch(/\x07|\x1b\]|\x1b\[2K|\u009b/);
  });
});

describe('Ctrl-C', () => {
  it('gives up the line that was begun, and nothing else', async () => {
    const { type, bot } = await keyboard();
    const said = new Promise<void>(resolve => {
      bot.onMessage = () => resolve();
    });
    type('half a thought\x1b[D\x1b[D\x03Hello\n');
    await said;
    expect(bot.received.map(({ text }) => text)).toEqual(['Hello']);
    expect(bot.interrupted).toEqual([]);
  });

  it('stops the answer also where a line was begun', async () => {
    const { type, bot, answering, shows } = await keyboard();
    answering().show(reply('You wear'));
    type('half a thought\x03');
    await shows('Ctrl-C again to leave');
    expect(bot.interrupted).toHaveLength(1);
  });
});

describe('commands', () => {
  it('are known however they are capitalised, and not by how they begin', async () => {
    const { type, bot, shows } = await keyboard();
    type('/PREFERENCES\n');
    await shows('Nothing yet.');
    type('/preferencesx\n');
    await shows("I don't know /preferencesx. Try /help.");
    type('/preferenzes set shoe size 10\n');
    await shows("I don't know /preferenzes. Try /help.");
    type('/Help\n');
    await shows('/quit, /exit');
    expect(bot.commands).toHaveLength(1);
    expect(bot.received).toEqual([]);
  });

  it.each(['/quit', '/EXIT'])('%s leaves', async word => {
    const { type, terminal: opened, bot } = await keyboard();
    type(`${word}\n`);
    await opened.left;
    expect(bot.received).toEqual([]);
  });

  it('/quit leaves what comes after it in a pipe unsaid', async () => {
    const input = new PassThrough();
    const bot = createScriptedBot();
    const opened = createTerminal({ user: 'ann', input, output: new PassThrough(), interactive: false });
    terminal = opened;
    await opened.start(bot, 'both');
    input.end('/quit\nHello\n');
    await opened.left;
    await opened.stop();
    expect(bot.received).toEqual([]);
  });
});

describe('what is said beside the chat', () => {
  it('stands on a line of its own while an answer is being written, once', async () => {
    const { terminal: opened, answering, screen, shows } = await keyboard();
    const sink = answering();
    sink.show(reply('You wear 9'));
    opened.aside('localhost cannot be reached.');
    opened.aside('localhost cannot be reached.');
    await sink.finish(done('You wear 9, I think.'));
    sink.close();
    await shows('I think.');
    expect(screen()).toMatch(/You wear 9\nlocalhost cannot be reached\.\n, I think\./);
    expect(screen().split('cannot be reached')).toHaveLength(2);
  });

  it('leaves the line that was begun as it was', async () => {
    const { terminal: opened, type, screen, shows, bot } = await keyboard();
    type('half a ');
    await shows('half a ');
    opened.aside('the disk is nearly full.');
    await shows('nearly full.\n> half a ');
    const said = new Promise<void>(resolve => {
      bot.onMessage = () => resolve();
    });
    type('thought\n');
    await said;
    expect(bot.received[0]?.text).toBe('half a thought');
    expect(screen()).toContain('\rthe disk is nearly full.\n');
  });
});
