import type { Attachment, ModalSubmitInteraction } from 'discord.js';
import { MessageFlags } from 'discord.js';
import { PersonError } from '../../../core/errors.ts';
import { factsWritten, noteWritten } from '../../../core/forms.ts';
import { uploaded } from '../asking.ts';
import { readCustomId } from '../custom-id.ts';
import type { Files } from '../inbound/files.ts';
import { attachmentOf } from '../inbound/inbound.ts';
import type { Dialogs } from './dialogs.ts';
import { FILE_INPUT, valuesOf } from './memory-forms.ts';

/** Forms that come back with what a person wrote into their memory. */
export interface Submissions {
  /** False for a form that is another's. */
  submit(interaction: ModalSubmitInteraction): Promise<boolean>;
}

/** Far more than a memory may hold, so that the core says what is too much. */
const MOST_BYTES = 1_000_000;
const DOWNLOAD_MS = 30_000;

export function createSubmissions(deps: { dialogs: Dialogs; files: Files }): Submissions {
  const { dialogs } = deps;

  /** The text of the file that was uploaded with a form; undefined without one. */
  async function uploadedText(interaction: ModalSubmitInteraction): Promise<string | undefined> {
    if (!interaction.fields.fields.has(FILE_INPUT)) return undefined;
    const file = interaction.fields.getUploadedFiles(FILE_INPUT)?.first();
    return file === undefined ? undefined : textOf(interaction, file);
  }

  async function textOf(interaction: ModalSubmitInteraction, file: Attachment): Promise<string> {
    if (file.size > MOST_BYTES) throw new PersonError('That file is larger than a note can be.');
    const from = { id: interaction.id, channelId: interaction.channelId ?? '' };
    const limit = AbortSignal.timeout(DOWNLOAD_MS);
    const bytes = await deps.files.download(attachmentOf(uploaded(file), from), limit).catch(error => {
      if (!(error instanceof PersonError)) throw error;
      throw new PersonError(`I could not take that file: ${error.message}`);
    });
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      throw new PersonError('That is not a text file. Please save it as plain text (UTF-8).');
    }
  }

  return {
    async submit(interaction) {
      const form = readCustomId(interaction.customId);
      if (form?.action.type !== 'set' && form?.action.type !== 'write') return false;
      if (interaction.isFromMessage()) await interaction.deferUpdate();
      else await interaction.deferReply({ flags: MessageFlags.Ephemeral });
      // Opened for somebody else, it cannot come from this person.
      if (form.owner !== interaction.user.id) return true;
      const { action } = form;
      const values = valuesOf(interaction.fields);
      if (action.type === 'set') {
        const view = await dialogs.ask(interaction, factsWritten(action.formId, values));
        // Beside the other half of the facts.
        await dialogs.settle(interaction, view, { type: 'form' });
        return true;
      }
      const command = noteWritten(action, values, await uploadedText(interaction));
      await dialogs.settle(interaction, await dialogs.ask(interaction, command));
      return true;
    },
  };
}
