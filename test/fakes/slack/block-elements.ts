// The interactive elements inside blocks, as docs.slack.dev/reference/block-kit/block-elements and
// @slack/types (block-kit/block-elements.d.ts, composition-objects.d.ts) describe them.

import { ANY_TEXT, type Findings, isRecord, PLAIN } from './findings.ts';
import type { Json } from './world.ts';

function confirm(findings: Findings, element: Json, at: string): void {
  if (element.confirm === undefined) return;
  if (!isRecord(element.confirm)) {
    findings.add('must provide an object', `${at}/confirm`);
    return;
  }
  const here = `${at}/confirm`;
  findings.text(element.confirm, 'title', here, 100, PLAIN);
  findings.text(element.confirm, 'text', here, 300, ANY_TEXT, true);
  findings.text(element.confirm, 'confirm', here, 30, PLAIN);
  findings.text(element.confirm, 'deny', here, 30, PLAIN);
}

function options(findings: Findings, holder: Json, at: string, max: number, kinds: readonly string[]): void {
  findings.list(holder, 'options', at, 1, max).forEach((option, index) => {
    const here = `${at}/options/${index}`;
    if (!isRecord(option)) {
      findings.add('must provide an object', here);
      return;
    }
    findings.text(option, 'text', here, 75, kinds, true);
    findings.string(option, 'value', here, 150, option.url === undefined);
    findings.text(option, 'description', here, 75, kinds);
  });
}

function feedbackButton(findings: Findings, element: Json, field: string, at: string): void {
  const button = element[field];
  if (!isRecord(button)) {
    findings.add(`missing required field: ${field}`, at);
    return;
  }
  findings.text(button, 'text', `${at}/${field}`, 75, PLAIN, true);
  findings.string(button, 'value', `${at}/${field}`, 2_000, true);
  findings.string(button, 'accessibility_label', `${at}/${field}`, 75);
}

type Check = (findings: Findings, element: Json, at: string) => void;

const menu: Check = (findings, element, at) => findings.text(element, 'placeholder', at, 150, PLAIN);

const staticMenu: Check = (findings, element, at) => {
  menu(findings, element, at);
  if (element.option_groups === undefined) {
    options(findings, element, at, 100, PLAIN);
    return;
  }
  findings.list(element, 'option_groups', at, 1, 100).forEach((group, index) => {
    const here = `${at}/option_groups/${index}`;
    if (!isRecord(group)) {
      findings.add('must provide an object', here);
      return;
    }
    findings.text(group, 'label', here, 75, PLAIN, true);
    options(findings, group, here, 100, PLAIN);
  });
};

const input: Check = (findings, element, at) => {
  findings.text(element, 'placeholder', at, 150, PLAIN);
  findings.string(element, 'initial_value', at, 3_000);
};

const CHECKS: Readonly<Record<string, Check>> = {
  button(findings, element, at) {
    findings.text(element, 'text', at, 75, PLAIN, true);
    findings.string(element, 'value', at, 2_000);
    findings.string(element, 'url', at, 3_000);
    findings.string(element, 'accessibility_label', at, 75);
    if (element.style !== undefined && element.style !== 'primary' && element.style !== 'danger') {
      findings.add('must be one of primary, danger', `${at}/style`);
    }
  },
  checkboxes: (findings, element, at) => options(findings, element, at, 10, ANY_TEXT),
  radio_buttons: (findings, element, at) => options(findings, element, at, 10, ANY_TEXT),
  overflow: (findings, element, at) => options(findings, element, at, 5, PLAIN),
  static_select: staticMenu,
  multi_static_select: staticMenu,
  plain_text_input: input,
  email_text_input: input,
  url_text_input: input,
  number_input: input,
  feedback_buttons(findings, element, at) {
    feedbackButton(findings, element, 'positive_button', at);
    feedbackButton(findings, element, 'negative_button', at);
  },
  icon_button(findings, element, at) {
    findings.string(element, 'icon', at, 255, true);
    findings.text(element, 'text', at, 75, PLAIN, true);
    findings.string(element, 'value', at, 2_000);
  },
  image(findings, element, at) {
    findings.string(element, 'alt_text', at, 2_000, true);
    if (element.slack_file === undefined) findings.string(element, 'image_url', at, 3_000, true);
  },
};

export function checkElement(
  findings: Findings,
  element: unknown,
  at: string,
  allowed: readonly string[],
): void {
  if (!isRecord(element)) {
    findings.add('must provide an object', at);
    return;
  }
  const type = String(element.type);
  if (!allowed.includes(type)) {
    findings.add(`unsupported type: ${type}`, `${at}/type`);
    return;
  }
  findings.string(element, 'action_id', at, 255);
  confirm(findings, element, at);
  (CHECKS[type] ?? menu)(findings, element, at);
}
