/** What the doctor may find, by name. docs/troubleshooting.md says of each what it means. */
export const FINDINGS = [
  'node.too_old',
  'settings.invalid',
  'settings.unknown',
  'settings.token_misplaced',
  'settings.agent_file',
  'settings.adapter',
  'settings.health_port',
  'slack.unreachable',
  'slack.token_refused',
  'slack.token_expires',
  'slack.scope_missing',
  'slack.app_token_refused',
  'slack.apps_differ',
  'slack.signing_secret',
  'slack.port_taken',
  'slack.encryption_key',
  'slack.not_installed',
  'slack.installations_unread',
  'slack.events_unchecked',
  'slack.config_token_refused',
  'slack.event_missing',
  'slack.command_missing',
  'slack.shortcut_missing',
  'slack.scope_not_asked',
  'slack.interactivity_off',
  'slack.home_tab_off',
  'slack.messages_tab_off',
  'slack.agent_view_off',
  'slack.socket_mode_off',
  'slack.socket_mode_on',
  'slack.request_url',
  'slack.nothing_arrived',
  'slack.event_not_seen',
  'slack.listening_refused',
  'discord.unreachable',
  'discord.token_refused',
  'discord.application_differs',
  'discord.intent_missing',
  'discord.intent_off',
  'discord.interactions_endpoint',
  'discord.code_grant',
  'discord.commands_differ',
  'discord.starts_used_up',
  'discord.too_few_shards',
  'discord.no_server',
  'discord.permission_missing',
  'agent.unreachable',
  'agent.failing',
  'agent.key_refused',
  'agent.permission_refused',
  'agent.billing',
  'agent.not_available',
  'agent.not_understood',
  'agent.half_gone',
  'agent.outdated',
  'agent.several',
  'agent.shared_store_gone',
  'model.unreachable',
  'model.key_refused',
  'model.failing',
  'model.not_listed',
  'state.not_writable',
  'state.another_bot',
  'state.disk_low',
  'state.unreachable',
  'state.too_old',
  'state.read_only',
  'state.not_persistent',
  'state.evicts',
  'queue.needs_service',
  'queue.unreachable',
  'queue.too_old',
  'queue.read_only',
  'queue.not_persistent',
  'queue.evicts',
  'queue.no_worker',
  'clock.wrong',
  'doctor.failed',
] as const;

export type Finding = (typeof FINDINGS)[number];

/** How one thing stands. A problem keeps the bot, or a part of it, from working; a warning does not yet. */
export type Check =
  | { level: 'fine'; text: string }
  | { level: 'warning' | 'problem'; code: Finding; text: string; mend: string };

export function fine(text: string): Check {
  return { level: 'fine', text };
}

export function warning(code: Finding, text: string, mend: string): Check {
  return { level: 'warning', code, text, mend };
}

export function problem(code: Finding, text: string, mend: string): Check {
  return { level: 'problem', code, text, mend };
}

/** "a", "a and b", "a, b and c" */
export function listOf(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}
