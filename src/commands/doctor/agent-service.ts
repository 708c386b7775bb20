import Anthropic from '@anthropic-ai/sdk';
import { z } from 'zod';
import { findRunning } from '../../agent-api.ts';
import type { Config } from '../../config.ts';
import type { AgentFile } from '../../core/agent-file.ts';
import { failureOf } from '../../core/errors.ts';
import { lookUpProvision, type Standing } from '../../core/session/provision.ts';
import type { CustomToolRegistry } from '../../core/turn/custom-tools.ts';
import { type Check, fine, listOf, problem, warning } from './findings.ts';
import type { Network } from './network.ts';

interface Agent {
  file: AgentFile;
  tools: CustomToolRegistry;
}

const WHO = 'the agent service';

export async function checkAgentService(
  config: Config,
  agent: Agent | null,
  network: Network,
): Promise<Check[]> {
  const { api } = config;
  if (api.type === 'local') {
    const running = await network.within(findRunning(config.dataDir)).catch(() => null);
    const checks =
      running === null
        ? [fine('The local runtime is used; it starts with the bot')]
        : await checkService(running.client, running.baseUrl, agent, network);
    return [...checks, ...(await checkModel(api.model, agent?.file ?? null, network))];
  }
  const client = new Anthropic({
    apiKey: api.apiKey,
    baseURL: api.baseUrl,
    authToken: null,
    logLevel: 'off',
    maxRetries: 0,
    fetch: network.fetch(WHO),
  });
  return checkService(client, api.baseUrl, agent, network);
}

const list = z.object({ data: z.array(z.unknown()) });

async function checkService(
  client: Anthropic,
  baseUrl: string,
  agent: Agent | null,
  network: Network,
): Promise<Check[]> {
  const { host } = new URL(baseUrl);
  try {
    // As it comes: the SDK takes any page for an empty list.
    const lists = [
      await client.beta.agents.list({ limit: 1 }, { maxRetries: 0 }).asResponse(),
      await client.beta.memoryStores.list({ limit: 1 }, { maxRetries: 0 }).asResponse(),
    ];
    for (const response of lists) {
      if (!list.safeParse(await response.json().catch(() => null)).success) return [notUnderstood(host)];
    }
    const checks = [fine(`The agent service at ${host} answers, with agents and memory stores`)];
    if (agent === null) return checks;
    checks.push(...checkStanding(await lookUpProvision({ client, ...agent }), agent.file));
    checks.push(...(await checkSharedStore(client, agent.file)));
    return checks;
  } catch (error) {
    return [failure(error, host, network)];
  }
}

function checkStanding({ agents, environments }: Standing, file: AgentFile): Check[] {
  const [agent] = agents;
  const [environment] = environments;
  if (agent === undefined && environment === undefined) {
    return [fine(`No agent named ${file.name} yet: the first start creates it`)];
  }
  const checks: Check[] = [];
  if (agent === undefined || environment === undefined) {
    const [there, gone] = agent === undefined ? ['environment', 'agent'] : ['agent', 'environment'];
    checks.push(
      warning(
        'agent.half_gone',
        `The ${there} of ${file.name} exists but its ${gone} does not: it was archived or deleted`,
        'Start or restart the bot: that creates what is missing. A running bot creates it when it next starts a conversation.',
      ),
    );
  }
  const stale = [
    ...(agent?.current === false ? [`agent (version ${agent.version})`] : []),
    ...(environment?.current === false ? ['environment'] : []),
  ];
  if (stale.length > 0) {
    checks.push(
      warning(
        'agent.outdated',
        `agent.yml has changed since the ${listOf(stale)} was created from it`,
        'Start or restart the bot: that creates a new version, which every conversation uses from its next message on.',
      ),
    );
  } else if (agent !== undefined && environment !== undefined) {
    checks.push(
      fine(`As in agent.yml: agent ${agent.id}, version ${agent.version}, environment ${environment.id}`),
    );
  }
  if (agents.length > 1 || environments.length > 1) {
    const [kind, all] =
      agents.length > 1 ? (['agents', agents] as const) : (['environments', environments] as const);
    checks.push(
      warning(
        'agent.several',
        `${all.length} live ${kind} have the name ${file.name}: ${listOf(all.map(({ id }) => id))}`,
        'The bot uses the one it knows, else the oldest. Archive the others, unless another bot of that name uses them; then give one of the two another name in agent.yml.',
      ),
    );
  }
  return checks;
}

async function checkSharedStore(client: Anthropic, file: AgentFile): Promise<Check[]> {
  const id = file.memory.shared_store;
  if (id === undefined) return [];
  const gone = problem(
    'agent.shared_store_gone',
    `The shared store ${id} no longer exists or is archived: no conversation can be started`,
    'Name another one under memory.shared_store in agent.yml, or leave it out.',
  );
  try {
    const store = await client.beta.memoryStores.retrieve(id, undefined, { maxRetries: 0 });
    return store.archived_at === null ? [fine(`The shared store exists: ${store.name}`)] : [gone];
  } catch (error) {
    if (failureOf(error).type !== 'gone') throw error;
    return [gone];
  }
}

