// A Slack to test against: keeps state and refuses what the real one refuses. Point a bot at `apiUrl`
// (`clientOptions.slackApiUrl` in @slack/bolt), drive it through workspaces and people, look at what people see.

import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { type Changes, createChanges } from './changes.ts';
import { type Clock, createClock } from './clock.ts';
import { APP_SETTINGS, type AppSettings, type Core } from './core.ts';
import { createDeliveries, type Deliveries } from './deliveries.ts';
import { createUser, type User } from './drivers/user.ts';
import { createWorkspace, type Workspace } from './drivers/workspace.ts';
import { createFaults, type Fault, type FaultPlan } from './faults.ts';
import { createHttpTransport, type HttpTransport } from './http-transport.ts';
import { install } from './installations.ts';
import { createInteractions } from './interactions.ts';
import { createJournal, type JournalEntry } from './journal.ts';
import { type Limits, SLACK_LIMITS } from './limits.ts';
import { createRateLimits, RATE_LIMITS, type RateLimitOptions, type RateLimits } from './rate-limits.ts';
import { crawledOf, pingsOf } from './rendering.ts';
import { type Consent, startServer } from './server.ts';
import { createSocketTransport, type SocketTransport } from './socket-transport.ts';
import { createTokens } from './tokens.ts';
import { createWorld, type Enterprise, type Installation, type Message, type Team } from './world.ts';

export interface FakeSlackOptions {
  /** 0, the default, takes a free port. */
  readonly port?: number;
  readonly host?: string;
  /** Time moves only by `clock.advance`. */
  readonly frozenClock?: boolean;
  readonly app?: Partial<AppSettings>;
  readonly limits?: Partial<Limits>;
  /** False: nobody is throttled; calls are still counted. */
  readonly rateLimits?: false | Partial<RateLimitOptions>;
  /** How many calls the journal keeps. */
  readonly journal?: number;
  /** Told of every call the moment it arrives. */
  readonly onCall?: (entry: JournalEntry) => void;
}

export interface Approval {
  readonly workspace: Workspace;
  /** Who presses Allow. */
  readonly user: User;
  readonly orgWide?: boolean;
}

export interface FakeSlack {
  /** `http://127.0.0.1:PORT/api/` */
  readonly apiUrl: string;
  /** `http://127.0.0.1:PORT`, also where /oauth/v2/authorize is. */
  readonly origin: string;
  readonly app: AppSettings;
  /** The app-level token, xapp-. */
  readonly appToken: string;
  /** The app configuration token of whoever made the app, xoxe.xoxp-. */
  readonly configToken: string;
  readonly clock: Clock;
  readonly rates: RateLimits;
  readonly deliveries: Deliveries;
  readonly socket: SocketTransport;
  readonly until: Changes['until'];
  addWorkspace(name: string, options?: { enterprise?: Enterprise }): Workspace;
  addEnterprise(name: string): Enterprise;
  user(id: string): User;
  /** Saves a Request URL, with Slack's handshake, and delivers there from now on. */
  useHttp(url: string): Promise<HttpTransport>;
  /** Delivers over Socket Mode, as from the start. */
  useSocketMode(): void;
  /** Who answers the next OAuth consent pages; without it they show an error. */
  approve(approval: Approval | 'deny' | undefined): void;
  /** Calls so far, of one method or all, in the order they came. */
  calls(method?: string): readonly JournalEntry[];
  clearJournal(): void;
  fail(method: string, fault: Fault, plan?: FaultPlan): void;
  clearFaults(): void;
  /** Everyone the app's messages called for, and the messages that did it. */
  pings(): readonly { readonly target: string; readonly message: Message }[];
  /** Every address Slack fetched on account of the app's messages. */
  crawled(): readonly { readonly url: string; readonly message: Message }[];
  /** Safe to call twice. */
  stop(): Promise<void>;
}

