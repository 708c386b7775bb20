import type { Interaction, MessageContextMenuCommandInteraction } from 'discord.js';
import { personBehind } from './inbound/people.ts';
import type { Answerable, Dialogs } from './memory/dialogs.ts';
import type { Answered, Answers } from './reply/answers.ts';

/** What a reply used of the person's memory. */
export interface Reasons {
  /** Absent `reply` (the message of the bot): the latest where they are. The interaction is deferred by then. */
  show(interaction: Answerable, reply: string | undefined, page?: number): Promise<void>;
  /** Of the message that the command was used on. */
  showTarget(interaction: MessageContextMenuCommandInteraction): Promise<void>;
}

export function createReasons(deps: { answers: Answers; dialogs: Dialogs }): Reasons {
  const { answers, dialogs } = deps;

  async function show(interaction: Answerable, reply: string | undefined, page = 0): Promise<void> {
    const answered = reply === undefined ? null : await answers.find(personBehind(interaction), reply);
    if (reply !== undefined && answered === null) {
      await dialogs.show(interaction, { type: 'outcome', ok: false, sentence: NOT_THEIRS });
      return;
    }
    const view = await dialogs.ask(
      interaction,
      { type: 'why', ...(answered === null ? {} : { messageId: answered.messageId }) },
      answered?.conversation,
    );
    await dialogs.show(interaction, view, { page, reply });
  }

  return {
    show,
    async showTarget(interaction) {
      const { targetMessage: target } = interaction;
      if (target.author.id !== interaction.client.user.id) {
        await dialogs.show(interaction, { type: 'outcome', ok: false, sentence: NOT_MINE });
        return;
      }
      const asked = askedBy(interaction);
      if (asked !== null) await answers.note(asked, target.id);
      await show(interaction, target.id);
    },
  };
}

/** What the bot says in answer to a command names the command, which is the message it answered. */
function askedBy(interaction: MessageContextMenuCommandInteraction): Answered | null {
  const by = interaction.targetMessage.interactionMetadata;
  if (by === null || by.user.id !== interaction.user.id) return null;
  return { conversation: { ...here(interaction), audience: 'shared' }, messageId: by.id };
}

function here(interaction: Interaction) {
  return { person: personBehind(interaction), channel: interaction.channelId ?? '', thread: null };
}

const NOT_MINE = 'That is not one of my replies. Choose “Why this?” on something I said to you.';
const NOT_THEIRS =
  'I only know that for my replies to you, and only for a month. If this was one, I no longer know what it was based on.';