function failure(error: unknown, host: string, network: Network): Check {
  const it = failureOf(error);
  const request =
    error instanceof Anthropic.APIError && error.requestID ? `, request ${error.requestID}` : '';
  const status = error instanceof Anthropic.APIError ? (error.status ?? 'none') : 'none';
  if (it.type === 'gone') {
    return problem(
      'agent.not_available',
      `${host} has no Managed Agents for this key (404${request})`,
      'The service is in beta: ask for access for the key’s organisation and workspace, or check ANTHROPIC_BASE_URL.',
    );
  }
  if (it.type === 'refused' && it.reason === 'key') {
    return problem(
      'agent.key_refused',
      `${host} refuses the API key (401${request})`,
      'Set ANTHROPIC_API_KEY to a valid key: console.anthropic.com → API keys.',
    );
  }
  if (it.type === 'refused' && it.reason === 'permission') {
    return problem(
      'agent.permission_refused',
      `The API key may not use Managed Agents at ${host} (403${request})`,
      'Check the permissions of the key and of its workspace: console.anthropic.com → API keys.',
    );
  }
  if (it.type === 'refused' && it.reason === 'billing') {
    return problem(
      'agent.billing',
      `${host} reports a billing problem (402${request})`,
      'console.anthropic.com → Billing.',
    );
  }
  if (it.type === 'retry' && it.reason !== 'unreachable') {
    return problem(
      'agent.failing',
      `${host} is overloaded or failing (${status}${request})`,
      'Check again in a few minutes; status.anthropic.com says whether it is known. The bot waits out such outages.',
    );
  }
  if (it.type === 'retry' || isTimeout(error)) {
    return problem(
      'agent.unreachable',
      `The agent service at ${host} ${network.reason(error)}`,
      'Check the network between this machine and it (proxy, firewall), and ANTHROPIC_BASE_URL if set.',
    );
  }
  return notUnderstood(host);
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && /Timeout|Abort/.test(`${error.name} ${error.constructor.name}`);
}

function notUnderstood(host: string): Check {
  return problem(
    'agent.not_understood',
    `${host} answers, but not like the Managed Agents API`,
    'Check ANTHROPIC_BASE_URL: the address goes without /v1.',
  );
}

const models = z.object({ data: z.array(z.object({ id: z.string() })), has_more: z.boolean().optional() });

/** The local runtime's model: whether its endpoint answers, takes the key and knows the model. Asks it nothing that costs. */
async function checkModel(
  {
    MODEL_BASE_URL: address,
    MODEL_API_KEY: key,
    MODEL: chosen,
  }: Extract<Config['api'], { type: 'local' }>['model'],
  file: AgentFile | null,
  network: Network,
): Promise<Check[]> {
  if (address === undefined && key === undefined) {
    return [
      fine('The built-in offline model answers; set MODEL_BASE_URL or ANTHROPIC_API_KEY for a real one'),
    ];
  }
  const base = new URL(address ?? 'https://api.anthropic.com');
  base.pathname = `${base.pathname.replace(/\/+$/, '').replace(/\/v1(\/messages)?$/, '')}/v1/models`;
  base.search = '?limit=1000';
  const { host } = base;
  let response: Response;
  try {
    response = await network.fetch('the model endpoint')(base, {
      headers: {
        'anthropic-version': '2023-06-01',
        ...(key === undefined ? {} : { 'x-api-key': key, authorization: `Bearer ${key}` }),
      },
    });
  } catch (error) {
    return [
      problem(
        'model.unreachable',
        `The model endpoint at ${host} ${network.reason(error)}`,
        'Check MODEL_BASE_URL, and that the server behind it is running.',
      ),
    ];
  }
  if (response.status === 401 || response.status === 403) {
    return [
      problem(
        'model.key_refused',
        `The model endpoint at ${host} refuses ${key === undefined ? 'requests without a key' : 'the key'} (${response.status})`,
        'Set MODEL_API_KEY to one it accepts.',
      ),
    ];
  }
  if (response.status >= 500) {
    return [
      problem(
        'model.failing',
        `The model endpoint at ${host} is failing (${response.status})`,
        'Look at that server’s log.',
      ),
    ];
  }
  const listed = models.safeParse(response.ok ? await response.json().catch(() => null) : null).data;
  if (listed === undefined)
    return [fine(`The model endpoint at ${host} answers; it does not list its models`)];
  const agentModel = file === null ? undefined : typeof file.model === 'string' ? file.model : file.model.id;
  const wanted = chosen ?? agentModel;
  // Ollama has a tag behind each name.
  const known = listed.data.some(({ id }) => id === wanted || id.startsWith(`${wanted}:`));
  if (wanted === undefined || known || listed.has_more === true) {
    return [fine(`The model endpoint at ${host} answers${wanted === undefined ? '' : `, with ${wanted}`}`)];
  }
  const some = listed.data.slice(0, 8).map(({ id }) => id);
  return [
    problem(
      'model.not_listed',
      `The model endpoint at ${host} does not list ${wanted}`,
      `Set MODEL to one it has${some.length === 0 ? '' : `: ${some.join(', ')}${listed.data.length > 8 ? ', …' : ''}`}.`,
    ),
  ];
}
