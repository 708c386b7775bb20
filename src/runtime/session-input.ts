import type { Database } from './database.ts';
import { ApiError } from './errors.ts';
import type { EventLog } from './event-log.ts';
import type { Files } from './files.ts';
import type { Memories } from './memory/memories.ts';
import { createMemoryMount } from './memory/mount.ts';
import type { AgentTool, LoopAgent, LoopInput, UploadedFile } from './ports.ts';
import { resourcesOf, type SessionAgent, type SessionRow } from './session-rows.ts';

/** The part of a loop's input that is read from the session: its agent, its log and what is mounted. */
export async function loopInput(
  deps: { db: Database; events: EventLog; memories: Memories; files: Files },
  session: SessionRow,
  signal: AbortSignal,
): Promise<
  Pick<LoopInput, 'sessionId' | 'agent' | 'history' | 'mounts' | 'uploads' | 'readFile' | 'signal'>
> {
  const resources = resourcesOf(session);
  const uploads: UploadedFile[] = [];
  for (const resource of resources) {
    if (resource.type !== 'file') continue;
    const { file_id } = resource;
    // A file deleted since it was mounted is simply no longer there.
    const file = await deps.files.get(file_id).catch(ignoreNotFound);
    if (!file) continue;
    uploads.push({
      path: resource.mount_path,
      mediaType: file.mime_type,
      read: async () => (await deps.files.content(file_id)).data,
    });
  }
  return {
    sessionId: session.id,
    signal,
    agent: loopAgent(JSON.parse(session.agent)),
    history: await deps.events.history(deps.db, session.id),
    mounts: resources
      .filter(resource => resource.type === 'memory_store')
      .map(resource => createMemoryMount(deps.memories, resource, session.id, signal)),
    uploads,
    readFile: fileId => deps.files.content(fileId),
  };
}

function ignoreNotFound(error: unknown): undefined {
  if (!(error instanceof ApiError && error.type === 'not_found_error')) throw error;
}

function loopAgent(agent: SessionAgent): LoopAgent {
  const tools: AgentTool[] = [];
  for (const tool of agent.tools) {
    switch (tool.type) {
      case 'agent_toolset_20260401':
        tools.push({ type: tool.type, default_config: tool.default_config, configs: tool.configs });
        break;
      case 'custom':
        tools.push({
          type: 'custom',
          name: tool.name,
          description: tool.description,
          input_schema: { ...tool.input_schema },
        });
        break;
      case 'mcp_toolset':
        throw new Error('an mcp_toolset was stored although agents with one are refused');
      default:
        tool satisfies never;
    }
  }
  return { name: agent.name, model: { id: agent.model.id }, system: agent.system, tools };
}
