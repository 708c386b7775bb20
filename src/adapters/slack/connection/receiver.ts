import { once } from 'node:events';
import { Server } from 'node:http';
import {
  type App,
  AuthorizationError,
  type CodedError,
  HTTPReceiver,
  type InstallationStore,
  type Receiver,
  type ReceiverEvent,
  SocketModeReceiver,
} from '@slack/bolt';
import type { Log } from '../../../log.ts';
import { throughProxy } from '../../../proxy.ts';
import { createConnecting } from './connecting.ts';
import type { Granted } from './installations.ts';
import { quietLogger } from './quiet-logger.ts';
import { SCOPES } from './scopes.ts';
import type { Install, Transport } from './settings.ts';
import { clientOptions } from './web-client.ts';

/** A delivery for a place where the app is not installed. */
export class NotInstalled extends Error {}

/**
 * Bolt's own receivers, with one thing changed: an event is acknowledged when its listeners are done, which is
 * when it is in the inbox. Bolt does so before they begin, and what is lost then Slack does not send again.
 * Commands and buttons are acknowledged by their listeners, as usual.
 */
export function createReceiver(options: {
  transport: Transport;
  install: Install;
  apiUrl: string;
  /** What came out of an installation page. */
  add?: ((granted: Granted) => Promise<void>) | undefined;
  log: Log;
}): Receiver & {
  /** Slack can deliver: it is connected, or its requests are listened for. */ connected(): boolean;
} {
  const { transport, log } = options;
  const connecting = createConnecting(log);
  const client = clientOptions(options.apiUrl, log);
  const shared = {
    logger: quietLogger(log),
    ...oauthOptions(options),
    installerOptions: {
      clientOptions: { ...client, fetch: connecting.fetch(client.fetch) },
      authorizationUrl: new URL('/oauth/v2/authorize', options.apiUrl).href,
      port: transport.port,
    },
  };
  const inner =
    transport.type === 'http'
      ? new HTTPReceiver({
          ...shared,
          signingSecret: transport.signingSecret,
          port: transport.port,
          async processEventErrorHandler({ error, response }) {
            logFailure(log, error);
            if (!response.headersSent) response.writeHead(isNotInstalled(error) ? 401 : 500).end();
            return isNotInstalled(error);
          },
        })
      : new SocketModeReceiver({
          ...shared,
          appToken: transport.appToken,
          ...throughProxy(),
          async processEventErrorHandler({ error, event }) {
            logFailure(log, error);
            // Bolt would do so by itself, and nobody could catch that the connection has gone meanwhile.
            if (isNotInstalled(error)) await event.ack().catch(lost => logFailure(log, lost));
            return false;
          },
        });
  if (inner instanceof SocketModeReceiver) connecting.watch(inner.client);
  const receiver: Receiver = inner;
  let started = false;
  return {
    connected() {
      return started && (inner instanceof HTTPReceiver || inner.client.websocket?.isActive() === true);
    },
    init(app) {
      receiver.init(
        Object.create(app, { processEvent: { value: (event: ReceiverEvent) => process(app, event) } }),
      );
    },
    async start() {
      started = true;
      if (inner instanceof SocketModeReceiver) {
        await listenForPages(inner, transport.port, log);
        await inner.client.start();
        return;
      }
      try {
        await receiver.start();
      } catch (error) {
        // There is nothing that could be stopped.
        started = false;
        throw error;
      }
    },
    async stop() {
      if (!started) return;
      started = false;
      connecting.stop();
      await receiver.stop();
    },
  };
}

/**
 * Bolt's `start` would do so too, and wait for nothing: that the port is taken would end the process. Nothing to do where there
 * are no installation pages.
 */
async function listenForPages(receiver: SocketModeReceiver, port: number, log: Log): Promise<void> {
  const server: unknown = Reflect.get(receiver, 'httpServer');
  if (!(server instanceof Server)) return;
  await once(server.listen(port), 'listening');
  server.on('error', error => logFailure(log, error));
}

async function process(app: App, event: ReceiverEvent): Promise<void> {
  if (event.body.event === undefined) return app.processEvent(event);
  await app.processEvent({ ...event, ack: async () => {} });
  await event.ack();
}

function isNotInstalled(error: Error): boolean {
  return error instanceof AuthorizationError && error.original instanceof NotInstalled;
}

function logFailure(log: Log, error: Error | CodedError): void {
  if (isNotInstalled(error)) {
    log.warn(
      { event: 'slack.not_installed' },
      'a delivery from a place where the Slack app is not installed',
    );
  } else {
    log.error({ event: 'slack.delivery_failed', err: error }, 'a Slack delivery could not be handled');
  }
}

function oauthOptions({
  install,
  add,
  log,
}: {
  install: Install;
  add?: ((granted: Granted) => Promise<void>) | undefined;
  log: Log;
}) {
  if (install.type === 'token' || add === undefined) return {};
  const { clientId, clientSecret, stateSecret } = install;
  return { clientId, clientSecret, stateSecret, scopes: [...SCOPES], installationStore: storeOf(add, log) };
}

/** The part of Bolt's store that its installation pages use; who may do what is decided elsewhere. */
function storeOf(add: (granted: Granted) => Promise<void>, log: Log): InstallationStore {
  return {
    async storeInstallation(installation) {
      const { bot, team, enterprise, isEnterpriseInstall } = installation;
      const tenant = isEnterpriseInstall === true ? enterprise?.id : team?.id;
      if (bot === undefined || tenant === undefined) {
        log.error({ event: 'slack.install_failed' }, 'Slack granted no bot token');
        throw new Error('Slack granted no bot token');
      }
      await add({
        tenant,
        orgWide: isEnterpriseInstall === true,
        botUser: bot.userId,
        token: bot.token,
        refreshToken: bot.refreshToken ?? null,
        expiresAt: bot.expiresAt === undefined ? null : bot.expiresAt * 1_000,
      });
    },
    async fetchInstallation() {
      throw new Error('installations are not read through Bolt');
    },
  };
}
