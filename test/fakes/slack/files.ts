// Files: their object (docs.slack.dev/reference/objects/file-object, @slack/types events/message.d.ts File) and
// their bytes. Private addresses need the bot token as a bearer with files:read and a channel in common;
// anything else is redirected to a sign-in page that answers 200 with HTML, which downloads mistake for a file.

import type { Core } from './core.ts';
import {
  type Channel,
  covers,
  type Installation,
  type Json,
  type SlackFile,
  type Token,
  targetId,
} from './world.ts';

const extension = (name: string) => name.split('.').at(-1) ?? '';

function privateUrl(core: Core, file: SlackFile): string {
  return (
    file.externalUrl ?? `${core.origin}/files-pri/${file.team.id}-${file.id}/${encodeURIComponent(file.name)}`
  );
}

/** `event`: as events carry it, where a file from another organisation is only an id to look up. */
export function fileObject(core: Core, file: SlackFile, where: 'event' | 'api'): Json {
  if (file.stub && where === 'event') {
    return {
      id: file.id,
      mode: 'file_access',
      file_access: 'check_file_info',
      created: 0,
      timestamp: 0,
      user: '',
    };
  }
  const url = privateUrl(core, file);
  const external = file.externalUrl !== undefined;
  return {
    id: file.id,
    created: Math.floor(file.created / 1_000),
    timestamp: Math.floor(file.created / 1_000),
    name: file.name,
    title: file.title,
    mimetype: file.mimetype,
    filetype: extension(file.name),
    pretty_type: extension(file.name).toUpperCase(),
    user: file.user,
    user_team: file.team.id,
    editable: false,
    size: file.content.byteLength,
    mode: external ? 'external' : 'hosted',
    is_external: external,
    external_type: external ? 'gdrive' : '',
    is_public: false,
    public_url_shared: false,
    display_as_bot: false,
    username: '',
    url_private: url,
    url_private_download: external ? url : url.replace(/\/([^/]*)$/, '/download/$1'),
    permalink: `${core.origin}/files/${file.user}/${file.id}/${file.name}`,
    channels: [...file.channels],
    groups: [],
    file_access: 'visible',
  };
}

/** Whether an installation may see a file: it was shared where its bot is, or it uploaded it. */
export function mayRead(core: Core, installation: Installation, file: SlackFile): boolean {
  if (file.user === installation.bot.id) return true;
  const shared = [...file.channels]
    .map(id => core.world.channels.get(id))
    .filter((channel): channel is Channel => channel !== undefined);
  return shared.some(
    channel =>
      channel.members.has(installation.bot.id) &&
      [...channel.teams].some(team => covers(installation, core.world.teams.get(team))),
  );
}

export type Download =
  | { readonly type: 'file'; readonly file: SlackFile }
  | { readonly type: 'sign_in' }
  | { readonly type: 'not_found' };

/** What a GET of a private address gives. `path` is `/files-pri/T-F/...`. */
export function download(core: Core, path: string, bearer: string | undefined): Download {
  const id = /^\/files-pri\/[A-Z0-9]+-([A-Z0-9]+)\//.exec(path)?.[1];
  const file = core.world.files.get(id ?? '');
  const token = core.tokens.check(bearer);
  core.journal.add({
    at: core.clock.now(),
    method: 'file.download',
    team: teamOf(token),
    token: typeof token === 'string' ? 'none' : token.kind,
    args: { file: id },
  });
  if (file === undefined || file.externalUrl !== undefined) return { type: 'not_found' };
  if (typeof token === 'string' || token.installation === undefined) return { type: 'sign_in' };
  if (!token.scopes.has('files:read') || !mayRead(core, token.installation, file)) return { type: 'sign_in' };
  return { type: 'file', file };
}

const teamOf = (token: Token | string): string | undefined =>
  typeof token === 'string' || token.installation === undefined ? undefined : targetId(token.installation);
