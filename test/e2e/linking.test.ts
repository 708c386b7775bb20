import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pressed, words } from '../adapters/discord/interacting.ts';
import type { Message } from '../fakes/discord/state.ts';
import type { User } from '../fakes/slack/drivers/user.ts';
import { AGENT } from '../helpers/bench.ts';
import { obedientModel, write } from '../helpers/memory.ts';
import { type OnDiscord, openDiscord } from './on-discord.ts';
import { type OnSlack, openSlack } from './on-slack.ts';
import { createWholeBot, type WholeBot } from './whole-bot.ts';

let slack: OnSlack;
let discord: OnDiscord;
let whole: WholeBot;
let model: ReturnType<typeof obedientModel>;
let now: number;
/** One person twice, and somebody else on either platform. */
let ann: User;
let ben: User;
let ana: string;
let eve: string;
/** Where others read along. */
let general: string;
let lobby: string;

beforeEach(async () => {
  slack = await openSlack();
  discord = await openDiscord();
  model = obedientModel();
  now = Date.now();
  whole = await createWholeBot([slack, discord], { model, agent: AGENT, now: () => now });
  ann = slack.workspace.addUser('ann', { displayName: 'Ann' });
  ben = slack.workspace.addUser('ben', { displayName: 'Ben' });
  general = slack.workspace.addChannel('general', { members: [ann, ben] }).id;
  const { world } = discord.discord;
  [ana, eve] = [world.addUser('Ana').id, world.addUser('Eve').id];
  const guild = world.addGuild('Shop', { members: [ana, eve] });
  lobby = world.addChannel(guild.id, 'general').id;
});

afterEach(() => whole.stop());

const MINUTE = 60_000;
const WRONG = "I don't know that code.";

async function saysOnSlack(text: string): Promise<void> {
  await slack.says(ann, text);
  await ends(whole.bot.idle());
}

async function saysOnDiscord(text: string): Promise<void> {
  await discord.says(ana, text);
  await ends(whole.bot.idle());
}

/** Slack's clock is the fake's, and what is paced waits for it. */
async function ends(work: Promise<unknown>): Promise<void> {
  let isOver = false;
  const ended = work.finally(() => {
    isOver = true;
  });
  await slack.until(() => isOver, 'the end of a turn');
  await ended;
}

async function codeOf(user: User, channel = general): Promise<string> {
  const shown = await slack.preferences(user, 'link', 'ten minutes', channel);
  expect(shown.ephemeral).toBe(true);
  return /preferences link (\S+?)\./.exec(shown.text)?.[1] ?? 'no code';
}

/** The answer to a code on Discord. */
const tries = (user: string, code: string) => discord.preferences(user, 'link', { code }, lobby);

/** Redeems a code and agrees. */
async function links(user: string, code: string): Promise<Message> {
  const asked = await tries(user, code);
  return pressed(discord, user, asked, 'Link them');
}

/** Everything that either platform was given to show to more than one person, edits included. */
function inPublic(): string {
  const whispers = ['response_url', 'chat.postEphemeral', 'views.open', 'views.update', 'ack'];
  const channels = [...discord.discord.state.channels.values()];
  return JSON.stringify([
    slack.slack.calls().filter(({ method }) => !whispers.includes(method)),
    [general, ann.dmChannel, ben.dmChannel].flatMap(channel => [
      ...ben.sees(channel).map(({ text, blocks, message }) => [text, blocks, message.versions]),
    ]),
    channels.flatMap(({ messages }) =>
      [...messages.values()].filter(({ ephemeralFor }) => ephemeralFor === null),
    ),
  ]);
}

const sizesOf = async (user: string) => (await whole.notesOf(user)).private['/sizes.md'];

