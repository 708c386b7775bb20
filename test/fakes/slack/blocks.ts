// Block Kit as Slack accepts it: known types, where each may stand, required fields, lengths, unique ids.
// Limits are from docs.slack.dev/reference/block-kit and the types in @slack/types (block-kit/*.d.ts); the
// wording of errors, with a json-pointer, is the one Slack answers with.

import { checkElement } from './block-elements.ts';
import { ANY_TEXT, Findings, isRecord, PLAIN } from './findings.ts';
import { textsOf } from './rendering.ts';
import type { Json } from './world.ts';

export type Surface = 'message' | 'modal' | 'home';

const MENUS = ['static_select', 'external_select', 'users_select', 'conversations_select', 'channels_select'];
const CHOICES = [...MENUS, ...MENUS.map(type => `multi_${type}`), 'checkboxes', 'radio_buttons'];
const PICKERS = ['datepicker', 'timepicker'];
const IN_SECTION = [...CHOICES, ...PICKERS, 'button', 'overflow', 'image', 'workflow_button'];
const IN_ACTIONS = [
  ...CHOICES,
  ...PICKERS,
  'button',
  'overflow',
  'workflow_button',
  'datetimepicker',
  'rich_text_input',
];
const IN_INPUT = [
  ...CHOICES,
  ...PICKERS,
  'datetimepicker',
  'plain_text_input',
  'rich_text_input',
  'email_text_input',
  'number_input',
  'url_text_input',
  'file_input',
];

type Check = (findings: Findings, block: Json, at: string, surface: Surface) => void;

function elements(
  findings: Findings,
  block: Json,
  at: string,
  allowed: readonly string[],
  max: number,
): void {
  const ids = new Set<string>();
  findings.list(block, 'elements', at, 1, max).forEach((element, index) => {
    const here = `${at}/elements/${index}`;
    checkElement(findings, element, here, allowed);
    if (!isRecord(element) || typeof element.action_id !== 'string') return;
    if (ids.has(element.action_id)) {
      findings.add(
        `\`action_id\` "${element.action_id}" already exists for another element`,
        `${here}/action_id`,
      );
    }
    ids.add(element.action_id);
  });
}

function rows(findings: Findings, block: Json, at: string, maxRows: number): void {
  findings.list(block, 'rows', at, 1, maxRows).forEach((row, index) => {
    const here = `${at}/rows/${index}`;
    if (!Array.isArray(row)) {
      findings.add('must provide an array', here);
      return;
    }
    if (row.length > 20) findings.add('no more than 20 items allowed', here);
    row.forEach((cell, column) => {
      const kind = isRecord(cell) ? String(cell.type) : 'none';
      if (!['raw_text', 'raw_number', 'rich_text'].includes(kind)) {
        findings.add(`unsupported type: ${kind}`, `${here}/${column}/type`);
      } else if (isRecord(cell) && kind !== 'rich_text')
        findings.string(cell, 'text', `${here}/${column}`, 3_000, true);
    });
  });
}

const CHECKS: Readonly<Record<string, Check>> = {
  actions: (findings, block, at) => elements(findings, block, at, IN_ACTIONS, 25),
  alert: (findings, block, at) => findings.text(block, 'text', at, 200, ANY_TEXT, true),
  card(findings, block, at) {
    if (!['hero_image', 'title', 'actions', 'body'].some(field => block[field] !== undefined)) {
      findings.add('must provide one of hero_image, title, actions or body', at);
    }
    findings.text(block, 'title', at, 150, ['mrkdwn']);
    findings.text(block, 'subtitle', at, 150, ['mrkdwn']);
    findings.text(block, 'body', at, 200, ['mrkdwn']);
    findings.list(block, 'actions', at, 0, 3).forEach((element, index) => {
      checkElement(findings, element, `${at}/actions/${index}`, ['button']);
    });
  },
  carousel(findings, block, at, surface) {
    findings.list(block, 'elements', at, 1, 10).forEach((card, index) => {
      checkBlock(findings, card, `${at}/elements/${index}`, surface, ['card']);
    });
  },
  container(findings, block, at, surface) {
    if (block.rich_text_title === undefined) findings.text(block, 'title', at, 150, PLAIN, true);
    findings.text(block, 'subtitle', at, 150, ANY_TEXT);
    findings.list(block, 'child_blocks', at, 1, 10).forEach((child, index) => {
      checkBlock(findings, child, `${at}/child_blocks/${index}`, surface, IN_CONTAINER);
    });
  },
  context(findings, block, at) {
    findings.list(block, 'elements', at, 1, 10).forEach((element, index) => {
      const here = `${at}/elements/${index}`;
      if (isRecord(element) && element.type === 'image') checkElement(findings, element, here, ['image']);
      else findings.textObject(element, here, 3_000, ANY_TEXT);
    });
  },
  context_actions: (findings, block, at) =>
    elements(findings, block, at, ['feedback_buttons', 'icon_button'], 5),
  data_table(findings, block, at) {
    findings.string(block, 'caption', at, 3_000, true);
    rows(findings, block, at, 1_000);
  },
  divider() {},
  header: (findings, block, at) => findings.text(block, 'text', at, 150, PLAIN, true),
  image(findings, block, at) {
    findings.string(block, 'alt_text', at, 2_000, true);
    findings.text(block, 'title', at, 2_000, PLAIN);
    if (block.slack_file === undefined) findings.string(block, 'image_url', at, 3_000, true);
  },
  input(findings, block, at) {
    findings.text(block, 'label', at, 2_000, PLAIN, true);
    findings.text(block, 'hint', at, 2_000, PLAIN);
    checkElement(findings, block.element, `${at}/element`, IN_INPUT);
  },
  markdown: (findings, block, at) => findings.string(block, 'text', at, 12_000, true),
  plan(findings, block, at, surface) {
    findings.string(block, 'title', at, 3_000, true);
    findings.list(block, 'tasks', at, 0, 50).forEach((task, index) => {
      checkBlock(findings, task, `${at}/tasks/${index}`, surface, ['task_card']);
    });
  },
  rich_text: (findings, block, at) => void findings.list(block, 'elements', at, 1, 1_000),
  section(findings, block, at) {
    findings.text(block, 'text', at, 3_000, ANY_TEXT, block.fields === undefined);
    findings.list(block, 'fields', at, 0, 10).forEach((field, index) => {
      findings.textObject(field, `${at}/fields/${index}`, 2_000, ANY_TEXT);
    });
    if (block.accessory !== undefined) checkElement(findings, block.accessory, `${at}/accessory`, IN_SECTION);
  },
  table: (findings, block, at) => rows(findings, block, at, 100),
  task_card(findings, block, at) {
    findings.string(block, 'task_id', at, 255, true);
    findings.string(block, 'title', at, 3_000, true);
    if (!['pending', 'in_progress', 'complete', 'error'].includes(String(block.status))) {
      findings.add('must be one of pending, in_progress, complete, error', `${at}/status`);
    }
  },
  video(findings, block, at) {
    for (const field of ['video_url', 'thumbnail_url', 'alt_text'])
      findings.string(block, field, at, 3_000, true);
    findings.text(block, 'title', at, 199, PLAIN, true);
  },
};

