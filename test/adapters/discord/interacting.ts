/** How a person uses what the bot shows: finds the answer to an interaction, and presses by what buttons say. */

import { MessageFlags } from 'discord.js';
import { findComponent } from '../../fakes/discord/drivers/acts.ts';
import type { FakeDiscord } from '../../fakes/discord/fake-discord.ts';
import { isJson, type Json } from '../../fakes/discord/form.ts';
import type { Interaction, Message } from '../../fakes/discord/state.ts';

interface World {
  discord: FakeDiscord;
}

/** The message that answers an interaction, once it is there and no longer loading. */
export async function answerTo(world: World, interaction: Interaction): Promise<Message> {
  const { discord } = world;
  return discord.until(() => {
    const id = interaction.answer?.messageId;
    const message = id == null ? undefined : discord.channel(interaction.channelId).messages.get(id);
    return message !== undefined && !(message.flags & MessageFlags.Loading) && message;
  }, 'an answered interaction');
}

/** Everything a message says, with its buttons and menus. */
export function words(message: Message): string {
  return [message.content, ...message.components.flatMap(wordsIn)].join('\n');
}

function wordsIn(component: unknown): string[] {
  if (!isJson(component)) return [];
  const own = ['content', 'label', 'placeholder', 'description'].flatMap(key =>
    typeof component[key] === 'string' ? [component[key]] : [],
  );
  return [...own, ...partsOf(component).flatMap(wordsIn)];
}

function partsOf(component: Json): unknown[] {
  return [component.components, component.options]
    .flatMap(list => (Array.isArray(list) ? list : []))
    .concat(component.accessory ?? []);
}

/** The custom id of the button or menu with this label or placeholder. */
export function idOf(message: Message, label: string): string {
  const found = message.components.flatMap(it => labelled(it, label));
  const [first] = found;
  if (first === undefined) throw new Error(`no “${label}” on: ${words(message)}`);
  return first;
}

export function offers(message: Message, label: string): boolean {
  return message.components.some(it => labelled(it, label).length > 0);
}

function labelled(component: unknown, label: string): string[] {
  if (!isJson(component)) return [];
  const options = Array.isArray(component.options) ? component.options.filter(isJson) : [];
  const said = [component.label, component.placeholder, ...options.map(option => option.label)];
  const own = typeof component.custom_id === 'string' && said.includes(label) ? [component.custom_id] : [];
  return [...own, ...partsOf(component).flatMap(it => labelled(it, label))];
}

/** Presses a button; the same message when the answer stands in it. */
export function press(world: World, userId: string, message: Message, label: string): Interaction {
  return world.discord.as(userId).press(message.id, idOf(message, label));
}

/** Presses a button and waits until the message is changed by it. */
export async function pressed(
  world: World,
  userId: string,
  message: Message,
  label: string,
): Promise<Message> {
  const edits = message.history.length;
  press(world, userId, message, label);
  return world.discord.until(() => message.history.length > edits && message, `what “${label}” does`);
}

/** Chooses in a menu, by what its option says, and waits until the message is changed by it. */
export async function chose(world: World, userId: string, message: Message, label: string): Promise<Message> {
  const id = idOf(message, label);
  const menu = findComponent(message.components, id) ?? {};
  const options = Array.isArray(menu.options) ? menu.options.filter(isJson) : [];
  const value = options.find(option => option.label === label)?.value;
  const edits = message.history.length;
  world.discord.as(userId).select(message.id, id, [String(value)]);
  return world.discord.until(() => message.history.length > edits && message, `what “${label}” does`);
}

/** The form that answers an interaction, and what stands in it by custom id. */
export async function formOf(
  world: World,
  interaction: Interaction,
): Promise<{ title: string; values: Record<string, string>; text: string }> {
  const answer = await world.discord.answered(interaction);
  if (answer.modal === null) throw new Error('this was not answered with a form');
  const parts = Array.isArray(answer.modal.components) ? answer.modal.components.filter(isJson) : [];
  const values = parts.flatMap(part =>
    isJson(part.component) && typeof part.component.custom_id === 'string'
      ? [[part.component.custom_id, String(part.component.value ?? '')]]
      : [],
  );
  return {
    title: String(answer.modal.title),
    values: Object.fromEntries(values),
    text: JSON.stringify(answer.modal),
  };
}
