// A Discord to test against: REST v10 and gateway v10 on 127.0.0.1, for the real discord.js client. It keeps
// state and refuses what Discord refuses, so that a bot which passes here has met the rules that matter: limits
// of messages and components, permissions, intents, interaction deadlines, rate limits, threads, nonces. The
// rules come from Discord's developer documentation (discord/discord-api-docs, read in August 2026), from
// discord-api-types, and from what @discordjs/rest and @discordjs/ws expect; each file names its part.
//
// It needs nothing but a port, runs alone in a process as well as in a test, and is quick: no rule waits on real
// time unless the client does.

import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApiServer } from './api-server.ts';
import { createCdn } from './cdn.ts';
import { type Clock, createClock } from './clock.ts';
import { createPerson, type Person } from './drivers/person.ts';
import { createWorld, type World } from './drivers/world.ts';
import { createFaults, type Faults } from './faults.ts';
import { createGateway, type Gateway } from './gateway/gateway.ts';
import { createJournal, type Journal, type RestEntry } from './journal.ts';
import type { Kernel } from './kernel.ts';
import type { Ping } from './mentions.ts';
import { createRateLimits, type RateLimitOptions, type RateLimits } from './rate-limits.ts';
import { createRouter } from './router.ts';
import { applicationRoutes } from './routes/applications.ts';
import { channelRoutes } from './routes/channels.ts';
import { gatewayRoutes } from './routes/gateway.ts';
import { guildRoutes } from './routes/guilds.ts';
import { interactionRoutes } from './routes/interactions.ts';
import { messageRoutes } from './routes/messages.ts';
import { userRoutes } from './routes/users.ts';
import { createSnowflakes } from './snowflakes.ts';
import {
  type Application,
  type Channel,
  channelOf,
  createState,
  type Interaction,
  type Message,
  type State,
} from './state.ts';

export interface FakeDiscordOptions {
  token?: string;
  /** The intents switched on in the developer portal; all off by default, as for a new app. */
  privileged?: Partial<Application['privileged']>;
  /** Past 10,000 users and approved: the application's flags say so. */
  verified?: boolean;
  /** An Interactions Endpoint URL in the developer portal. */
  interactionsEndpointUrl?: string;
  /** "Requires OAuth2 Code Grant" in the developer portal. */
  requireCodeGrant?: boolean;
  botName?: string;
  port?: number;
  /** How fast the fake's own time runs. */
  speed?: number;
  /** False switches all rate limits off, headers included. */
  rateLimits?: false | Partial<RateLimitOptions>;
  heartbeatIntervalMs?: number;
  shards?: number;
  maxConcurrency?: number;
  identifiesPerDay?: number;
  identifyWindowMs?: number;
  sessionTtlMs?: number;
  /** Base of attachment addresses in payloads, when it is not to be the fake's own CDN. */
  cdnPublicUrl?: string;
  attachmentTtlMs?: number;
  /** Ids are counted, and tell no time. */
  countedIds?: boolean;
  /** Bytes that a file may have; 10 MiB by default, as in a server without boosts. */
  fileLimit?: number;
  /** How many entries the journal keeps. */
  journalLimit?: number;
  /** Told of every REST call as it comes. */
  onCall?: (entry: RestEntry) => void;
}

export interface FakeDiscord {
  /** For `rest.api` of discord.js, such as http://127.0.0.1:PORT/api. */
  readonly apiUrl: string;
  /** Where attachments are served from. */
  readonly cdnUrl: string;
  readonly token: string;
  readonly applicationId: string;
  readonly botId: string;
  readonly clock: Clock;
  readonly state: State;
  readonly journal: Journal;
  readonly gateway: Gateway;
  readonly faults: Faults;
  readonly rateLimits: RateLimits;
  /** Whom each message and edit would have notified, and what would have unfolded, oldest first. */
  readonly pings: readonly Ping[];
  readonly world: World;
  /** The person with this user id, to act and to look with. */
  as(userId: string): Person;
  channel(id: string): Channel;
  /** Messages that exist in a channel, oldest first, ephemeral ones included. */
  messages(channelId: string): Message[];
  /** Resolves when the bot has given its first answer. */
  answered(interaction: Interaction): Promise<NonNullable<Interaction['answer']>>;
  /** Waits for the bot: see Journal.until. */
  until: Journal['until'];
  /** A new token in the developer portal: the old one gets 401 and 4004 from now on. */
  resetToken(token: string): void;
  stop(): Promise<void>;
}

