import {
  type ChatInputCommandInteraction,
  type Interaction,
  MessageFlags,
  type RepliableInteraction,
} from 'discord.js';
import type { BotPort } from '../../core/adapter.ts';
import { personSentence } from '../../core/errors.ts';
import type { State } from '../../core/state.ts';
import type { Log } from '../../log.ts';
import { createAsking } from './asking.ts';
import { ASK, ASK_ABOUT, PREFERENCES } from './commands.ts';
import { sentencePanel } from './memory-panels.ts';
import type { Notices } from './notices.ts';
import { createPresses, isMode } from './presses.ts';
import type { Questions } from './questions.ts';

export interface Interactions {
  /** Answers or defers within the three seconds Discord gives. Never rejects. */
  handle(interaction: Interaction): Promise<void>;
}

const EPHEMERAL = { flags: MessageFlags.Ephemeral } as const;

export function createInteractions(deps: {
  bot: BotPort;
  state: State;
  questions: Questions;
  notices: Notices;
  botId(): string;
  now: () => number;
  log: Log;
}): Interactions {
  const { log } = deps;
  const asking = createAsking(deps);
  const presses = createPresses(deps);

  async function route(interaction: Interaction): Promise<void> {
    if (interaction.isChatInputCommand()) {
      if (interaction.commandName === PREFERENCES) await preferences(interaction);
      else if (interaction.commandName === ASK) await asking.ask(interaction);
    } else if (interaction.isMessageContextMenuCommand()) {
      if (interaction.commandName === ASK_ABOUT) await asking.openForm(interaction);
    } else if (interaction.isModalSubmit()) {
      await asking.submitForm(interaction);
    } else if (interaction.isButton() || interaction.isStringSelectMenu()) {
      await presses.press(interaction);
    }
  }

  async function preferences(interaction: ChatInputCommandInteraction): Promise<void> {
    await interaction.deferReply(EPHEMERAL);
    const mode = interaction.options.getString('notices');
    const change = isMode(mode) ? ({ type: 'notices', mode } as const) : undefined;
    await interaction.editReply(await presses.memory(interaction, 0, change));
  }

  /** Tells the person what went wrong, in whatever way the interaction still allows. */
  async function apologise(interaction: Interaction, error: unknown): Promise<void> {
    if (!interaction.isRepliable()) return;
    const sentence = personSentence(error);
    try {
      await answer(interaction, sentence);
    } catch (again) {
      log.warn(
        { event: 'discord.interaction_unanswered', err: again },
        'an interaction could not be answered',
      );
    }
  }

  return {
    async handle(interaction) {
      try {
        await route(interaction);
      } catch (error) {
        log.error(
          { event: 'discord.interaction_failed', kind: interaction.type, err: error },
          'an interaction failed',
        );
        await apologise(interaction, error);
      }
    },
  };
}

async function answer(interaction: RepliableInteraction, sentence: string): Promise<void> {
  if (!interaction.deferred && !interaction.replied) {
    await interaction.reply({ content: sentence, ...EPHEMERAL });
  } else if (interaction.isMessageComponent() && interaction.ephemeral === null) {
    // A component whose message stays as it is.
    await interaction.followUp({ content: sentence, ...EPHEMERAL });
  } else {
    await interaction.editReply(sentencePanel(sentence, interaction.user.id));
  }
}
