import type {
  BetaManagedAgentsAgent,
  BetaManagedAgentsAgentToolConfig,
  BetaManagedAgentsModelConfig,
} from '@anthropic-ai/sdk/resources/beta/agents/agents';
import * as z from 'zod';
import { invalid } from './errors.ts';
import { checkMetadata, metadata, metadataPatch, patchMetadata, text } from './fields.ts';

/** What a version of an agent consists of: the API object without ids and dates. */
export type AgentDefinition = Omit<
  BetaManagedAgentsAgent,
  'id' | 'type' | 'version' | 'created_at' | 'updated_at' | 'archived_at'
>;
type Tools = AgentDefinition['tools'];

const effortLevel = z.enum(['low', 'medium', 'high', 'xhigh', 'max']);
export const modelParam = z.union([
  text(256, 1),
  z.strictObject({
    id: text(256, 1),
    effort: z.union([effortLevel, z.strictObject({ type: effortLevel })]).nullish(),
    inference_geo: z.string().nullish(),
    speed: z.enum(['standard', 'fast']).nullish(),
  }),
]);
type ModelParam = z.infer<typeof modelParam>;

const policy = z.strictObject({ type: z.enum(['always_allow', 'always_ask', 'auto']) });
const toolSwitch = { enabled: z.boolean().nullish(), permission_policy: policy.nullish() };
const domains = z.array(text(255, 1)).min(1).max(64).optional();
const FILE_TOOLS = ['bash', 'read', 'write', 'edit', 'glob', 'grep'] as const;
const WEB_TOOLS = ['web_search', 'web_fetch'] as const;
const toolsetConfig = z.discriminatedUnion('name', [
  z.strictObject({ name: z.enum(FILE_TOOLS), type: z.enum(FILE_TOOLS).optional(), ...toolSwitch }),
  z.strictObject({
    name: z.enum(WEB_TOOLS),
    type: z.enum(WEB_TOOLS).optional(),
    ...toolSwitch,
    allowed_domains: domains,
    blocked_domains: domains,
    max_content_tokens: z.number().int().nullish(),
    url_sources: z.unknown().optional(),
    user_location: z.unknown().optional(),
  }),
]);
const toolset = z.strictObject({
  type: z.literal('agent_toolset_20260401'),
  default_config: z.strictObject(toolSwitch).nullish(),
  configs: z.array(toolsetConfig).optional(),
});
const customTool = z.strictObject({
  type: z.literal('custom'),
  name: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, 'must be 1 to 128 letters, digits, "_" or "-"'),
  description: text(100_000, 1),
  input_schema: z.looseObject({
    type: z.literal('object'),
    properties: z.record(z.string(), z.unknown()).nullish(),
    required: z.array(z.string()).nullish(),
  }),
});
const mcpToolset = z.looseObject({ type: z.literal('mcp_toolset') });
export const toolsParam = z
  .array(z.discriminatedUnion('type', [toolset, customTool, mcpToolset]))
  .max(256, 'must have at most 256 tools');
type ToolsParam = z.infer<typeof toolsParam>;

const executionIdentity = z.looseObject({ type: z.enum(['service_account', 'aws_role']) });
/** Lists this runtime can only accept empty; see refuseUnoffered. */
export const unofferedParams = {
  mcp_servers: z.array(z.unknown()).nullish(),
  skills: z.array(z.unknown()).nullish(),
};

export const agentCreateParams = z.strictObject({
  name: text(256, 1),
  model: modelParam,
  description: text(2048).nullish(),
  system: text(100_000).nullish(),
  tools: toolsParam.optional(),
  metadata: metadata.optional(),
  multiagent: z.unknown().optional(),
  execution_identity: executionIdentity.nullish(),
  ...unofferedParams,
});
export const agentUpdateParams = z.strictObject({
  name: text(256, 1).optional(),
  model: modelParam.optional(),
  description: text(2048).nullish(),
  system: text(100_000).nullish(),
  tools: toolsParam.nullish(),
  metadata: metadataPatch.nullish(),
  multiagent: z.unknown().optional(),
  execution_identity: executionIdentity.nullish(),
  version: z.number().int().min(1).optional(),
  ...unofferedParams,
});

export function newDefinition(params: z.infer<typeof agentCreateParams>): AgentDefinition {
  refuseUnoffered(params);
  return {
    name: params.name,
    description: params.description || null,
    model: resolveModel(params.model),
    system: params.system || null,
    tools: resolveTools(params.tools ?? []),
    mcp_servers: [],
    skills: [],
    multiagent: null,
    execution_identity: { type: 'service_account' },
    metadata: checkMetadata(params.metadata ?? {}),
  };
}

/** Absent keeps, arrays replace, null or "" clears (SDK AgentUpdateParams). */
export function updatedDefinition(
  current: AgentDefinition,
  params: z.infer<typeof agentUpdateParams>,
): AgentDefinition {
  refuseUnoffered(params);
  return {
    ...current,
    name: params.name ?? current.name,
    description: params.description === undefined ? current.description : params.description || null,
    model: params.model === undefined ? current.model : resolveModel(params.model, current.model),
    system: params.system === undefined ? current.system : params.system || null,
    tools: params.tools === undefined ? current.tools : resolveTools(params.tools ?? []),
    metadata: checkMetadata(patchMetadata(current.metadata, params.metadata)),
  };
}

