// Collects what Slack would object to in a Block Kit payload, in the words and with the json-pointers it uses.
// Text objects are those of docs.slack.dev/reference/block-kit/composition-objects.

import type { Json } from './world.ts';

export const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Collects what is wrong, with a pointer to each place. */
export class Findings {
  readonly errors: string[] = [];

  add(problem: string, pointer: string): void {
    this.errors.push(`${problem} [json-pointer:${pointer}]`);
  }

  /** A required or optional string of limited length. */
  string(holder: Json, field: string, at: string, max: number, required = false): void {
    const value = holder[field];
    if (value === undefined || value === null) {
      if (required) this.add(`missing required field: ${field}`, at);
    } else if (typeof value !== 'string') this.add('must be a string', `${at}/${field}`);
    else if (value.length > max) this.add(`must be less than ${max + 1} characters`, `${at}/${field}`);
    else if (required && value.length === 0) this.add('must be more than 0 characters', `${at}/${field}`);
  }

  /** A text object; `kinds` are the types allowed here. */
  text(
    holder: Json,
    field: string,
    at: string,
    max: number,
    kinds: readonly string[],
    required = false,
  ): void {
    const value = holder[field];
    if (value === undefined || value === null) {
      if (required) this.add(`missing required field: ${field}`, at);
      return;
    }
    this.textObject(value, `${at}/${field}`, max, kinds);
  }

  textObject(value: unknown, at: string, max: number, kinds: readonly string[]): void {
    if (!isRecord(value)) {
      this.add('must provide an object', at);
      return;
    }
    if (typeof value.type !== 'string' || !kinds.includes(value.type)) {
      this.add(`unsupported type: ${String(value.type)}`, `${at}/type`);
      return;
    }
    this.string(value, 'text', at, max, true);
  }

  /** An array of limited length; returns its items, none where it is not an array. */
  list(holder: Json, field: string, at: string, min: number, max: number): readonly unknown[] {
    const value = holder[field];
    if (value === undefined || value === null) {
      if (min > 0) this.add(`missing required field: ${field}`, at);
      return [];
    }
    if (!Array.isArray(value)) {
      this.add('must provide an array', `${at}/${field}`);
      return [];
    }
    if (value.length < min) this.add(`no fewer than ${min} items allowed`, `${at}/${field}`);
    if (value.length > max) this.add(`no more than ${max} items allowed`, `${at}/${field}`);
    return value;
  }
}

export const PLAIN = ['plain_text'] as const;
export const ANY_TEXT = ['plain_text', 'mrkdwn'] as const;
