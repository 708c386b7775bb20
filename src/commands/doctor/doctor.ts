import { createLog } from '../../log.ts';
import { defineCommand, EXIT, wholeNumber } from '../command.ts';
import { createClockReadings } from './clock.ts';
import { type Check, problem } from './findings.ts';
import { createNetwork } from './network.ts';
import { createReport } from './report.ts';
import { withoutSecrets } from './secrets.ts';
import { CONFIG_TOKEN, readSettings } from './settings.ts';

const TIMEOUT_S = 10;

export const doctor = defineCommand({
  name: 'doctor',
  summary:
    'check settings, tokens, scopes, intents, the agent service, state and queue, and say how to fix them',
  options: {
    timeout: {
      type: 'string',
      value: 'SECONDS',
      help: `how long each server may take to answer; default ${TIMEOUT_S}`,
    },
    listen: {
      type: 'string',
      value: 'SECONDS',
      help: 'connect to Slack for this long and say which events arrive; the bot must be stopped',
    },
    manifest: {
      type: 'string',
      value: 'FILE',
      help: 'what the Slack app is compared with; default ./manifest.yml, else the one that comes with the bot',
    },
  },
  details: `Changes nothing and may be used beside a running bot. Ends with 0 when nothing keeps the bot from working, else with 1.
${CONFIG_TOKEN} (an app configuration token) lets it read the Slack app's event subscriptions as well.`,
  async run({ values, json }, io) {
    const network = createNetwork(
      wholeNumber('timeout', values.timeout, TIMEOUT_S) * 1_000,
      createClockReadings(),
    );
    const listenMs =
      values.listen === undefined ? undefined : wholeNumber('listen', values.listen, 0) * 1_000;
    const log = createLog('silent');
    const { config, slack, discord, agent, checks } = await readSettings(io.env);
    // Loaded when used: the platforms' SDKs take their time.
    const groups = [
      {
        title: 'Settings',
        checks: guarded(async () => {
          if (config === null) return checks;
          const { checkHealthPort } = await import('./health-port.ts');
          return [...checks, ...(await checkHealthPort(config.observability.health, network))];
        }),
      },
      {
        title: 'Slack',
        checks: guarded(async () => {
          if (slack === null) return [];
          const { checkSlack } = await import('./slack.ts');
          return checkSlack({
            settings: slack,
            config,
            configToken: io.env[CONFIG_TOKEN]?.trim() || undefined,
            manifest: values.manifest,
            listenMs,
            signal: io.signal,
            say: text => io.stderr.write(`${text}\n`),
            network,
            log,
          });
        }),
      },
      {
        title: 'Discord',
        checks: guarded(async () => {
          if (discord === null) return [];
          const { checkDiscord } = await import('./discord.ts');
          const { personaOf } = await import('../../adapters/discord/commands.ts');
          return checkDiscord(discord, agent === null ? null : personaOf(agent.file), network);
        }),
      },
      {
        title: 'Agent service',
        checks: guarded(async () => {
          if (config === null) return [];
          const { checkAgentService } = await import('./agent-service.ts');
          return checkAgentService(config, agent, network);
        }),
      },
      {
        title: 'State',
        checks: guarded(async () => {
          if (config === null) return [];
          const { checkState } = await import('./state.ts');
          return checkState(config, agent?.file.name, network);
        }),
      },
      {
        title: 'Queue',
        checks: guarded(async () => {
          if (config === null) return [];
          const { checkQueue } = await import('./queue.ts');
          return checkQueue(config, agent?.file.name, network);
        }),
      },
    ];
    const asked = Promise.all(groups.map(group => group.checks));
    const clock = { title: 'Clock', checks: asked.then(() => network.clocks.checks()) };
    const report = createReport(io.stdout, { json, clean: withoutSecrets(io.env) });
    const code = await report.show([...groups, clock]);
    return io.signal.aborted && listenMs === undefined ? EXIT.interrupted : code;
  },
});

/** A group that breaks says so, and the others still speak. */
async function guarded(work: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await work();
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return [
      problem(
        'doctor.failed',
        `This could not be checked: ${said}`,
        'If you can fix nothing there, the doctor is at fault: please report it with this output.',
      ),
    ];
  }
}
