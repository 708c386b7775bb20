// The application itself and its commands (Discord's resources/application and
// interactions/application-commands). A create is counted when a command of that name and type did not exist;
// 200 a day for each scope. Overwriting with an equal definition keeps id and version.

import { isDeepStrictEqual } from 'node:util';
import { ApplicationFlags } from 'discord-api-types/v10';
import { ApiError, missingAccess, unknownCommand } from '../api-error.ts';
import { Form, type Json } from '../form.ts';
import type { Kernel } from '../kernel.ts';
import { type CommandDraft, checkCommandCount, checkCommandList, readCommand } from '../limits/commands.ts';
import { userById } from '../payloads.ts';
import { type ApiRequest, type ApiResponse, bucket, type Route } from '../router.ts';
import type { Application, Command, State } from '../state.ts';

const CREATES_PER_DAY = 200;
const COMMAND_BUCKET = bucket('commands', 5, 20);

export const applicationRoutes: Route[] = [
  {
    method: 'GET',
    path: '/applications/@me',
    auth: 'bot',
    bucket: bucket('application', 5, 5),
    handle: ({ kernel }) => ({ status: 200, body: applicationPayload(kernel.state) }),
  },
  {
    method: 'GET',
    path: '/oauth2/applications/@me',
    auth: 'bot',
    bucket: bucket('application', 5, 5),
    handle: ({ kernel }) => ({ status: 200, body: applicationPayload(kernel.state) }),
  },
  ...commandRoutes('/applications/:application/commands'),
  ...commandRoutes('/applications/:application/guilds/:guild/commands'),
];

/** The same six routes for the global scope and for one server. */
function commandRoutes(path: string): Route[] {
  const common = { auth: 'bot', bucket: COMMAND_BUCKET } as const;
  return [
    {
      ...common,
      method: 'GET',
      path,
      handle(request) {
        const { guildId, existing } = scopeOf(request, path);
        return {
          status: 200,
          body: existing.map(command => commandPayload(request.kernel, command, guildId)),
        };
      },
    },
    { ...common, method: 'PUT', path, handle: request => overwriteCommands(request, path) },
    { ...common, method: 'POST', path, handle: request => createCommand(request, path) },
    {
      ...common,
      method: 'GET',
      path: `${path}/:command`,
      handle(request) {
        const { guildId, one } = scopeOf(request, path);
        return { status: 200, body: commandPayload(request.kernel, one(), guildId) };
      },
    },
    {
      ...common,
      method: 'PATCH',
      path: `${path}/:command`,
      handle(request) {
        const { guildId, scope, one } = scopeOf(request, path);
        const command = one();
        const form = new Form();
        const given = form.object(request.body, []) ?? {};
        const merged = { ...command.definition, name: command.name, type: command.type, ...given };
        const draft = readCommand(merged, form, [], scope);
        form.check();
        applyDraft(request.kernel, command, draft);
        return { status: 200, body: commandPayload(request.kernel, command, guildId) };
      },
    },
    {
      ...common,
      method: 'DELETE',
      path: `${path}/:command`,
      handle(request) {
        request.kernel.state.app.commands.delete(scopeOf(request, path).one().id);
        return { status: 204 };
      },
    },
  ];
}

function scopeOf(request: ApiRequest, path: string) {
  const { app, guilds } = request.kernel.state;
  if (request.id('application') !== app.id) {
    throw new ApiError(403, 20012, 'You are not authorized to perform this action on this application');
  }
  const guildId = path.includes(':guild') ? request.id('guild') : null;
  if (guildId !== null && !guilds.get(guildId)?.members.has(app.botId)) throw missingAccess();
  const existing = [...app.commands.values()].filter(command => command.guildId === guildId);
  const scope: 'guild' | 'global' = guildId === null ? 'global' : 'guild';
  function one(): Command {
    const command = app.commands.get(request.id('command'));
    if (command?.guildId !== guildId) throw unknownCommand();
    return command;
  }
  return { guildId, scope, existing, one };
}