export async function createFakeSlack(options: FakeSlackOptions = {}): Promise<FakeSlack> {
  const app: AppSettings = { ...APP_SETTINGS, ...options.app };
  const limits: Limits = { ...SLACK_LIMITS, ...options.limits };
  const clock = createClock({ frozen: options.frozenClock ?? false });
  const world = createWorld();
  const changes = createChanges();
  const socket = createSocketTransport(app.id, clock, limits, changes);
  const rateOptions = options.rateLimits === false ? { enabled: false } : options.rateLimits;
  let origin = '';
  const core: Core = {
    app,
    clock,
    limits,
    world,
    rates: createRateLimits(clock, { ...RATE_LIMITS, ...rateOptions }),
    journal: createJournal(options.journal ?? 100_000, options.onCall),
    faults: createFaults(),
    changes,
    deliveries: createDeliveries(clock, limits, changes),
    tokens: createTokens(world, clock, limits, app.id, app.appScopes),
    interactions: createInteractions(),
    socket,
    get origin() {
      return origin;
    },
  };
  core.deliveries.transport = socket;
  let approval: Approval | 'deny' | undefined;
  const consent: Consent = { authorize: query => authorize(core, query, approval) };
  const host = options.host ?? '127.0.0.1';
  const http = await startServer(() => core, consent, options.port ?? 0, host);
  origin = `http://${host}:${portOf(http.server.address())}`;
  const requestUrls: HttpTransport[] = [];

  const appMessages = () =>
    [...world.channels.values()]
      .flatMap(channel => [...channel.messages.values()])
      .filter(({ author }) => author.type === 'app');

  let stopping: Promise<void> | undefined;
  return {
    apiUrl: `${origin}/api/`,
    origin,
    app,
    appToken: core.tokens.appToken,
    configToken: core.tokens.configToken,
    clock,
    rates: core.rates,
    deliveries: core.deliveries,
    socket,
    until: changes.until,
    addWorkspace(name, { enterprise } = {}) {
      const team: Team = {
        id: world.id('T'),
        name,
        domain: name.toLowerCase().replace(/[^a-z0-9]+/g, '-'),
        enterprise,
      };
      world.teams.set(team.id, team);
      return createWorkspace(core, team);
    },
    addEnterprise: name => ({ id: world.id('E'), name }),
    user(id) {
      const person = world.people.get(id);
      if (person === undefined) throw new Error(`nobody has the id ${id}`);
      return createUser(core, person);
    },
    async useHttp(url) {
      const transport = createHttpTransport({ url, signingSecret: app.signingSecret, clock, limits });
      requestUrls.push(transport);
      await transport.verify();
      core.deliveries.transport = transport;
      return transport;
    },
    useSocketMode() {
      core.deliveries.transport = socket;
    },
    approve(next) {
      approval = next;
    },
    calls: method =>
      method === undefined
        ? core.journal.entries
        : core.journal.entries.filter(entry => entry.method === method),
    clearJournal: () => core.journal.clear(),
    fail: core.faults.plan,
    clearFaults: core.faults.clear,
    pings: () => appMessages().flatMap(message => pingsOf(message).map(target => ({ target, message }))),
    crawled: () => appMessages().flatMap(message => crawledOf(message).map(url => ({ url, message }))),
    stop() {
      stopping ??= (async () => {
        clock.stop();
        core.deliveries.stop();
        socket.stop();
        for (const transport of requestUrls) transport.stop();
        changes.stop();
        await http.stop();
      })();
      return stopping;
    },
  };
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string') throw new Error('the fake Slack is not listening');
  return address.port;
}

/** The consent page of docs.slack.dev/authentication/installing-with-oauth, answered by whoever was named. */
function authorize(
  core: Core,
  query: URLSearchParams,
  approval: Approval | 'deny' | undefined,
): ReturnType<Consent['authorize']> {
  if (query.get('client_id') !== core.app.clientId) return { problem: 'Invalid client_id parameter' };
  const scopes = (query.get('scope') ?? '').split(/[ ,]+/).filter(scope => scope !== '');
  if (scopes.length === 0) return { problem: 'Invalid permissions requested' };
  const redirectUri = query.get('redirect_uri') ?? undefined;
  const redirect = redirectUri ?? core.app.redirectUrls[0];
  if (redirect === undefined) return { problem: 'redirect_uri did not match any configured URIs' };
  if (
    core.app.redirectUrls.length > 0 &&
    !core.app.redirectUrls.some(allowed => redirect.startsWith(allowed))
  ) {
    return { problem: 'redirect_uri did not match any configured URIs' };
  }
  const location = new URL(redirect);
  const state = query.get('state');
  if (state !== null) location.searchParams.set('state', state);
  if (approval === 'deny') {
    location.searchParams.set('error', 'access_denied');
    return { location: location.toString() };
  }
  if (approval === undefined) return { problem: 'nobody is signed in' };
  const { team } = approval.workspace;
  const target: Installation['target'] =
    approval.orgWide === true && team.enterprise !== undefined
      ? { type: 'org', enterprise: team.enterprise }
      : { type: 'team', team };
  const code = `${core.app.clientId}.${randomUUID()}`;
  core.world.codes.set(code, {
    installation: install(core, target, scopes),
    user: approval.user.id,
    redirectUri,
    expiresAt: core.clock.now() + core.limits.codeLifetimeMs,
  });
  location.searchParams.set('code', code);
  return { location: location.toString() };
}
