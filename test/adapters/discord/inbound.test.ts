import { MessageReferenceType, MessageType } from 'discord.js';
import { describe, expect, it } from 'vitest';
import {
  intakeOf,
  isWithheld,
  messageOf,
  type Place,
  readableText,
} from '../../../src/adapters/discord/inbound/inbound.ts';
import { type Incoming, readIncoming } from '../../../src/adapters/discord/inbound/incoming.ts';

const BOT = '100000000000000001';
const ANA = '100000000000000002';
const user = (id: string, more: object = {}) => ({
  id,
  username: `user${id.slice(-1)}`,
  global_name: null,
  ...more,
});

/** A message of Ana's as the gateway sends it. */
function incoming(more: object = {}): Incoming {
  const read = readIncoming({
    id: '200000000000000001',
    channel_id: '300000000000000001',
    guild_id: '400000000000000001',
    type: MessageType.Default,
    author: user(ANA, { global_name: 'Ana' }),
    member: { nick: 'Annie' },
    content: 'hello',
    timestamp: '2026-11-01T10:00:00.000000+00:00',
    edited_timestamp: null,
    attachments: [],
    mentions: [],
    ...more,
  });
  if (read === null) throw new Error('not a message');
  return read;
}

const named = { content: `<@${BOT}> hello`, mentions: [user(BOT, { bot: true })] };
const replyToBot = {
  type: MessageType.Reply,
  message_reference: { message_id: '500000000000000001' },
  referenced_message: {
    author: user(BOT, { bot: true }),
    content: 'Yes?',
    message_reference: { message_id: '600000000000000001' },
  },
  mentions: [user(BOT, { bot: true })],
};
const text: Place = { type: 'text', threads: true };

describe('what a message means', () => {
  it.each<[string, object, Place, object]>([
    ['a DM', {}, { type: 'dm' }, { type: 'answer', channel: '300000000000000001', startsThread: false }],
    [
      'a mention in a channel',
      named,
      text,
      { type: 'answer', channel: '200000000000000001', startsThread: true },
    ],
    [
      'a mention where no thread can be made',
      named,
      { type: 'text', threads: false },
      { type: 'answer', channel: '300000000000000001', startsThread: false },
    ],
    [
      'a mention in a thread',
      named,
      { type: 'thread' },
      { type: 'answer', channel: '300000000000000001', startsThread: false },
    ],
    ['a remark in a thread', {}, { type: 'thread' }, { type: 'follow', channels: ['300000000000000001'] }],
    ['a remark in a channel', {}, text, { type: 'ignore' }],
    [
      'a reply to the bot in a channel',
      replyToBot,
      text,
      { type: 'follow', channels: ['600000000000000001', '300000000000000001'] },
    ],
    [
      'the ping of a reply in a thread',
      replyToBot,
      { type: 'thread' },
      { type: 'follow', channels: ['300000000000000001'] },
    ],
    ['@everyone', { content: '@everyone', mention_everyone: true }, text, { type: 'ignore' }],
    [
      'a role',
      { content: '<@&700000000000000001>', mention_roles: ['700000000000000001'] },
      text,
      { type: 'ignore' },
    ],
    ['a mention inside code', { content: `\`<@${BOT}>\`` }, text, { type: 'ignore' }],
    ['another bot', { ...named, author: user(ANA, { bot: true }) }, text, { type: 'ignore' }],
    [
      'its own word, though nothing says that it is a bot',
      { author: user(BOT) },
      { type: 'dm' },
      { type: 'ignore' },
    ],
    ['a webhook', { ...named, webhook_id: '800000000000000001' }, text, { type: 'ignore' }],
    ['a system message', { ...named, type: MessageType.UserJoin }, text, { type: 'ignore' }],
    [
      'the first line of a thread',
      { type: MessageType.ThreadStarterMessage },
      { type: 'thread' },
      { type: 'ignore' },
    ],
  ])('%s', (_, more, place, expected) => {
    expect(intakeOf(incoming(more), place, BOT)).toEqual(expected);
  });

  it('is nothing for a payload that is no message', () => {
    for (const raw of [null, 'text', {}, { id: '1', channel_id: '2' }]) expect(readIncoming(raw)).toBeNull();
  });
});

