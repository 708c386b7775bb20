import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWorld, nthMessage, type World } from './harness.ts';

let world: World;

beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

const MINUTE = 60_000;

describe('files', () => {
  it('are fetched with a fresh address when the first has expired', async () => {
    await world.start();
    const { discord, ana } = world;
    discord.as(ana.id).dm('look', { files: [{ name: 'boots.png', contentType: 'image/png', data: 'png' }] });
    const [attachment] = (await nthMessage(world, 1)).attachments;
    if (attachment === undefined) throw new Error('no attachment');
    discord.clock.advance(25 * 60 * MINUTE);
    const bytes = await world.adapter.download(attachment, AbortSignal.timeout(5_000));
    expect(Buffer.from(bytes).toString()).toBe('png');
  });

  it('of a forwarded message come along, and it is known that they are not the person’s own', async () => {
    await world.start();
    const { discord, ana, ben, channel } = world;
    const files = [{ name: 'boots.png', contentType: 'image/png', data: 'png' }];
    const picture = discord.as(ben.id).say(channel.id, '', { files });
    discord.as(ana.id).forward(picture.id, discord.as(ana.id).dmChannel().id);
    const message = await nthMessage(world, 1);
    expect(message).toMatchObject({
      text: '',
      context: [{ author: 'a forwarded message', text: '[file: boots.png]' }],
      attachments: [{ name: 'boots.png', mediaType: 'image/png', sizeBytes: 3 }],
    });
    const [attachment] = message.attachments;
    if (attachment === undefined) throw new Error('no attachment');
    discord.clock.advance(25 * 60 * MINUTE);
    const bytes = await world.adapter.download(attachment, AbortSignal.timeout(5_000));
    expect(Buffer.from(bytes).toString()).toBe('png');
  });

  it('come from Discord alone', async () => {
    await world.start();
    const attachment = {
      name: 'a.png',
      mediaType: 'image/png',
      sizeBytes: 1,
      source: { url: 'https://evil.example/a.png', attachmentId: '1', channelId: '2', messageId: '3' },
    };
    await expect(world.adapter.download(attachment, AbortSignal.timeout(5_000))).rejects.toThrow(
      'not stored on Discord',
    );
    const file = {
      ...attachment,
      source: { ...attachment.source, url: 'http://cdn.discordapp.com.evil.example/a' },
    };
    await expect(world.adapter.download(file, AbortSignal.timeout(5_000))).rejects.toThrow(
      'not stored on Discord',
    );
  });
});
