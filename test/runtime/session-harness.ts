import type {
  AgentLoop,
  AgentTool,
  LoopAgent,
  LoopInput,
  LoopOutcome,
  MemoryMount,
  Model,
  ModelBlock,
  ModelEvent,
  ModelRequest,
  NewEvent,
  SessionEvent,
  ToolConfig,
  UploadedFile,
} from '../../src/runtime/ports.ts';

export type ToolName = 'bash' | 'read' | 'write' | 'edit' | 'glob' | 'grep';

/** The agent toolset with everything allowed, but for what is named. */
export function toolset(changes: Partial<Record<ToolName, 'always_ask' | 'auto' | 'off'>> = {}): AgentTool {
  return {
    type: 'agent_toolset_20260401',
    default_config: { enabled: true, permission_policy: { type: 'always_allow' } },
    configs: Object.entries(changes).map(([name, change]): ToolConfig & { name: string } => ({
      name,
      enabled: change !== 'off',
      permission_policy: { type: change === 'off' ? 'always_allow' : change },
    })),
  };
}

/** Shared by all sessions, so that the events of one can be replayed in another. */
let ids = 0;

function nextId(): string {
  ids += 1;
  return `sevt_${ids}`;
}

export interface Session {
  readonly log: SessionEvent[];
  /** Texts announced and streamed, by event id, in the order they were announced. */
  readonly previews: Map<string, string>;
  say(text: string): void;
  append(event: NewEvent): SessionEvent;
  /** Runs the loop from the log as it stands. */
  run(loop: AgentLoop, options?: { signal?: AbortSignal }): Promise<LoopOutcome>;
  /** Called with each event as it is logged. */
  onEmit: ((event: SessionEvent) => void) | undefined;
}

export function createSession(
  options: {
    id?: string;
    agent?: Partial<LoopAgent>;
    mounts?: MemoryMount[];
    uploads?: UploadedFile[];
    files?: Record<string, { mediaType: string; data: Uint8Array }>;
  } = {},
): Session {
  const log: SessionEvent[] = [];
  const previews = new Map<string, string>();

  function append(event: NewEvent): SessionEvent {
    const stored = { id: nextId(), ...event, processed_at: new Date(ids).toISOString() } as SessionEvent;
    if (log.some(other => other.id === stored.id)) throw new Error(`Event id ${stored.id} was used twice`);
    log.push(stored);
    return stored;
  }

  const session: Session = {
    log,
    previews,
    onEmit: undefined,
    append,
    say: text => void append({ type: 'user.message', content: [{ type: 'text', text }] }),
    run(loop, { signal = new AbortController().signal } = {}) {
      const input: LoopInput = {
        sessionId: options.id ?? 'sesn_1',
        agent: {
          name: 'shopper',
          model: { id: 'claude-test' },
          system: 'You help people shop.',
          tools: [toolset()],
          ...options.agent,
        },
        history: [...log],
        mounts: options.mounts ?? [],
        uploads: options.uploads ?? [],
        async readFile(fileId) {
          const file = options.files?.[fileId];
          if (file === undefined) throw new Error(`no file ${fileId}`);
          return file;
        },
        signal,
        async emit(event) {
          if (signal.aborted) throw new Error('emitted after the abort');
          const stored = append(event);
          session.onEmit?.(stored);
          return stored;
        },
        previewStart() {
          const id = nextId();
          previews.set(id, '');
          return id;
        },
        previewDelta(id, text) {
          if (signal.aborted) throw new Error('previewed after the abort');
          const before = previews.get(id);
          if (before === undefined) throw new Error(`no preview ${id}`);
          previews.set(id, before + text);
        },
      };
      return loop(input);
    },
  };
  return session;
}

export function eventsOf<T extends SessionEvent['type']>(
  session: Session,
  type: T,
): Extract<SessionEvent, { type: T }>[] {
  return session.log.filter((event): event is Extract<SessionEvent, { type: T }> => event.type === type);
}

export function types(session: Session): string[] {
  return session.log.map(event => event.type);
}

/** A step of a scripted reply: an event to stream, an error to throw, or something to wait for. */
export type Step = ModelEvent | Error | Promise<unknown>;

export interface ScriptedModel extends Model {
  readonly requests: ModelRequest[];
}

/** Plays one script per request; a request beyond the last script is an error. */
export function scriptedModel(...scripts: Step[][]): ScriptedModel {
  return answeringModel((_, index) => {
    const script = scripts[index];
    if (script === undefined) throw new Error('no script for this request');
    return script;
  });
}

/** Decides from the request what to play. */
export function answeringModel(answer: (request: ModelRequest, index: number) => Step[]): ScriptedModel {
  const requests: ModelRequest[] = [];
  return {
    label: 'scripted',
    requests,
    async *complete(request) {
      requests.push(structuredClone(request));
      for (const step of answer(request, requests.length - 1)) {
        if (step instanceof Error) throw step;
        if (step instanceof Promise) await step;
        else yield step;
      }
    },
  };
}

const USAGE = {
  input_tokens: 10,
  output_tokens: 5,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
};

/** A whole reply: its texts streamed, then its end. */
export function reply(
  blocks: (ModelBlock | string)[],
  stopReason?: string,
  more: { refusalExplanation?: string } = {},
): Step[] {
  const content = blocks.map(
    (block): ModelBlock => (typeof block === 'string' ? { type: 'text', text: block } : block),
  );
  const steps = content.flatMap((block): Step[] => {
    if (block.type === 'text') return [{ type: 'text_started' }, { type: 'text_delta', text: block.text }];
    return block.type === 'thinking' ? [{ type: 'thinking_started' }] : [];
  });
  const uses = content.some(block => block.type === 'tool_use');
  const reason = stopReason ?? (uses ? 'tool_use' : 'end_turn');
  return [...steps, { type: 'finished', stopReason: reason, content, usage: USAGE, ...more }];
}

export function toolUse(name: string, input: Record<string, unknown>): ModelBlock {
  return { type: 'tool_use', id: 'toolu_model', name, input };
}