/** What needs the cloud is refused when it is asked for, never ignored when it is used. */
export function refuseUnoffered(params: {
  mcp_servers?: unknown[] | null | undefined;
  skills?: unknown[] | null | undefined;
  multiagent?: unknown;
  execution_identity?: { type: string } | null | undefined;
}): void {
  if (params.mcp_servers && params.mcp_servers.length > 0) {
    throw invalid(
      'mcp_servers: this local runtime cannot connect to MCP servers; leave them out or use the cloud.',
    );
  }
  if (params.skills && params.skills.length > 0) {
    throw invalid('skills: this local runtime has no skills; leave them out or use the cloud.');
  }
  if (params.multiagent !== undefined && params.multiagent !== null) {
    throw invalid(
      'multiagent: this local runtime runs one agent per session; leave it out or use the cloud.',
    );
  }
  if (params.execution_identity?.type === 'aws_role') {
    throw invalid(
      'execution_identity: this local runtime cannot assume AWS roles; leave it out or use the cloud.',
    );
  }
}

/** On update, an effort that is left out keeps its value; everything else of the model is replaced. */
export function resolveModel(
  param: ModelParam,
  current?: BetaManagedAgentsModelConfig,
): BetaManagedAgentsModelConfig {
  const given = typeof param === 'string' ? { id: param } : param;
  const level = typeof given.effort === 'object' ? given.effort?.type : given.effort;
  return {
    id: given.id,
    effort: level ? { type: level } : (current?.effort ?? { type: 'high' }),
    speed: given.speed ?? 'standard',
    ...(given.inference_geo ? { inference_geo: given.inference_geo } : {}),
  };
}

/** Throws 400 for tools this runtime cannot run and for names that would be ambiguous. */
export function resolveTools(params: ToolsParam): Tools {
  const names = new Set<string>();
  let toolsets = 0;
  return params.map(param => {
    switch (param.type) {
      case 'agent_toolset_20260401':
        toolsets++;
        if (toolsets > 1) throw invalid('tools: agent_toolset_20260401 may be listed only once.');
        return resolveToolset(param);
      case 'custom': {
        const { name, description, input_schema } = param;
        const builtIn: readonly string[] = [...FILE_TOOLS, ...WEB_TOOLS];
        if (names.has(name)) throw invalid(`tools: there are two custom tools named "${name}".`);
        if (builtIn.includes(name))
          throw invalid(`tools: "${name}" is the name of a built-in tool; choose another.`);
        names.add(name);
        // JSON text has no undefined: absent stays absent.
        return { type: 'custom', name, description, input_schema: JSON.parse(JSON.stringify(input_schema)) };
      }
      case 'mcp_toolset':
        throw invalid('tools: this local runtime cannot connect to MCP servers; leave mcp_toolset out.');
      default:
        return param satisfies never;
    }
  });
}

/**
 * `web_search` and `web_fetch` need the internet. Asking for one by name is refused; one that is only on by
 * default comes back as `enabled: false` in `configs`, so that nobody believes it is there.
 */
function resolveToolset(param: z.infer<typeof toolset>): Tools[number] {
  const enabledByDefault = param.default_config?.enabled ?? true;
  const defaultPolicy = param.default_config?.permission_policy ?? { type: 'always_allow' as const };
  const configs: BetaManagedAgentsAgentToolConfig[] = [];
  const seen = new Set<string>();
  for (const config of param.configs ?? []) {
    if (seen.has(config.name)) throw invalid(`tools: "${config.name}" is configured twice.`);
    if (config.type !== undefined && config.type !== config.name) {
      throw invalid(`tools: the type of "${config.name}" must be "${config.name}".`);
    }
    seen.add(config.name);
    const enabled = config.enabled ?? enabledByDefault;
    if (enabled && isWebTool(config.name)) {
      throw invalid(
        `tools: this local runtime cannot offer ${config.name}; leave it out of configs, set it to enabled: false, or use the cloud.`,
      );
    }
    configs.push(toolConfig(config.name, enabled, config.permission_policy ?? defaultPolicy));
  }
  if (enabledByDefault) {
    for (const name of WEB_TOOLS) if (!seen.has(name)) configs.push(toolConfig(name, false, defaultPolicy));
  }
  return {
    type: 'agent_toolset_20260401',
    default_config: { enabled: enabledByDefault, permission_policy: defaultPolicy },
    configs,
  };
}

function isWebTool(name: string): boolean {
  return name === 'web_search' || name === 'web_fetch';
}

function toolConfig(
  name: BetaManagedAgentsAgentToolConfig['name'],
  enabled: boolean,
  permission_policy: z.infer<typeof policy>,
): BetaManagedAgentsAgentToolConfig {
  if (name === 'web_fetch') return { name, type: name, enabled, permission_policy, url_sources: null };
  // One literal per tool in the SDK's union; they differ in nothing but the name.
  return { name, type: name, enabled, permission_policy } as BetaManagedAgentsAgentToolConfig;
}
