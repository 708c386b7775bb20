// What exists in the fake Slack: workspaces, people, channels, messages, files, views, and what an app has been
// granted. Plain records in maps; the rules live with the methods and drivers that change them. Ids have the
// prefixes real ones have (docs.slack.dev/apis/web-api, "IDs"), because bots tell a DM by its D.

export type Json = Record<string, unknown>;

export interface Enterprise {
  readonly id: string;
  readonly name: string;
}

export interface Team {
  readonly id: string;
  readonly name: string;
  readonly domain: string;
  readonly enterprise: Enterprise | undefined;
}

export interface Person {
  readonly id: string;
  readonly team: Team;
  readonly name: string;
  readonly realName: string;
  readonly displayName: string;
  readonly tz: string;
  /** Set for the user behind a bot. */
  readonly botId: string | undefined;
  deleted: boolean;
}

export type ChannelKind = 'channel' | 'group' | 'im' | 'mpim';

export interface Channel {
  readonly id: string;
  readonly kind: ChannelKind;
  readonly name: string;
  /** The workspace it belongs to. */
  readonly host: Team;
  /** Every workspace it is shared with, the host included (Slack Connect). */
  readonly teams: ReadonlySet<string>;
  readonly members: Set<string>;
  /** Every message by `ts`, in order of posting; deleted ones are gone. */
  readonly messages: Map<string, Message>;
  /** The replies of a thread by the `ts` of its root. */
  readonly threads: Map<string, Message[]>;
  archived: boolean;
}

export type Author =
  | { readonly type: 'person'; readonly person: Person }
  | { readonly type: 'app'; readonly installation: Installation }
  | { readonly type: 'other_bot'; readonly bot: Person };

export interface Version {
  readonly at: number;
  readonly text: string;
  readonly blocks: readonly Json[];
}

export interface Message {
  readonly channel: Channel;
  readonly ts: string;
  readonly author: Author;
  readonly threadTs: string | undefined;
  readonly clientMsgId: string | undefined;
  /** Only this person sees it. */
  readonly ephemeralTo: string | undefined;
  subtype: string | undefined;
  text: string;
  /** How `text` is read: Slack's own markup, or standard Markdown (the `markdown_text` argument). */
  markup: 'mrkdwn' | 'markdown';
  blocks: Json[];
  attachments: Json[];
  files: SlackFile[];
  edited: { readonly user: string; readonly ts: string } | undefined;
  metadata: unknown;
  /** What the call asked of unfurling; undefined where it could not say. */
  unfurl: { readonly links: boolean | undefined; readonly media: boolean | undefined };
  /** parse=full or link_names: plain @names ping as well. */
  parsesNames: boolean;
  broadcast: boolean;
  /** An ephemeral reply into a thread that had no replies yet: accepted, but shown to nobody. */
  readonly unseen: boolean;
  stream: Stream | undefined;
  /** Every earlier content, oldest first. */
  readonly versions: Version[];
  readonly reactions: Map<string, Set<string>>;
  readonly appContext: Json | undefined;
}

export interface StreamTask {
  readonly id: string;
  title: string;
  status: string;
  details: string;
  output: string;
  sources: unknown[];
}

export type StreamPart =
  | { readonly type: 'text'; text: string }
  | { readonly type: 'task'; readonly task: StreamTask }
  | { readonly type: 'blocks'; readonly blocks: Json[] };

export interface Stream {
  state: 'streaming' | 'stopped' | 'expired' | 'stopped_by_user';
  readonly startedAt: number;
  readonly recipient: string | undefined;
  readonly taskDisplayMode: 'timeline' | 'plan';
  /** Whether it was fed by `markdown_text` or by `chunks`; one stream never mixes them. */
  mode: 'text' | 'chunks' | undefined;
  readonly parts: StreamPart[];
  planTitle: string | undefined;
}

export interface SlackFile {
  readonly id: string;
  readonly team: Team;
  readonly name: string;
  title: string;
  readonly mimetype: string;
  readonly user: string;
  content: Buffer;
  readonly created: number;
  /** Hosted elsewhere (a Google Doc, say): Slack only knows the address. */
  readonly externalUrl: string | undefined;
  /** Shared from another organisation: events carry its id alone, files.info the rest. */
  readonly stub: boolean;
  readonly channels: Set<string>;
  uploaded: boolean;
  /** The bytes that were announced for its upload. */
  readonly length: number | undefined;
}

export interface Installation {
  readonly id: string;
  readonly target:
    | { readonly type: 'team'; readonly team: Team }
    | { readonly type: 'org'; readonly enterprise: Enterprise };
  readonly bot: Person;
  readonly botId: string;
  readonly scopes: Set<string>;
  active: boolean;
}