const IN_CONTAINER = [
  'actions',
  'context',
  'divider',
  'header',
  'image',
  'input',
  'rich_text',
  'section',
  'table',
  'video',
];
const MESSAGE_ONLY = new Set([
  'context_actions',
  'markdown',
  'plan',
  'table',
  'data_table',
  'task_card',
  'card',
  'carousel',
]);

function checkBlock(
  findings: Findings,
  block: unknown,
  at: string,
  surface: Surface,
  allowed?: readonly string[],
): void {
  if (!isRecord(block)) {
    findings.add('must provide an object', at);
    return;
  }
  const type = String(block.type);
  const check = CHECKS[type];
  if (check === undefined || (allowed !== undefined && !allowed.includes(type))) {
    findings.add(`unsupported type: ${type}`, `${at}/type`);
    return;
  }
  if (surface !== 'message' && MESSAGE_ONLY.has(type)) {
    findings.add(`unsupported type: ${type}`, `${at}/type`);
    return;
  }
  findings.string(block, 'block_id', at, 255);
  check(findings, block, at, surface);
}

/** What Slack would object to, empty when nothing; `max` is the number of blocks the surface takes. */
export function checkBlocks(
  blocks: readonly unknown[],
  surface: Surface,
  max: number,
  root = '/blocks',
): string[] {
  const findings = new Findings();
  if (blocks.length > max) findings.add(`no more than ${max} items allowed`, root);
  const ids = new Set<string>();
  blocks.forEach((block, index) => {
    checkBlock(findings, block, `${root}/${index}`, surface);
    if (!isRecord(block) || typeof block.block_id !== 'string' || block.block_id === '') return;
    if (ids.has(block.block_id)) {
      findings.add(
        `\`block_id\` "${block.block_id}" already exists for another block`,
        `${root}/${index}/block_id`,
      );
    }
    ids.add(block.block_id);
  });
  return findings.errors;
}

/** All the text of some blocks together, the measure of msg_blocks_too_long. */
export function textLength(blocks: readonly unknown[]): number {
  return textsOf(blocks).reduce((sum, text) => sum + text.length, 0);
}

/** A copy in which every block and every interactive element has the id Slack gives where the app gave none. */
export function withIds(blocks: readonly Json[], id: () => string): Json[] {
  const element = (value: unknown): unknown =>
    isRecord(value) && INTERACTIVE.has(String(value.type)) && value.action_id === undefined
      ? { ...value, action_id: id() }
      : value;
  return blocks.map(block => {
    const copy: Json = {
      ...block,
      block_id: typeof block.block_id === 'string' && block.block_id !== '' ? block.block_id : id(),
    };
    if (Array.isArray(block.elements)) copy.elements = block.elements.map(element);
    if (block.accessory !== undefined) copy.accessory = element(block.accessory);
    if (block.element !== undefined) copy.element = element(block.element);
    return copy;
  });
}

const INTERACTIVE = new Set([...IN_ACTIONS, ...IN_INPUT, 'feedback_buttons', 'icon_button']);
