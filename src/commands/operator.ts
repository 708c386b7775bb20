import type Anthropic from '@anthropic-ai/sdk';
import { joinApi } from '../agent-api.ts';
import { type Config, readConfig } from '../config.ts';
import { type AgentFile, readAgentFile } from '../core/agent-file.ts';
import { operatorSentence, SetupError } from '../core/errors.ts';
import { openState } from '../core/state/open.ts';
import type { State } from '../core/state/state.ts';
import { refuseAnother } from '../core/state/state-owner.ts';
import { createLog, type Log } from '../log.ts';
import { type Io, NotFoundError, UsageError } from './command.ts';

/** What an operator's command works with. */
export interface Operator {
  client: Anthropic;
  config: Config;
  file: AgentFile;
  /** agent.yml's name: which stores at the API are this bot's. */
  app: string;
  log: Log;
}

/** Settings, agent file and API for the time of one command. Failures of the API become the operator's sentence. */
export async function withOperator<T>(io: Io, work: (operator: Operator) => Promise<T>): Promise<T> {
  const config = readConfig(io.env);
  const file = await readAgentFile(config.agentFile);
  const log = createLog(config.logLevel ?? 'warn');
  const api = await joinApi(config, log);
  try {
    return await work({ client: api.client, config, file, app: file.name, log });
  } catch (error) {
    if (error instanceof UsageError || error instanceof NotFoundError) throw error;
    log.debug({ event: 'command.failed', err: error }, 'a command failed');
    throw new SetupError(operatorSentence(error, api.baseUrl), { cause: error });
  } finally {
    await api.stop();
  }
}

/** The bot's own state. Rejects with a SetupError where a running bot holds it, or it is another bot's. */
export async function openBotState({ config, app }: Pick<Operator, 'config' | 'app'>): Promise<State> {
  const state = await openState(config.databaseUrl, config.dataDir);
  try {
    await refuseAnother(state, app);
    return state;
  } catch (error) {
    await state.close();
    throw error;
  }
}

/** As `openBotState`; null where a running bot holds it. */
export async function openFreeState(operator: Pick<Operator, 'config' | 'app'>): Promise<State | null> {
  try {
    return await openBotState(operator);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof Error && cause.message.includes('SQLITE_BUSY')) return null;
    throw error;
  }
}