function overwriteCommands(request: ApiRequest, path: string): ApiResponse {
  const { kernel, body } = request;
  const { app } = kernel.state;
  const { guildId, scope, existing } = scopeOf(request, path);
  if (!Array.isArray(body)) throw new ApiError(400, 50109, 'The request body contains invalid JSON.');
  const form = new Form();
  const drafts = body.map((raw, index) => readCommand(raw, form, [index], scope));
  checkCommandList(drafts, form);
  form.check();
  checkCommandCount(drafts);
  const matched = drafts.map(draft => ({ draft, command: sameCommand(existing, draft) }));
  const fresh = matched.filter(({ command }) => command === undefined).length;
  countCreates(kernel, guildId, fresh);
  for (const command of existing) app.commands.delete(command.id);
  const kept = matched.map(({ draft, command }) => {
    const stored = command ?? newCommand(kernel, guildId, draft);
    applyDraft(kernel, stored, draft);
    app.commands.set(stored.id, stored);
    return stored;
  });
  kernel.journal.touch();
  return { status: 200, body: kept.map(command => commandPayload(kernel, command, guildId)) };
}

function createCommand(request: ApiRequest, path: string): ApiResponse {
  const { kernel, body } = request;
  const { guildId, scope, existing } = scopeOf(request, path);
  const form = new Form();
  const draft = readCommand(body, form, [], scope);
  form.check();
  const known = sameCommand(existing, draft);
  if (!known) {
    checkCommandCount([...existing, draft]);
    countCreates(kernel, guildId, 1);
  }
  const command = known ?? newCommand(kernel, guildId, draft);
  applyDraft(kernel, command, draft);
  kernel.state.app.commands.set(command.id, command);
  return { status: known ? 200 : 201, body: commandPayload(kernel, command, guildId) };
}

function sameCommand(existing: readonly Command[], draft: CommandDraft): Command | undefined {
  return existing.find(command => command.name === draft.name && command.type === draft.type);
}

function newCommand(kernel: Kernel, guildId: string | null, draft: CommandDraft): Command {
  const id = kernel.ids.next();
  return { id, guildId, type: draft.type, name: draft.name, version: id, definition: draft.definition };
}

function applyDraft(kernel: Kernel, command: Command, draft: CommandDraft): void {
  if (command.name === draft.name && isDeepStrictEqual(command.definition, draft.definition)) return;
  command.name = draft.name;
  command.definition = draft.definition;
  command.version = kernel.ids.next();
}

function countCreates(kernel: Kernel, guildId: string | null, count: number): void {
  const { commandCreates } = kernel.state.app;
  const scope = guildId ?? 'global';
  const day = Math.floor(kernel.clock.now() / 86_400_000);
  const used = commandCreates.get(scope);
  const before = used?.day === day ? used.count : 0;
  if (before + count > CREATES_PER_DAY) {
    throw new ApiError(
      400,
      30034,
      `Max number of daily application command creates has been reached (${CREATES_PER_DAY})`,
    );
  }
  commandCreates.set(scope, { day, count: before + count });
}

function commandPayload(kernel: Kernel, command: Command, guildId: string | null): Json {
  return {
    id: command.id,
    application_id: kernel.state.app.id,
    version: command.version,
    type: command.type,
    name: command.name,
    ...command.definition,
    ...(guildId === null ? {} : { guild_id: guildId }),
  };
}

function applicationPayload(state: State): Json {
  const { app } = state;
  return {
    id: app.id,
    name: app.name,
    icon: null,
    description: '',
    bot_public: true,
    bot_require_code_grant: app.requireCodeGrant,
    verify_key: '0'.repeat(64),
    flags: applicationFlags(app),
    interactions_endpoint_url: app.interactionsEndpointUrl,
    owner: userById(state, app.ownerId),
    bot: userById(state, app.botId),
    team: null,
    approximate_guild_count: [...state.guilds.values()].filter(guild => guild.members.has(app.botId)).length,
    approximate_user_install_count: app.userInstalls.size,
    integration_types_config: { 0: {}, 1: {} },
  };
}

/** Unverified apps have the "limited" flags, which any app under the review threshold can switch on. */
export function applicationFlags(app: Application): number {
  const { privileged, verified } = app;
  const pick = (on: boolean, full: number, limited: number) => (on ? (verified ? full : limited) : 0);
  return (
    pick(
      privileged.messageContent,
      ApplicationFlags.GatewayMessageContent,
      ApplicationFlags.GatewayMessageContentLimited,
    ) |
    pick(
      privileged.guildMembers,
      ApplicationFlags.GatewayGuildMembers,
      ApplicationFlags.GatewayGuildMembersLimited,
    ) |
    pick(privileged.presences, ApplicationFlags.GatewayPresence, ApplicationFlags.GatewayPresenceLimited)
  );
}