export interface Token {
  readonly value: string;
  readonly kind: 'bot' | 'app' | 'config';
  readonly installation: Installation | undefined;
  readonly scopes: ReadonlySet<string>;
  /** Undefined: never. */
  readonly expiresAt: number | undefined;
  /** Why it no longer works. */
  revoked: 'token_revoked' | 'account_inactive' | undefined;
}

/** What a redirect after consent carries, to be exchanged for a token. */
export interface Code {
  readonly installation: Installation;
  /** Who approved the installation. */
  readonly user: string;
  readonly redirectUri: string | undefined;
  readonly expiresAt: number;
}

export interface View {
  readonly id: string;
  readonly user: Person;
  readonly installation: Installation;
  content: Json;
  hash: string;
  rootId: string;
  previousId: string | undefined;
  /** What the person has filled in, by block_id and action_id. */
  values: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  /** What the last submission was refused with, by block_id. */
  errors: Readonly<Record<string, string>>;
}

export interface AgentSession {
  readonly channel: string;
  readonly threadTs: string;
  status: string;
  title: string | undefined;
}

export interface ThreadStatus {
  readonly status: string;
  readonly loadingMessages: readonly string[];
  readonly expiresAt: number;
}

export interface SuggestedPrompts {
  readonly title: string | undefined;
  readonly prompts: readonly { readonly title: string; readonly message: string }[];
}

export interface World {
  readonly teams: Map<string, Team>;
  readonly people: Map<string, Person>;
  readonly channels: Map<string, Channel>;
  /** The DM of a bot and a person, by `bot:person`. */
  readonly directs: Map<string, Channel>;
  readonly installations: Map<string, Installation>;
  readonly tokens: Map<string, Token>;
  readonly codes: Map<string, Code>;
  readonly files: Map<string, SlackFile>;
  readonly views: Map<string, View>;
  /** The modals a person has open, the top one last, by user id. */
  readonly modals: Map<string, View[]>;
  /** The published Home tab, by user id. */
  readonly homes: Map<string, View>;
  /** By `channel:thread_ts`. */
  readonly sessions: Map<string, AgentSession>;
  readonly statuses: Map<string, ThreadStatus>;
  readonly titles: Map<string, string>;
  /** By channel. */
  readonly prompts: Map<string, SuggestedPrompts>;
  /** A fresh id, e.g. id('U'). */
  id(prefix: string): string;
  /** A message timestamp: unique and rising. */
  ts(now: number): string;
}

export function createWorld(): World {
  let ids = 0;
  let lastMicros = 0;
  return {
    teams: new Map(),
    people: new Map(),
    channels: new Map(),
    directs: new Map(),
    installations: new Map(),
    tokens: new Map(),
    codes: new Map(),
    files: new Map(),
    views: new Map(),
    modals: new Map(),
    homes: new Map(),
    sessions: new Map(),
    statuses: new Map(),
    titles: new Map(),
    prompts: new Map(),
    id(prefix) {
      ids += 1;
      return `${prefix}0${ids.toString(36).toUpperCase().padStart(8, '0')}`;
    },
    ts(now) {
      lastMicros = Math.max(lastMicros + 1, now * 1_000);
      const seconds = Math.floor(lastMicros / 1_000_000);
      return `${seconds}.${String(lastMicros % 1_000_000).padStart(6, '0')}`;
    },
  };
}

export const threadKey = (channel: string, threadTs: string): string => `${channel}:${threadTs}`;

/** The installation that serves a workspace: its own, else its organisation's. */
export function installationFor(world: World, team: Team): Installation | undefined {
  let org: Installation | undefined;
  for (const installation of world.installations.values()) {
    if (!installation.active) continue;
    if (installation.target.type === 'team' && installation.target.team === team) return installation;
    if (installation.target.type === 'org' && installation.target.enterprise === team.enterprise)
      org = installation;
  }
  return org;
}

/** Whether an installation reaches a workspace. */
export function covers(installation: Installation, team: Team | undefined): boolean {
  if (team === undefined) return false;
  return installation.target.type === 'team'
    ? installation.target.team === team
    : installation.target.enterprise === team.enterprise;
}

/** The id that stands for the installation: its workspace, or its organisation. */
export function targetId(installation: Installation): string {
  return installation.target.type === 'team'
    ? installation.target.team.id
    : installation.target.enterprise.id;
}

export function authorId(author: Author): string {
  switch (author.type) {
    case 'person':
      return author.person.id;
    case 'app':
      return author.installation.bot.id;
    case 'other_bot':
      return author.bot.id;
  }
}
