import { App, type Receiver } from '@slack/bolt';
import { z } from 'zod';
import type { Log } from '../../../log.ts';
import type { Origin } from '../events.ts';
import { type Inbound, readEvent } from '../inbound.ts';
import { maybe } from '../maybe.ts';
import type { Installations, Source } from './installations.ts';
import { quietLogger } from './quiet-logger.ts';
import { NotInstalled } from './receiver.ts';
import { clientOptions } from './web-client.ts';

export interface EventHandlers {
  /** Rejects when Slack should send the event again. */
  handle(inbound: Exclude<Inbound, { type: 'removed' }>, origin: Origin): Promise<void>;
  /** Slack says that the app, or its token, was removed. */
  removed(source: Source): Promise<void>;
}

const authorized = z.object({ tenant: z.string(), botUser: z.string() });
const pressedBlock = z.looseObject({
  actions: z.array(z.looseObject({ block_id: maybe(z.string()) })).min(1),
  view: z.looseObject({ app_installed_team_id: z.string().nullish() }).nullish(),
});

/** Bolt, which verifies, acknowledges and sorts what Slack delivers; it is given no token and keeps nothing. */
export function createBoltApp(deps: {
  receiver: Receiver;
  installations: Installations;
  apiUrl: string;
  log: Log;
}): App {
  const { installations } = deps;

  /**
   * Which installation a delivery is for. Whoever presses a button may come from another workspace, which is the one that
   * Slack names then; a message's button names its own, a window's the window (Bolt asks that of forms alone). Every
   * call goes through our own clients.
   */
  async function authorize(source: Source, body: unknown) {
    const pressed = pressedBlock.safeParse(body).data;
    const named = /^([TE][A-Z0-9]+):/.exec(pressed?.actions[0]?.block_id ?? '')?.[1];
    const tenant = named ?? pressed?.view?.app_installed_team_id ?? undefined;
    const installation =
      (tenant === undefined ? null : await installations.get(tenant)) ?? (await installations.find(source));
    if (installation === null) throw new NotInstalled('not installed there');
    return { tenant: installation.tenant, botUser: installation.botUser };
  }

  return new App({
    receiver: deps.receiver,
    authorize: async (source, body) =>
      authorize(
        { team: source.teamId, enterprise: source.enterpriseId, orgWide: source.isEnterpriseInstall },
        body,
      ),
    clientOptions: clientOptions(deps.apiUrl, deps.log),
    logger: quietLogger(deps.log),
    // Both would need what they are not given: the bot reads events by itself, and keeps nothing in Bolt.
    ignoreSelf: false,
    convoStore: false,
  });
}

const SAID = /^(?:message|app_mention|app_home_opened|agent_session_stopped)$/;
const REMOVED = /^(?:app_uninstalled|tokens_revoked)$/;

/** One listener for many kinds: Bolt goes through all there are for every event. */
export function registerEvents(app: App, handlers: EventHandlers): void {
  app.event(SAID, async ({ payload, body, context }) => {
    const { tenant, botUser } = authorized.parse(context);
    const inbound = readEvent(payload, botUser);
    const again = (context.retryNum ?? 0) > 0;
    const guests = body.is_ext_shared_channel === true;
    if (inbound.type !== 'removed')
      await handlers.handle(inbound, {
        tenant,
        team: context.teamId ?? body.team_id ?? tenant,
        guests,
        again,
      });
  });
  app.event(REMOVED, async ({ payload, context }) => {
    if (readEvent(payload, '').type !== 'removed') return;
    await handlers.removed({
      team: context.teamId,
      enterprise: context.enterpriseId,
      orgWide: context.isEnterpriseInstall,
    });
  });
}
