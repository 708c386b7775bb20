import type { ObservabilitySettings } from '../../observability/observability.ts';
import { type Check, fine, problem } from './findings.ts';
import { bindable } from './listening.ts';
import type { Network } from './network.ts';

/** Whether the bot can listen on HEALTH_PORT: without that it does not start. */
export async function checkHealthPort(
  health: ObservabilitySettings['health'],
  network: Network,
): Promise<Check[]> {
  // 0 takes whichever is free.
  if (health === null || health.port === 0) return [];
  const { host, port } = health;
  const code = await bindable(port, host);
  if (code === null) return [fine(`HEALTH_PORT ${port} is free to listen on`)];
  if (code !== 'EADDRINUSE') {
    return [
      problem(
        'settings.health_port',
        `The bot may not listen on ${host}:${port} (${code})`,
        'Set HEALTH_PORT to a port above 1024, and HEALTH_HOST to an address of this machine.',
      ),
    ];
  }
  if (await isBot(host, port, network)) return [fine(`A bot is already listening on HEALTH_PORT ${port}`)];
  return [
    problem(
      'settings.health_port',
      `HEALTH_PORT ${port} is taken by another program`,
      `Stop it, or set HEALTH_PORT to another one. To see what it is: ss -ltnp 'sport = :${port}'`,
    ),
  ];
}

async function isBot(host: string, port: number, network: Network): Promise<boolean> {
  const everywhere = host === '0.0.0.0' || host === '::';
  const name = everywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  try {
    const answer = await network.fetch(null)(`http://${name}:${port}/healthz`);
    return (await answer.text()) === '{"status":"ok"}';
  } catch {
    return false;
  }
}
