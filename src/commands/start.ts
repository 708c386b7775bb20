import { CLOUD, readConfig } from '../config.ts';
import { operatorSentence, SetupError } from '../core/errors.ts';
import { createLog } from '../log.ts';
import { OWN_AGENT_FILE } from '../own-files.ts';
import { createPlainLog } from '../plain-log.ts';
import { isKeyboard } from '../platforms.ts';
import { defineCommand, EXIT, UsageError } from './command.ts';

const ROLES = ['all', 'ingest', 'worker'] as const;

export const start = defineCommand({
  name: 'start',
  summary: 'start every platform whose credentials are set; with none, chat in the terminal',
  json: false,
  options: {
    role: {
      type: 'string',
      value: 'ROLE',
      help: 'all, ingest (accepts, answers nothing) or worker (answers only); default all',
    },
    user: { type: 'string', value: 'NAME', help: 'who you are in the terminal (default: your login name)' },
  },
  async run({ values }, io) {
    const role = ROLES.find(known => known === (values.role ?? 'all'));
    if (role === undefined) throw new UsageError(`--role must be one of ${ROLES.join(', ')}.`);
    const config = readConfig(io.env);
    // In a chat on a terminal, routine log lines would stand between the replies.
    const chat = config.slack === null && config.discord === null && config.adapters.length === 0;
    // Whoever sits there reads sentences; whoever asks for a level, or collects the log, gets the log.
    const atKeyboard = chat && isKeyboard() && io.stderr.isTTY === true && config.logLevel === undefined;
    const plainLog = atKeyboard ? createPlainLog(line => io.stderr.write(`${line}\n`)) : undefined;
    const log = createLog(config.logLevel ?? (chat ? 'warn' : 'info'), plainLog);
    if (config.agentFile === OWN_AGENT_FILE) {
      const said = 'There is no agent.yml here: using the persona that comes with Shopper.';
      if (chat) io.stderr.write(`${said} "shopper init" writes one for you to change.\n`);
      else log.warn({ event: 'agent.default_file' }, said);
    }
    // Loaded here, so that other commands need not wait for it.
    const { run } = await import('../main.ts');
    const { user } = values;
    const { signal } = io;
    const options = {
      role,
      signal,
      ...(user === undefined ? {} : { user }),
      ...(plainLog ? { plainLog } : {}),
    };
    const running = await run(config, options, log).catch((error: unknown) => {
      if (signal.aborted) return null;
      const baseUrl = config.api.type === 'remote' ? config.api.baseUrl : CLOUD;
      throw new SetupError(operatorSentence(error, baseUrl), { cause: error });
    });
    if (running === null) return EXIT.interrupted;
    const signalled = new Promise<void>(resolve => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([running.finished, signalled]);
    await running.stop();
    return EXIT.ok;
  },
});