export async function createFakeDiscord(options: FakeDiscordOptions = {}): Promise<FakeDiscord> {
  const clock = createClock(options.speed);
  const ids = createSnowflakes(clock, options.countedIds);
  const journal = createJournal(clock, options.journalLimit ?? 100_000, options.onCall);
  const ownerId = ids.next();
  const botId = ids.next();
  const app: Application = {
    id: botId,
    name: options.botName ?? 'Shopper',
    token: options.token ?? `${Buffer.from(botId).toString('base64url')}.fake.token`,
    botId,
    ownerId,
    privileged: { messageContent: false, guildMembers: false, presences: false, ...options.privileged },
    verified: options.verified ?? false,
    interactionsEndpointUrl: options.interactionsEndpointUrl ?? null,
    requireCodeGrant: options.requireCodeGrant ?? false,
    userInstalls: new Set(),
    commands: new Map(),
    commandCreates: new Map(),
  };
  const state = createState(app);
  const cdn = await createCdn(clock, state, {
    ttlMs: options.attachmentTtlMs ?? 24 * 60 * 60_000,
    publicUrl: options.cdnPublicUrl,
  });
  const rateLimits = createRateLimits(clock, {
    enabled: options.rateLimits !== false,
    globalPerSecond: 50,
    invalidRequestsPerTenMinutes: 10_000,
    overrides: {},
    ...(options.rateLimits || {}),
  });
  const pings: Ping[] = [];
  const kernel: Kernel = {
    clock,
    ids,
    state,
    journal,
    rateLimits,
    pings,
    fileLimit: options.fileLimit ?? 10 * 1024 * 1024,
    attachmentUrl: cdn.attachmentUrl,
    emit: event => gateway.dispatch(event),
  };
  const faults = createFaults();
  const router = createRouter([
    ...gatewayRoutes(() => gateway),
    ...messageRoutes,
    ...channelRoutes,
    ...guildRoutes,
    ...userRoutes,
    ...interactionRoutes,
    ...applicationRoutes,
  ]);
  const server = createApiServer(kernel, router, faults);
  await new Promise<void>(resolve => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const gateway = createGateway(
    kernel,
    {
      heartbeatIntervalMs: options.heartbeatIntervalMs ?? 41_250,
      shards: options.shards ?? 1,
      maxConcurrency: options.maxConcurrency ?? 1,
      identifiesPerDay: options.identifiesPerDay ?? 1_000,
      identifyWindowMs: options.identifyWindowMs ?? 5_000,
      sessionTtlMs: options.sessionTtlMs ?? 180_000,
      guildsPerShard: 2_500,
    },
    `ws://127.0.0.1:${port}`,
  );
  server.on('upgrade', (request, socket, head) => gateway.upgrade(request, socket, head));

  const world = createWorld(kernel);
  world.addUser('Owner', { id: ownerId });
  world.addUser(app.name, { id: botId, bot: true });

  let stopping: Promise<void> | undefined;
  async function stop(): Promise<void> {
    await gateway.stop();
    await Promise.all([closeServer(server), cdn.stop()]);
  }

  return {
    apiUrl: `http://127.0.0.1:${port}/api`,
    cdnUrl: cdn.url,
    get token() {
      return app.token;
    },
    applicationId: app.id,
    botId,
    clock,
    state,
    journal,
    gateway,
    faults,
    rateLimits,
    pings,
    world,
    as: userId => createPerson(kernel, userId),
    channel: id => channelOf(state, id),
    messages: channelId =>
      [...channelOf(state, channelId).messages.values()].filter(message => message.deletedAt === null),
    answered: interaction => journal.until(() => interaction.answer, 'the answer to an interaction'),
    until: journal.until,
    resetToken(token) {
      app.token = token;
    },
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise(resolve => server.close(() => resolve()));
}
