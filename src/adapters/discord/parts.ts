/** What messages, panels and forms are made of. Pure. */

import {
  type APIActionRowComponent,
  type APIButtonComponentWithCustomId,
  type APIComponentInContainer,
  type APIMessageTopLevelComponent,
  type APIStringSelectComponent,
  ButtonStyle,
  ComponentType,
  escapeMarkdown,
  MessageFlags,
  SeparatorSpacingSize,
} from 'discord.js';
import { clip, splitText } from '../../core/reply/text-split.ts';
import { customId, type PressedAction } from './custom-id.ts';

type Button = APIButtonComponentWithCustomId;

/** A view of Components V2: once a message is one, it stays one. */
export interface Panel {
  flags: MessageFlags.IsComponentsV2;
  components: APIMessageTopLevelComponent[];
  files: PanelFile[];
  /** An edit drops the files that the message had. */
  attachments: [];
}

export interface PanelFile {
  name: string;
  attachment: Buffer;
}

/** A piece of text with the one button, or option of a menu, that belongs to it. */
export interface Item {
  text: string;
  button?: Button;
  option?: { value: string; label: string };
}

/** Of the 4,000 characters that all texts of a panel may have together, for what is shown page by page. */
const PAGE_TEXT = 3_000;
/** Of the 40 components of a panel, a text with its button takes three. */
const PAGE_ITEMS = 7;
const LABEL_CHARACTERS = 100;

export function panel(components: APIComponentInContainer[], files: PanelFile[] = []): Panel {
  return {
    flags: MessageFlags.IsComponentsV2,
    components: [{ type: ComponentType.Container, components }],
    files,
    attachments: [],
  };
}

export function text(content: string): APIComponentInContainer {
  return { type: ComponentType.TextDisplay, content };
}

export function line(): APIComponentInContainer {
  return { type: ComponentType.Separator, divider: true, spacing: SeparatorSpacingSize.Small };
}

/** Shows one of the panel's files, to be downloaded. */
export function fileBox({ name }: PanelFile): APIComponentInContainer {
  return { type: ComponentType.File, file: { url: `attachment://${name}` } };
}

export function itemBox({ text: content, button: accessory }: Item): APIComponentInContainer {
  if (accessory === undefined) return text(content);
  return {
    type: ComponentType.Section,
    components: [{ type: ComponentType.TextDisplay, content }],
    accessory,
  };
}

/** One row of at most five buttons. */
export function row(...components: Button[]): APIActionRowComponent<Button> {
  return { type: ComponentType.ActionRow, components };
}

export function button(
  owner: string,
  action: PressedAction,
  label: string,
  style: Button['style'] = ButtonStyle.Secondary,
): Button {
  return { type: ComponentType.Button, custom_id: customId(owner, action), label, style };
}

/** A menu of at most 25 options. Labels longer than Discord shows end in an ellipsis. */
export function menu(
  owner: string,
  action: PressedAction,
  options: readonly { value: string; label: string; description?: string; default?: boolean }[],
  placeholder?: string,
): APIActionRowComponent<APIStringSelectComponent> {
  return {
    type: ComponentType.ActionRow,
    components: [
      {
        type: ComponentType.StringSelect,
        custom_id: customId(owner, action),
        options: options.map(option => ({
          ...option,
          label: clip(option.label, LABEL_CHARACTERS),
          ...(option.description === undefined
            ? {}
            : { description: clip(option.description, LABEL_CHARACTERS) }),
        })),
        ...(placeholder === undefined ? {} : { placeholder }),
      },
    ],
  };
}

/** Items on pages; a text too long for one goes on on the next. There is always a first page. */
export function pagesOf(items: readonly Item[], most: number = PAGE_ITEMS): Item[][] {
  const pages: Item[][] = [[]];
  let room = PAGE_TEXT;
  for (const item of items.flatMap(inPieces)) {
    const last = pages.at(-1) ?? [];
    if (last.length > 0 && (last.length >= most || item.text.length > room)) {
      pages.push([item]);
      room = PAGE_TEXT - item.text.length - 1;
    } else {
      last.push(item);
      room -= item.text.length + 1;
    }
  }
  return pages;
}

function inPieces(item: Item): Item[] {
  if (item.text.length <= PAGE_TEXT) return [item];
  const pieces = splitText(item.text, { limit: PAGE_TEXT }).filter(piece => piece.trim() !== '');
  return pieces.map((piece, index) =>
    index === pieces.length - 1 ? { ...item, text: piece } : { text: piece },
  );
}

/** A sentence as text of a panel, in as many pieces as it takes. */
export function sentenceTexts(sentence: string): string[] {
  const said = sentence.trim() === '' ? 'Done.' : sentence;
  return splitText(plain(said), { limit: PAGE_TEXT }).filter(piece => piece.trim() !== '');
}

/** As many whole lines as fit. */
export function linesWithin(lines: readonly string[], limit: number): string[] {
  const kept: string[] = [];
  let length = 0;
  for (const it of lines) {
    length += it.length + 1;
    if (length > limit) break;
    kept.push(it);
  }
  return kept;
}

/** Text that is no markdown of ours: shown as it is, on one line. Mentions, times and emoji stay letters too. */
export function plain(value: string): string {
  return escapeMarkdown(value.replace(/\s*\n\s*/g, ' ').replaceAll('\\', '\\\\'), {
    heading: true,
    bulletedList: true,
    numberedList: true,
    maskedLink: true,
  })
    .replaceAll('<', '\\<')
    .replace(/^(\s*)(-#|>)/, '$1\\$2');
}

/** A text with all its lines, as it is. */
export function codeBlock(content: string): string {
  return `\`\`\`\n${fenceless(content)}\n\`\`\``;
}

/** A zero-width space keeps a text from ending the block it is in. */
export function fenceless(content: string): string {
  return content.replaceAll('```', '`\u200B``');
}
