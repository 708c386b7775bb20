/** A server that the whole bot is in, and people who use what it shows them. */

import { createDiscordAdapter } from '../../src/adapters/discord/adapter.ts';
import { FIELDS } from '../../src/core/preferences/field-rules.ts';
import { answerTo } from '../adapters/discord/interacting.ts';
import { createFakeDiscord, type FakeDiscord } from '../fakes/discord/fake-discord.ts';
import type { Interaction, Message } from '../fakes/discord/state.ts';
import type { Platform } from './whole-bot.ts';

/** On a loaded machine a turn takes a while. */
const PATIENCE_MS = 30_000;

export interface OnDiscord extends Platform {
  readonly discord: FakeDiscord;
  until<T>(look: () => T, what: string): Promise<Exclude<T, undefined | false | null>>;
  /** Says it, in the DM unless a place is named, and waits for the end of the answer. */
  says(user: string, text: string, channel?: string): Promise<Message>;
  /** `/preferences` as Discord sends it: subcommands, and what stands in the options. */
  command(
    user: string,
    line: string,
    values?: Record<string, string | number>,
    channel?: string,
  ): Interaction;
  /** The same, and what it shows to the person alone. */
  preferences(
    user: string,
    line: string,
    values?: Record<string, string | number>,
    channel?: string,
  ): Promise<Message>;
}

export async function openDiscord(): Promise<OnDiscord> {
  const discord = await createFakeDiscord({
    rateLimits: false,
    identifyWindowMs: 0,
    privileged: { messageContent: true },
  });

  const until: OnDiscord['until'] = (look, what) => discord.until(look, what, PATIENCE_MS);
  const dmOf = (user: string) => discord.as(user).dmChannel().id;

  /** No status, no Stop button, no quiet line. */
  const replies = (channel: string) =>
    discord.state.channels.has(channel)
      ? discord
          .messages(channel)
          .filter(
            ({ authorId, ephemeralFor, content, components }) =>
              authorId === discord.botId &&
              ephemeralFor === null &&
              content !== '' &&
              components.length === 0 &&
              !content.startsWith('-# '),
          )
      : [];

  const command: OnDiscord['command'] = (user, line, values = {}, channel = dmOf(user)) =>
    discord.as(user).slash(channel, 'preferences', { path: line.split(' '), values });

  return {
    discord,
    adapter: (state, log) =>
      createDiscordAdapter({
        persona: { name: 'shopper', fields: FIELDS },
        settings: {
          token: discord.token,
          applicationId: discord.applicationId,
          apiUrl: discord.apiUrl,
          shards: 'auto',
          messageContent: 'auto',
          catchUpMs: 30 * 60_000,
          privateNotices: 'line',
        },
        state,
        log,
        now: discord.clock.now,
        minIntervalMs: 5,
      }),
    stop: () => discord.stop(),
    until,
    async says(user, text, channel = dmOf(user)) {
      const place = discord.channel(channel);
      const opens = place.guildId !== null && place.thread === null;
      const sent = discord
        .as(user)
        .say(channel, place.guildId === null ? text : `<@${discord.botId}> ${text}`);
      // A question in a channel is answered in a thread of its own.
      const there = opens ? sent.id : channel;
      return until(
        () => replies(there).find(({ id }) => BigInt(id) > BigInt(sent.id)),
        `an answer to “${text.slice(0, 60)}”`,
      );
    },
    command,
    preferences: (user, line, values, channel) => answerTo({ discord }, command(user, line, values, channel)),
  };
}