describe('the message for the core', () => {
  const about = {
    id: '200000000000000001',
    channel: '300000000000000001',
    audience: 'shared' as const,
    before: { context: [] },
    repliesToTaken: false,
    replyTo: null,
    botId: BOT,
  };

  it('carries text, person and files, and Discord as the one workspace', () => {
    const message = messageOf(
      incoming({
        attachments: [
          {
            id: '900000000000000001',
            filename: 'a.txt',
            content_type: 'text/plain; charset=utf-8',
            size: 3,
            url: 'https://cdn.discordapp.com/a.txt?ex=1',
          },
        ],
      }),
      about,
    );
    expect(message.conversation.person).toEqual({
      platform: 'discord',
      workspace: 'discord',
      id: ANA,
      name: 'Annie',
    });
    expect(message.attachments).toEqual([
      {
        name: 'a.txt',
        mediaType: 'text/plain',
        sizeBytes: 3,
        source: {
          url: 'https://cdn.discordapp.com/a.txt?ex=1',
          attachmentId: '900000000000000001',
          channelId: '300000000000000001',
          messageId: '200000000000000001',
        },
      },
    ]);
  });

  it('quotes what was forwarded and what is replied to, never the person and never the bot', () => {
    const forward = incoming({
      content: 'nice?',
      message_reference: { type: MessageReferenceType.Forward, message_id: '1' },
      message_snapshots: [{ message: { content: `Boots for <@${ANA}>`, mentions: [user(ANA)] } }],
    });
    expect(messageOf(forward, about).context).toEqual([
      { author: 'a forwarded message', text: 'Boots for @user2' },
    ]);
    expect(messageOf(incoming(replyToBot), about).context).toEqual([]);
  });

  it('quotes the cards of apps that are forwarded', () => {
    const message = {
      content: '',
      embeds: [{ title: 'Otter 3', description: 'Warm boots' }, { url: 'https://x.test' }],
    };
    const forward = incoming({
      message_reference: { type: MessageReferenceType.Forward, message_id: '1' },
      message_snapshots: [{ message }],
    });
    expect(messageOf(forward, about).context).toEqual([
      { author: 'a forwarded message', text: 'Otter 3\nWarm boots' },
    ]);
  });

  it('says what is said by a poll or with a sticker, and quotes both of others', () => {
    const said = {
      poll: { question: { text: 'Boots?' }, answers: [{ poll_media: { text: 'Otter 3' } }] },
      sticker_items: [{ id: '1', name: 'Wave', format_type: 1 }],
    };
    const text = '[poll: Boots?]\n- Otter 3\n[sticker: Wave]';
    expect(messageOf(incoming({ content: '', ...said }), about)).toMatchObject({ text, context: [] });
    const message_snapshots = [{ message: { content: '', ...said } }];
    expect(messageOf(incoming({ message_snapshots }), about)).toMatchObject({
      text: 'hello',
      context: [{ author: 'a forwarded message', text }],
    });
  });

  it('is withheld when a forward comes without what it says, as Discord sends it without the intent', () => {
    const forwarded = (content: string) =>
      incoming({ content: '', message_snapshots: [{ message: { content } }] });
    expect(isWithheld(forwarded(''))).toBe(true);
    expect(isWithheld(forwarded('Boots'))).toBe(false);
  });

  it('reads mentions and emoji as people do', () => {
    const names = [{ id: ANA, name: 'Ana' }];
    expect(readableText(`<@${BOT}> ask <@!${ANA}> <:boot:123> <a:hop:456>`, names, BOT)).toBe(
      'ask @Ana :boot: :hop:',
    );
  });
});