describe('one person on Slack and on Discord', () => {
  it('links by a code that only they see, is known on both, and parts again with a copy each', async () => {
    await saysOnSlack(write('sizes.md', '- shoe size: 9\n'));
    const code = await codeOf(ann);
    expect(ben.sees(general).map(({ text }) => text)).toEqual([]);

    const asked = await tries(ana, code.toLowerCase());
    expect(asked.ephemeralFor).toBe(ana);
    expect(words(asked)).toContain('Link this account with “Ann” on Slack?');
    expect(await sizesOf(ana)).toBeUndefined();
    await pressed(discord, ana, asked, 'Link them');
    expect(words(asked)).toContain('Linked with “Ann” on Slack.');

    // Told in Slack, known on Discord, and the other way round.
    model.requests.splice(0);
    await saysOnDiscord('hello');
    expect(JSON.stringify(model.requests.splice(0))).toContain('> - shoe size: 9');
    await saysOnDiscord(write('style.md', '- likes: linen\n'));
    model.requests.splice(0);
    await saysOnSlack('hello');
    expect(JSON.stringify(model.requests.splice(0))).toContain('> - likes: linen');
    expect((await slack.preferences(ann, '', 'Linked with')).text).toContain('Ana on Discord');
    expect(words(await discord.preferences(ana, 'view'))).toContain('Linked with Ann on Slack');

    // What was told in private on either stays out of what others read, on both.
    model.requests.splice(0);
    for (const user of [ann, ben]) await slack.says(user, 'grep shoe', { channel: general });
    for (const user of [ana, eve]) await discord.says(user, 'read style.md', lobby);
    await ends(whole.bot.idle());
    expect(JSON.stringify(model.requests.splice(0))).not.toMatch(/shoe size: 9|likes: linen/);

    // What it says names the platform it is from.
    expect(words(await discord.preferences(ana, 'view', { note: 'sizes' }))).toContain(
      'the agent, in a private conversation on Slack',
    );
    expect((await slack.preferences(ann, 'show style', 'linen')).text).toContain(
      'the agent, in a private conversation on Discord',
    );

    const panel = await discord.preferences(ana, 'view');
    await pressed(discord, ana, panel, 'Unlink this account');
    expect(words(panel)).toContain('Unlink this account from “Ann” on Slack?');
    await pressed(discord, ana, panel, 'Unlink');
    expect(words(panel)).toContain('Unlinked.');
    await saysOnSlack(write('sizes.md', '- shoe size: 10\n'));
    const both = { '/style.md': '- likes: linen\n' };
    expect(await whole.notesOf(ann.id)).toMatchObject({
      private: { ...both, '/sizes.md': '- shoe size: 10\n' },
    });
    expect(await whole.notesOf(ana)).toMatchObject({ private: { ...both, '/sizes.md': '- shoe size: 9\n' } });
    model.requests.splice(0);
    await saysOnDiscord('hello');
    expect(JSON.stringify(model.requests)).not.toContain('shoe size: 10');

    expect(inPublic()).toContain('Hello.');
    expect(inPublic()).not.toContain(code);
    expect(JSON.stringify(whole.logs)).not.toContain(code);
    for (const user of [ben.id, eve]) expect(await whole.notesOf(user)).toEqual({ private: {}, shared: {} });
  }, 120_000);

  it('chooses by button where the accounts contradict each other, and loses nothing else', async () => {
    await saysOnSlack(write('sizes.md', '- shoe size: 9\n- coat: M\n'));
    await saysOnDiscord(write('sizes.md', '- shoe size: 10\n- hat: 57\n'));
    const conflict = await links(ana, await codeOf(ann));
    expect(words(conflict)).toContain('Your accounts disagree here');
    expect(words(conflict)).toMatch(/as “Ann” on Slack has it.*\n```\n[^`]*shoe size: 9/);
    expect(words(conflict)).toMatch(/as this account has it.*\n```\n[^`]*shoe size: 10/);
    // Until then both stand.
    expect(await sizesOf(ann.id)).toMatch(/shoe size: (?:9|10)\n[\s\S]*shoe size: (?:9|10)\n/);
    await pressed(discord, ana, conflict, 'Keep it as this account has it');
    const sizes = (await sizesOf(ann.id)) ?? '';
    expect(sizes.match(/shoe size: \d+/g)).toEqual(['shoe size: 10']);
    expect(sizes).toMatch(/coat: M/);
    expect(sizes).toMatch(/hat: 57/);
    expect((await slack.preferences(ann, 'show sizes', 'hat: 57')).text).toContain('shoe size: 10');
  }, 120_000);
});

describe('a code', () => {
  it('that is wrong, too old, used or guessed links nobody, wherever it is tried', async () => {
    await saysOnSlack(write('sizes.md', '- shoe size: 9\n'));
    const own = await codeOf(ann);
    await slack.preferences(ann, `link ${own}`, 'That code is for your other account');
    expect(words(await tries(ana, 'AAAA-AAAA'))).toContain(WRONG);

    // Agreed to too late.
    const late = await tries(ana, own);
    now += 11 * MINUTE;
    await pressed(discord, ana, late, 'Link them');
    expect(words(late)).toContain(WRONG);

    // Used once, by her; then tried by others, also on the platform it came from.
    const used = await codeOf(ann);
    expect(words(await links(ana, used))).toContain('Linked with');
    expect(words(await tries(eve, used))).toContain(WRONG);
    await slack.preferences(ben, `link ${used}`, WRONG);

    // Guessed: after five, even the right one is refused for an hour.
    for (let n = 0; n < 4; n += 1) await tries(eve, `WRNG-${n}AAA`);
    const good = await codeOf(ann);
    expect(words(await tries(eve, good))).toContain('Too many wrong codes.');
    for (const user of [ben.id, eve]) expect(await whole.notesOf(user)).toEqual({ private: {}, shared: {} });
    expect(inPublic()).not.toMatch(new RegExp([own, used, good].join('|')));
  }, 120_000);
});
