import * as z from 'zod';
import { modelParam, toolsParam, unofferedParams } from './agent-definition.ts';
import { initialEventsParam } from './event-params.ts';
import { metadata, metadataPatch, text } from './fields.ts';
import { resourceParam } from './session-resources.ts';

/** Bodies that create and update sessions (SDK 1.12 SessionCreateParams, SessionUpdateParams). */

const budgetParam = z.strictObject({
  type: z.literal('limit'),
  max_list_cost: z.strictObject({
    amount: z.string().regex(/^(0|[1-9]\d*)$/, 'must be whole cents as a string, e.g. "2500"'),
    currency: z.literal('USD'),
  }),
});
const version = z.number().int().min(1).optional();
export const sessionAgentParam = z.union([
  z.string(),
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('agent'), id: z.string(), version }),
    z.strictObject({
      type: z.literal('agent_with_overrides'),
      id: z.string(),
      version,
      model: modelParam.optional(),
      system: text(100_000).nullish(),
      tools: toolsParam.optional(),
      ...unofferedParams,
    }),
  ]),
]);
const noVaults = z
  .array(z.string())
  .max(0, 'this local runtime has no vaults; leave vault_ids out')
  .optional();
export const sessionCreateParams = z.strictObject({
  agent: sessionAgentParam,
  environment_id: z.string(),
  title: text(10_000).nullish(),
  metadata: metadata.optional(),
  budget: budgetParam.optional(),
  resources: z.array(resourceParam).optional(),
  initial_events: initialEventsParam.optional(),
  vault_ids: noVaults,
});
export const sessionUpdateParams = z.strictObject({
  title: text(10_000).nullish(),
  metadata: metadataPatch.nullish(),
  budget: budgetParam.nullish(),
  agent: z
    .strictObject({ tools: toolsParam.optional(), mcp_servers: unofferedParams.mcp_servers })
    .optional(),
  vault_ids: z.never('vault_ids cannot be updated').optional(),
});
