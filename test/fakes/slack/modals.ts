// Views: what they may contain, their object, a person's stack of modals (docs.slack.dev/surfaces/modals,
// @slack/types views.d.ts, ViewOutput in @slack/bolt). At most three modals deep, 100 blocks, 250 KB; a hash
// that changes with every update guards against overwriting a newer one.

import { checkBlocks, withIds } from './blocks.ts';
import type { Core } from './core.ts';
import { Findings, isRecord, PLAIN } from './findings.ts';
import { ApiError } from './method.ts';
import { type Installation, type Json, type Person, targetId, type View } from './world.ts';

/** Throws what Slack would answer to such a view. */
export function checkView(core: Core, view: Json, kinds: readonly string[]): void {
  if (Buffer.byteLength(JSON.stringify(view)) > core.limits.viewBytes) throw new ApiError('view_too_large');
  const findings = new Findings();
  const type = String(view.type);
  if (!kinds.includes(type)) findings.add(`unsupported type: ${type}`, '/view/type');
  const blocks = Array.isArray(view.blocks) ? view.blocks : undefined;
  if (blocks === undefined) findings.add('missing required field: blocks', '/view');
  findings.string(view, 'private_metadata', '/view', core.limits.privateMetadata);
  findings.string(view, 'callback_id', '/view', 255);
  findings.string(view, 'external_id', '/view', 255);
  if (type === 'modal') {
    for (const field of ['title', 'submit', 'close'])
      findings.text(view, field, '/view', 24, PLAIN, field === 'title');
    const asks = blocks?.some(block => isRecord(block) && block.type === 'input') === true;
    if (asks && view.submit === undefined) findings.add('missing required field: submit', '/view');
  }
  const surface = type === 'home' ? 'home' : 'modal';
  const errors = [
    ...findings.errors,
    ...checkBlocks(blocks ?? [], surface, core.limits.viewBlocks, '/view/blocks'),
  ];
  if (errors.length > 0) {
    throw new ApiError('invalid_arguments', {
      response_metadata: { messages: errors.map(error => `[ERROR] ${error}`) },
    });
  }
}

const isBlock = (block: unknown): block is Json => isRecord(block);
const newHash = (core: Core) => `${Math.floor(core.clock.now() / 1_000)}.${core.world.id('h')}`;

function settled(core: Core, content: Json): Json {
  const blocks = Array.isArray(content.blocks) ? content.blocks.filter(isBlock) : [];
  return { ...content, blocks: withIds(blocks, () => core.world.id('b')) };
}

export function blocksOfView(view: View): Json[] {
  return Array.isArray(view.content.blocks) ? view.content.blocks.filter(isBlock) : [];
}

/** Makes a view; `under` is the one it is pushed on. Rejects an external_id another view still uses. */
export function createView(
  core: Core,
  installation: Installation,
  user: Person,
  content: Json,
  under?: View,
): View {
  if (
    typeof content.external_id === 'string' &&
    findView(core, installation, content.external_id) !== undefined
  ) {
    throw new ApiError('duplicate_external_id');
  }
  const id = core.world.id('V');
  const view: View = {
    id,
    user,
    installation,
    content: settled(core, content),
    hash: newHash(core),
    rootId: under?.rootId ?? id,
    previousId: under?.id,
    values: {},
    errors: {},
  };
  core.world.views.set(id, view);
  return view;
}

/** By view_id or external_id. A closed modal is not found. */
export function findView(core: Core, installation: Installation, id: string): View | undefined {
  const direct = core.world.views.get(id);
  if (direct !== undefined) return direct.installation === installation ? direct : undefined;
  return [...core.world.views.values()].find(
    view => view.installation === installation && view.content.external_id === id,
  );
}

export function changeView(core: Core, view: View, content: Json, hash: string | undefined): void {
  if (hash !== undefined && hash !== view.hash) throw new ApiError('hash_conflict');
  view.content = settled(core, content);
  view.hash = newHash(core);
  view.errors = {};
}

export function openModal(core: Core, view: View): void {
  closeModals(core, view.user.id);
  core.world.modals.set(view.user.id, [view]);
}

export function pushModal(core: Core, view: View): void {
  const stack = core.world.modals.get(view.user.id) ?? [];
  if (stack.length >= core.limits.viewStack) {
    core.world.views.delete(view.id);
    throw new ApiError('push_limit_reached');
  }
  core.world.modals.set(view.user.id, [...stack, view]);
}

/** Closes the top modal. */
export function popModal(core: Core, userId: string): void {
  const stack = core.world.modals.get(userId) ?? [];
  const closed = stack.at(-1);
  if (closed !== undefined) core.world.views.delete(closed.id);
  core.world.modals.set(userId, stack.slice(0, -1));
}

export function closeModals(core: Core, userId: string): void {
  for (const view of core.world.modals.get(userId) ?? []) core.world.views.delete(view.id);
  core.world.modals.set(userId, []);
}

export function viewObject(core: Core, view: View): Json {
  const { content, installation } = view;
  return {
    id: view.id,
    team_id: view.user.team.id,
    type: content.type,
    blocks: content.blocks,
    private_metadata: content.private_metadata ?? '',
    callback_id: content.callback_id ?? '',
    state: { values: view.values },
    hash: view.hash,
    title: content.title ?? { type: 'plain_text', text: 'View Title' },
    clear_on_close: content.clear_on_close ?? false,
    notify_on_close: content.notify_on_close ?? false,
    close: content.close ?? null,
    submit: content.submit ?? null,
    previous_view_id: view.previousId ?? null,
    root_view_id: view.rootId,
    app_id: core.app.id,
    external_id: content.external_id ?? '',
    app_installed_team_id: targetId(installation),
    bot_id: installation.botId,
  };
}
