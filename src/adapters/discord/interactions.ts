import { type Interaction, MessageFlags, type RepliableInteraction } from 'discord.js';
import type { BotPort } from '../../core/adapter.ts';
import { PersonError, personSentence } from '../../core/errors.ts';
import { panelOf } from '../../core/panels.ts';
import type { State } from '../../core/state/state.ts';
import { outcome } from '../../core/views.ts';
import type { Log } from '../../log.ts';
import { createAsking } from './asking.ts';
import { ASK, WHY_THIS } from './commands.ts';
import type { DiscordApi } from './connection/api.ts';
import { createRelays } from './connection/relays.ts';
import type { Files } from './inbound/files.ts';
import { createChoices } from './memory/choices.ts';
import { createDialogs } from './memory/dialogs.ts';
import { panelsOf } from './memory/panels.ts';
import { createPreferences } from './memory/preferences.ts';
import { PREFERENCES } from './memory/preferences-command.ts';
import { createSubmissions } from './memory/submissions.ts';
import type { Notices } from './notices.ts';
import { createPresses } from './presses.ts';
import { createReasons } from './reasons.ts';
import type { Answers } from './reply/answers.ts';
import type { Questions } from './reply/questions.ts';

export interface Interactions {
  /** Answers or defers within the three seconds Discord gives. Never rejects. */
  handle(interaction: Interaction): Promise<void>;
}

/** Far more than come again when a connection is resumed. */
const REMEMBERED = 1_000;
const EPHEMERAL = { flags: MessageFlags.Ephemeral } as const;

export function createInteractions(deps: {
  bot: BotPort;
  state: State;
  api: DiscordApi;
  answers: Answers;
  questions: Questions;
  notices: Notices;
  files: Files;
  botId(): string;
  now: () => number;
  /** See createDialogs. */
  formWaitMs?: number;
  log: Log;
}): Interactions {
  const { bot, answers, files, log } = deps;
  const asking = createAsking(deps);
  const wait = deps.formWaitMs === undefined ? {} : { formWaitMs: deps.formWaitMs };
  const dialogs = createDialogs({ bot, changed: person => choices.changed(person), ...wait });
  const choices = createChoices({ ask: dialogs.ask, now: deps.now });
  const reasons = createReasons({ answers, dialogs });
  const preferences = createPreferences({ dialogs, choices, reasons });
  const submissions = createSubmissions({ dialogs, files });
  const presses = createPresses({ ...deps, dialogs, reasons, relays: createRelays(bot) });

  const handled = new Set<string>();

  /** Discord may deliver one again when a connection is resumed; what it does is to be done once. */
  function isRepeated({ id }: Interaction): boolean {
    if (handled.has(id)) return true;
    handled.add(id);
    if (handled.size > REMEMBERED) handled.delete(handled.values().next().value ?? '');
    return false;
  }

  async function route(interaction: Interaction): Promise<void> {
    if (interaction.isAutocomplete()) {
      await choices.suggest(interaction);
    } else if (interaction.isChatInputCommand()) {
      if (interaction.commandName === PREFERENCES) await preferences.run(interaction);
      else if (interaction.commandName === ASK) await asking.ask(interaction);
    } else if (interaction.isMessageContextMenuCommand()) {
      if (interaction.commandName === WHY_THIS) {
        await interaction.deferReply(EPHEMERAL);
        await reasons.showTarget(interaction);
        // The other one, whatever it is called: it may still be registered under the name from before an update.
      } else await asking.openForm(interaction);
    } else if (interaction.isModalSubmit()) {
      if (!(await submissions.submit(interaction))) await asking.submitForm(interaction);
    } else if (interaction.isButton() || interaction.isStringSelectMenu()) {
      await presses.press(interaction);
    }
  }

  /** Tells the person what went wrong, in whatever way the interaction still allows. */
  async function apologise(interaction: Interaction, error: unknown): Promise<void> {
    if (!interaction.isRepliable()) return;
    try {
      await answer(interaction, personSentence(error));
    } catch (again) {
      log.warn(
        { event: 'discord.interaction_unanswered', err: again },
        'an interaction could not be answered',
      );
    }
  }

  return {
    async handle(interaction) {
      if (isRepeated(interaction)) return;
      try {
        await route(interaction);
      } catch (error) {
        // What a person has to mend is for them alone.
        if (!(error instanceof PersonError)) {
          log.error(
            { event: 'discord.interaction_failed', kind: interaction.type, err: error },
            'an interaction failed',
          );
        }
        await apologise(interaction, error);
      }
    },
  };
}

async function answer(interaction: RepliableInteraction, sentence: string): Promise<void> {
  if (!interaction.deferred && !interaction.replied) {
    await interaction.reply({ content: sentence, ...EPHEMERAL });
  } else if (staysAsItIs(interaction)) {
    await interaction.followUp({ content: sentence, ...EPHEMERAL });
  } else {
    for (const panel of panelsOf(panelOf(outcome(false, sentence)), interaction.user.id, {}).slice(0, 1)) {
      await interaction.editReply(panel);
    }
  }
}

/** A component or form whose message is not to be replaced by an apology. */
function staysAsItIs(interaction: RepliableInteraction): boolean {
  const onMessage =
    interaction.isMessageComponent() || (interaction.isModalSubmit() && interaction.isFromMessage());
  return onMessage && interaction.ephemeral === null;
}
