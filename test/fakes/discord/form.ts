// Reads a request body field by field and collects every problem as Discord does: one 50035 "Invalid Form
// Body" whose `errors` tree mirrors the body (docs, reference, "Error Messages"). Messages and codes of the
// BASE_TYPE_ family are the ones Discord answers with.

import { ApiError, type ErrorTree } from './api-error.ts';

export type Json = Record<string, unknown>;
export type Path = readonly (string | number)[];

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export class Form {
  readonly #tree: ErrorTree = {};
  #failed = false;

  fail(path: Path, code: string, message: string): void {
    this.#failed = true;
    let node = this.#tree;
    for (const key of path) {
      const child = node[String(key)];
      if (child !== undefined && !Array.isArray(child)) node = child;
      else {
        const fresh: ErrorTree = {};
        node[String(key)] = fresh;
        node = fresh;
      }
    }
    const list = node._errors;
    if (Array.isArray(list)) list.push({ code, message });
    else node._errors = [{ code, message }];
  }

  required(path: Path): void {
    this.fail(path, 'BASE_TYPE_REQUIRED', 'This field is required');
  }

  choices(path: Path, allowed: readonly (string | number)[]): void {
    this.fail(path, 'BASE_TYPE_CHOICES', `Value must be one of (${allowed.join(', ')}).`);
  }

  /** A string of `min` to `max` UTF-16 units; undefined when absent, null or wrong. */
  string(
    from: Json,
    key: string,
    at: Path,
    rule: { min?: number; max?: number; required?: boolean } = {},
  ): string | undefined {
    const value = from[key];
    const path = [...at, key];
    if (value === undefined || value === null) {
      if (rule.required) this.required(path);
      return undefined;
    }
    if (typeof value !== 'string') {
      this.fail(path, 'STRING_TYPE_CONVERT', `Could not interpret "${String(value)}" as string.`);
      return undefined;
    }
    // Half of a surrogate pair is no Unicode text: Discord fails at it.
    if (/\p{Cs}/u.test(value)) throw new ApiError(500, 0, '500: Internal Server Error');
    this.#length(path, value.length, rule);
    return value;
  }

  integer(
    from: Json,
    key: string,
    at: Path,
    rule: { min?: number; max?: number; among?: readonly number[]; required?: boolean } = {},
  ): number | undefined {
    const value = from[key];
    const path = [...at, key];
    if (value === undefined || value === null) {
      if (rule.required) this.required(path);
      return undefined;
    }
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      this.fail(path, 'NUMBER_TYPE_COERCE', `Value "${String(value)}" is not int.`);
      return undefined;
    }
    if (rule.among && !rule.among.includes(value)) this.choices(path, rule.among);
    if (rule.min !== undefined && value < rule.min) {
      this.fail(path, 'NUMBER_TYPE_MIN', `int value should be greater than or equal to ${rule.min}.`);
    }
    if (rule.max !== undefined && value > rule.max) {
      this.fail(path, 'NUMBER_TYPE_MAX', `int value should be less than or equal to ${rule.max}.`);
    }
    return value;
  }

  flag(from: Json, key: string, at: Path): boolean {
    const value = from[key];
    if (value === undefined || value === null) return false;
    if (typeof value !== 'boolean') {
      this.fail([...at, key], 'BOOLEAN_TYPE_CONVERT', 'Must be either true or false.');
    }
    return value === true;
  }

  list(
    from: Json,
    key: string,
    at: Path,
    rule: { min?: number; max?: number; required?: boolean } = {},
  ): unknown[] | undefined {
    const value = from[key];
    const path = [...at, key];
    if (value === undefined || value === null) {
      if (rule.required) this.required(path);
      return undefined;
    }
    if (!Array.isArray(value)) {
      this.fail(path, 'LIST_TYPE_CONVERT', 'Only iterables may be used in a ListType.');
      return undefined;
    }
    this.#length(path, value.length, rule);
    return value;
  }

  object(value: unknown, path: Path): Json | undefined {
    if (isJson(value)) return value;
    this.fail(path, 'MODEL_TYPE_CONVERT', 'Only dictionaries may be used in a ModelType.');
    return undefined;
  }

  /** Throws the 50035 when anything failed. */
  check(): void {
    if (this.#failed) throw new ApiError(400, 50035, 'Invalid Form Body', { errors: this.#tree });
  }

  #length(path: Path, length: number, { min, max }: { min?: number; max?: number }): void {
    const tooShort = min !== undefined && length < min;
    const tooLong = max !== undefined && length > max;
    if (!tooShort && !tooLong) return;
    if (min !== undefined && max !== undefined) {
      const text = min === max ? `Must be ${max} in length.` : `Must be between ${min} and ${max} in length.`;
      this.fail(path, 'BASE_TYPE_BAD_LENGTH', text);
    } else if (tooLong) this.fail(path, 'BASE_TYPE_MAX_LENGTH', `Must be ${max} or fewer in length.`);
    else this.fail(path, 'BASE_TYPE_MIN_LENGTH', `Must be ${min} or more in length.`);
  }
}

/** The 50035 for a single field, for rules that stand alone. */
export function invalidField(path: Path, code: string, message: string): ApiError {
  const form = new Form();
  form.fail(path, code, message);
  try {
    form.check();
  } catch (error) {
    if (error instanceof ApiError) return error;
  }
  throw new Error('a form with a failed field must not pass');
}

/** The body of a request that must be a JSON object; absent counts as empty. */
export function bodyObject(body: unknown): Json {
  if (body === undefined) return {};
  if (isJson(body)) return body;
  throw new ApiError(400, 50109, 'The request body contains invalid JSON.');
}
