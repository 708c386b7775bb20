/** What stands at the API for an agent.yml, as the API wants it. */

import { createHash } from 'node:crypto';
import type { AgentCreateParams } from '@anthropic-ai/sdk/resources/beta/agents/agents';
import type { EnvironmentCreateParams } from '@anthropic-ai/sdk/resources/beta/environments/environments';
import { z } from 'zod';
import type { AgentFile, Policy } from '../agent-file.ts';
import { SetupError } from '../errors.ts';
import type { CustomToolRegistry } from '../turn/custom-tools.ts';

/** Metadata under which agents, environments and stores of one bot are found again. */
export const APP_KEY = 'shopper_app';
export const HASH_KEY = 'shopper_hash';

/** The hash stands for both: with it the agent carries what it and its environment were made from. */
export function wantedBy(file: AgentFile, tools: CustomToolRegistry) {
  const agentParams = agentParamsOf(file, tools);
  const environmentParams = environmentParamsOf(file);
  const hash = createHash('sha256')
    .update(JSON.stringify([agentParams, environmentParams]))
    .digest('hex')
    .slice(0, 32);
  return { agentParams, environmentParams, hash };
}

function agentParamsOf(file: AgentFile, tools: CustomToolRegistry): AgentCreateParams {
  const configs = Object.entries(file.tools).map(([name, policy]) => ({
    name: name as keyof AgentFile['tools'],
    enabled: policy !== 'off',
    permission_policy: policyParam(policy),
  }));
  const custom = file.custom_tools.map(name => {
    const tool = tools.get(name);
    if (tool === undefined) {
      throw new SetupError(
        `agent.yml asks for the custom tool "${name}", but there is none of that name in src/tools.ts. A tool in a file of its own is asked for by its path, such as ./${name}.ts.`,
      );
    }
    const { $schema: _, ...inputSchema } = z.toJSONSchema(tool.input);
    return {
      type: 'custom' as const,
      name: tool.name,
      description: tool.description,
      input_schema: { ...inputSchema, type: 'object' as const },
    };
  });
  return {
    name: file.name,
    description: file.description ?? null,
    model: file.model as AgentCreateParams['model'],
    system: file.system,
    tools: [
      { type: 'agent_toolset_20260401', configs },
      ...file.mcp_servers.map(server => ({
        type: 'mcp_toolset' as const,
        mcp_server_name: server.name,
        default_config: { enabled: true, permission_policy: policyParam(server.policy) },
      })),
      ...custom,
    ],
    mcp_servers: file.mcp_servers.map(({ name, url }) => ({ type: 'url' as const, name, url })),
  };
}

function policyParam(policy: Policy): { type: 'always_allow' } | { type: 'always_ask' } {
  return { type: policy === 'ask' ? 'always_ask' : 'always_allow' };
}

function environmentParamsOf(file: AgentFile): EnvironmentCreateParams {
  const { networking, allowed_hosts } = file.environment;
  return {
    name: file.name,
    description: `Where ${file.name} works.`,
    metadata: { [APP_KEY]: file.name },
    config: {
      type: 'cloud',
      networking:
        networking === 'unrestricted'
          ? { type: 'unrestricted' }
          : { type: 'limited', allowed_hosts, allow_mcp_servers: true, allow_package_managers: false },
    },
  };
}
