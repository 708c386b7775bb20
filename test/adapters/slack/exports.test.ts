import { afterEach, describe, expect, it } from 'vitest';
import type { PreferencesView } from '../../../src/core/views.ts';
import { textsOf } from '../../fakes/slack/rendering.ts';
import { memoryView } from '../scripted-bot.ts';
import { createWorld, TRANSPORTS, type World, type WorldOptions } from './harness.ts';

let world: World;
afterEach(() => world.stop());

const CONTENT = '# Größen\n- shoe size: 9 <!channel>\n';
const EXPORT: PreferencesView = {
  type: 'export',
  sentence: 'Here is everything.',
  file: { name: 'memory-2026-03-14.md', mediaType: 'text/markdown', content: CONTENT },
};

async function setUp(options: WorldOptions = {}): Promise<void> {
  world = await createWorld(options);
  world.bot.onCommand = ({ action }) => (action.type === 'export' ? EXPORT : memoryView());
}

const inDm = () => world.ann.sees(world.ann.dmChannel);
const file = () => inDm().flatMap(({ message }) => message.files)[0];
const modalText = () => textsOf(world.ann.modal?.blocks).join('\n');
const says = (words: string, channel = world.ann.dmChannel) =>
  world.slack.until(
    () => world.ann.sees(channel).find(({ text, ephemeral }) => ephemeral && text.includes(words)),
    `“${words}” to Ann alone`,
  );

describe.each(TRANSPORTS)('an export over %s', transport => {
  it('asked for in a channel is a file in the person’s direct messages, and nowhere else', async () => {
    await setUp({ transport });
    const channel = world.workspace.addChannel('general', { members: [world.ann, world.ben] });
    await world.ann.command('/preferences', 'export', channel.id).outcome;
    await says('in our direct messages', channel.id);
    expect(file()?.content.toString()).toBe(CONTENT);
    expect(file()).toMatchObject({ name: 'memory-2026-03-14.md', channels: new Set([world.ann.dmChannel]) });
    expect(inDm()[0]?.text).toBe('Here is everything.');
    expect(
      world.ann
        .sees(channel.id)
        .map(({ text }) => text)
        .join(),
    ).not.toContain('shoe size');
    expect(world.ben.sees(channel.id)).toEqual([]);
    expect(world.ben.sees(world.ann.dmChannel)).toEqual([]);
  });
});

describe('an export', () => {
  it('asked for on the Home tab says in a window where it went', async () => {
    await setUp();
    await world.ann.openApp('home')?.settled;
    await world.slack.until(() => world.ann.home, 'the Home tab');
    await world.ann.pressInHome('memory_export').outcome;
    await world.slack.until(() => modalText().includes('in our direct messages'), 'the window');
    expect(file()?.content.toString()).toBe(CONTENT);
  });

  it('is shown as text, with the reason, where the app may not send files', async () => {
    const scopes = ['commands', 'chat:write', 'users:read'];
    await setUp({ fake: { app: { scopes } } });
    const { bot } = world.installed.installation;
    world.installed.installation.scopes.delete('files:write');
    await world.ann.command('/preferences', 'export').outcome;
    const shown = await says('files:write');
    expect(shown.text).toContain('shoe size: 9');
    expect(inDm().filter(({ from, ephemeral }) => from === bot.id && !ephemeral)).toEqual([]);
  });

  it.each(['files.getUploadURLExternal', 'files.completeUploadExternal'])(
    'is shown as text when %s fails, and no introduction is left without its file',
    async method => {
      await setUp();
      world.slack.fail(method, { type: 'error', error: 'storage_limit_reached' });
      await world.ann.command('/preferences', 'export').outcome;
      const shown = await says('could not send it as a file');
      expect(shown.text).toContain('shoe size: 9');
      expect(inDm().map(({ text }) => text)).not.toContain('Here is everything.');
      expect(JSON.stringify(world.logs)).not.toContain('shoe size');
    },
  );

  it('is sent once though the answer to it was lost', async () => {
    await setUp();
    world.slack.fail('files.completeUploadExternal', { type: 'drop', when: 'after' });
    await world.ann.command('/preferences', 'export').outcome;
    await says('could not send it as a file');
    expect(inDm().filter(({ message }) => message.files.length > 0)).toHaveLength(1);
  });
});
