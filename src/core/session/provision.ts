import { isDeepStrictEqual } from 'node:util';
import type Anthropic from '@anthropic-ai/sdk';
import type {
  AgentCreateParams,
  BetaManagedAgentsAgent,
} from '@anthropic-ai/sdk/resources/beta/agents/agents';
import type {
  BetaEnvironment,
  EnvironmentCreateParams,
} from '@anthropic-ai/sdk/resources/beta/environments/environments';
import type { Log } from '../../log.ts';
import type { AgentFile } from '../agent-file.ts';
import { allUnlessGone, failureOf, SetupError, unlessGone } from '../errors.ts';
import { underClaim } from '../queue/claim.ts';
import type { State } from '../state/state.ts';
import { refuseAnother } from '../state/state-owner.ts';
import type { CustomToolRegistry } from '../turn/custom-tools.ts';
import { APP_KEY, HASH_KEY, wantedBy } from './provision-wanted.ts';

/** What every session is created with. */
export interface Provision {
  agentId: string;
  agentVersion: number;
  environmentId: string;
}

interface Known extends Provision {
  hash: string;
}

/** One for all bots, so that of two that begin on an empty state one finds the other. */
const CLAIM = 'agent';
const CLAIM_MS = 30_000;
const CLAIM_POLL_MS = 100;

/**
 * Makes sure that agent.yml has exactly one agent and one environment, at the file's current content.
 * Once per file: what is known is verified, both with one request each; what is lost is found by its metadata; what is
 * new is created under a claim, so that processes sharing a state never create two. Processes that share
 * nothing but the API settle it afterwards: the oldest stays, the others are archived by whoever made them.
 */
export async function provision(deps: {
  client: Anthropic;
  state: State;
  file: AgentFile;
  tools: CustomToolRegistry;
  log: Log;
}): Promise<Provision> {
  const { client, state, file, log } = deps;
  const known = state.table<Known>('provision');
  const claims = state.table<string>('provision-claim');
  const app = file.name;
  const { agentParams, environmentParams, hash } = wantedBy(file, deps.tools);

  return underClaim(claims, CLAIM, { ttlMs: CLAIM_MS, pollMs: CLAIM_POLL_MS }, async () => {
    const before = await known.get(app);
    if (before === undefined) await refuseAnother(state, app);
    if (before?.hash === hash && (await isLive(client, before))) return before;
    const environment = await ensureEnvironment(client, before?.environmentId, app, environmentParams, log);
    const agent = await ensureAgent(client, before?.agentId, app, hash, agentParams, log);
    const now: Known = {
      agentId: agent.id,
      agentVersion: agent.version,
      environmentId: environment.id,
      hash,
    };
    await known.set(app, now);
    return now;
  });
}

/** What stands at the API for agent.yml. */
export interface Standing {
  /** Every live agent of this name, oldest first; `current`: as the file wants it. */
  agents: { id: string; version: number; current: boolean }[];
  environments: { id: string; current: boolean }[];
}

/** What `provision` would find. Creates and changes nothing; throws a SetupError as it would. */
export async function lookUpProvision(deps: {
  client: Anthropic;
  file: AgentFile;
  tools: CustomToolRegistry;
}): Promise<Standing> {
  const { client, file } = deps;
  const { environmentParams, hash } = wantedBy(file, deps.tools);
  const agents: BetaManagedAgentsAgent[] = [];
  for await (const agent of client.beta.agents.list({ limit: 100 })) {
    if (agent.archived_at === null && agent.metadata[APP_KEY] === file.name) agents.push(agent);
  }
  const environments: BetaEnvironment[] = [];
  for await (const environment of client.beta.environments.list({ limit: 100 })) {
    if (environment.archived_at === null && environment.metadata[APP_KEY] === file.name) {
      environments.push(environment);
    }
  }
  const byAge = (a: BetaManagedAgentsAgent | BetaEnvironment, b: typeof a) => (isOlder(a, b) ? -1 : 1);
  return {
    agents: agents.sort(byAge).map(({ id, version, metadata }) => ({
      id,
      version,
      current: metadata[HASH_KEY] === hash,
    })),
    environments: environments
      .sort(byAge)
      .map(({ id, config }) => ({ id, current: isAsWanted(config, environmentParams.config) })),
  };
}

/** Whether everything wanted is there as wanted; the service adds fields of its own. */
function isAsWanted(there: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return there === wanted;
  if (typeof there !== 'object' || there === null) return false;
  if (Array.isArray(wanted)) return isDeepStrictEqual(there, wanted);
  const given = new Map(Object.entries(there));
  return Object.entries(wanted).every(([key, value]) => isAsWanted(given.get(key), value));
}

