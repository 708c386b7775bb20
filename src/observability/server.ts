import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { SetupError } from '../core/errors.ts';
import type { Metrics } from './metrics.ts';
import type { Standing } from './readiness.ts';

export interface HealthServer {
  /** Where it listens, e.g. http://127.0.0.1:9464 */
  url: string;
  /** Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * /healthz, /readyz and /metrics, apart from anything the internet may reach. `ready` is null as long as the
 * process is still being put together.
 */
export async function serveHealth(options: {
  host: string;
  /** 0: a free one. */
  port: number;
  metrics: Metrics;
  ready: () => Promise<Standing> | null;
}): Promise<HealthServer> {
  const app = new Hono();
  app.get('/healthz', c => c.json({ status: 'ok' }));
  app.get('/readyz', async c => {
    const { ready, checks } = (await options.ready()) ?? { ready: false, checks: { process: 'starting' } };
    const notReady = Object.entries(checks).filter(([, problem]) => problem !== null);
    const told = notReady.length === 0 ? {} : { not_ready: Object.fromEntries(notReady) };
    return ready ? c.json({ status: 'ready', ...told }) : c.json({ status: 'not ready', ...told }, 503);
  });
  app.get('/metrics', async c => {
    const { registry } = options.metrics;
    return c.body(await registry.metrics(), 200, { 'content-type': registry.contentType });
  });

  // The local runtime and everybody's fetch in this process keep the global Request and Response.
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false });
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause => reject(new SetupError(sentenceOf(cause, options), { cause })));
    server.listen(options.port, options.host, resolve);
  });
  const { address, family, port } = server.address() as AddressInfo;
  let stopping: Promise<void> | undefined;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    stop() {
      stopping ??= new Promise(resolve => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      });
      return stopping;
    },
  };
}

function sentenceOf(cause: Error, { host, port }: { host: string; port: number }): string {
  const code = 'code' in cause ? cause.code : undefined;
  if (code === 'EADDRINUSE') return `Port ${port} on ${host} is in use. Set HEALTH_PORT to another one.`;
  return `Cannot listen on ${host}:${port} (${cause.message}). Check HEALTH_HOST and HEALTH_PORT.`;
}