async function isLive(client: Anthropic, known: Known): Promise<boolean> {
  const [agent, environment] = await Promise.all([
    unlessGone(client.beta.agents.retrieve(known.agentId)),
    unlessGone(client.beta.environments.retrieve(known.environmentId)),
  ]);
  return (
    agent?.archived_at === null && agent.version === known.agentVersion && environment?.archived_at === null
  );
}

async function ensureAgent(
  client: Anthropic,
  knownId: string | undefined,
  app: string,
  hash: string,
  params: AgentCreateParams,
  log: Log,
): Promise<BetaManagedAgentsAgent> {
  const stamped = { ...params, metadata: { [APP_KEY]: app, [HASH_KEY]: hash } };
  const byId = knownId === undefined ? null : await unlessGone(client.beta.agents.retrieve(knownId));
  const existing = byId?.archived_at === null ? byId : await oldestAgent(client, app);
  if (existing !== null) {
    if (existing.metadata[HASH_KEY] === hash) return existing;
    // `version` makes it a compare-and-set: two processes updating at once cannot overwrite each other.
    const updated = await client.beta.agents
      .update(existing.id, { ...stamped, version: existing.version }, { maxRetries: 0 })
      .catch((error: unknown) => {
        const failure = failureOf(error);
        if (failure.type === 'refused' && failure.reason === 'conflict')
          return client.beta.agents.retrieve(existing.id);
        throw refusal(error);
      });
    log.info({ event: 'agent.updated', agent: updated.id, version: updated.version }, 'agent updated');
    return updated;
  }
  const created = await client.beta.agents.create(stamped, { maxRetries: 0 }).catch((error: unknown) => {
    throw refusal(error);
  });
  const oldest = (await oldestAgent(client, app)) ?? created;
  if (oldest.id !== created.id) {
    await client.beta.agents.archive(created.id);
    log.info(
      { event: 'agent.settled', kept: oldest.id, archived: created.id },
      'another process made the agent first',
    );
    return oldest;
  }
  log.info({ event: 'agent.created', agent: created.id }, 'agent created');
  return created;
}

async function oldestAgent(client: Anthropic, app: string): Promise<BetaManagedAgentsAgent | null> {
  let oldest: BetaManagedAgentsAgent | null = null;
  for await (const agent of allUnlessGone(client.beta.agents.list({ limit: 100 }))) {
    if (agent.archived_at !== null || agent.metadata[APP_KEY] !== app) continue;
    if (oldest === null || isOlder(agent, oldest)) oldest = agent;
  }
  return oldest;
}

async function ensureEnvironment(
  client: Anthropic,
  knownId: string | undefined,
  app: string,
  params: EnvironmentCreateParams,
  log: Log,
): Promise<BetaEnvironment> {
  const byId = knownId === undefined ? null : await unlessGone(client.beta.environments.retrieve(knownId));
  const existing = byId?.archived_at === null ? byId : await oldestEnvironment(client, app);
  if (existing !== null) {
    // Updating to the same content is a no-op, so there is nothing to compare first.
    return client.beta.environments.update(existing.id, params);
  }
  const created = await client.beta.environments
    .create(params, { maxRetries: 0 })
    .catch(async (error: unknown) => {
      // Names may be unique within a workspace: then another process has just made ours.
      const failure = failureOf(error);
      const made =
        failure.type === 'refused' && failure.reason === 'conflict'
          ? await oldestEnvironment(client, app)
          : null;
      if (made === null) throw error;
      return made;
    });
  const oldest = (await oldestEnvironment(client, app)) ?? created;
  if (oldest.id !== created.id) await client.beta.environments.archive(created.id);
  else log.info({ event: 'environment.created', environment: created.id }, 'environment created');
  return oldest;
}

async function oldestEnvironment(client: Anthropic, app: string): Promise<BetaEnvironment | null> {
  let oldest: BetaEnvironment | null = null;
  for await (const environment of allUnlessGone(client.beta.environments.list({ limit: 100 }))) {
    if (environment.archived_at !== null || environment.metadata[APP_KEY] !== app) continue;
    if (oldest === null || isOlder(environment, oldest)) oldest = environment;
  }
  return oldest;
}

function isOlder(a: { created_at: string; id: string }, b: { created_at: string; id: string }): boolean {
  return a.created_at === b.created_at ? a.id < b.id : a.created_at < b.created_at;
}

function refusal(error: unknown): unknown {
  const failure = failureOf(error);
  if (failure.type !== 'refused' || failure.reason !== 'request') return error;
  const said = error instanceof Error ? error.message : String(error);
  return new SetupError(`The agent service does not accept this agent.yml: ${said}`, { cause: error });
}
