import type { SqlValue } from './database.ts';

/** The WHERE clause of a list: each condition with its parameters, in order. */
export class Conditions {
  readonly #clauses: string[] = [];
  readonly #params: SqlValue[] = [];

  /** Adds the condition unless its value is absent: an absent filter means "any". */
  where(clause: string, value: SqlValue | undefined): this {
    if (value !== undefined) {
      this.#clauses.push(clause);
      this.#params.push(value);
    }
    return this;
  }

  whereTrue(clause: string): this {
    this.#clauses.push(clause);
    return this;
  }

  /** The four `created_at[…]` parameters of the API, against a column of milliseconds. */
  within(column: string, range: CreatedAtRange): this {
    return this.where(`${column} > ?`, range['created_at[gt]'])
      .where(`${column} >= ?`, range['created_at[gte]'])
      .where(`${column} < ?`, range['created_at[lt]'])
      .where(`${column} <= ?`, range['created_at[lte]']);
  }

  get sql(): string {
    return this.#clauses.length === 0 ? '' : `WHERE ${this.#clauses.join(' AND ')}`;
  }

  params(...more: SqlValue[]): SqlValue[] {
    return [...this.#params, ...more];
  }
}

export interface CreatedAtRange {
  'created_at[gt]'?: number | undefined;
  'created_at[gte]'?: number | undefined;
  'created_at[lt]'?: number | undefined;
  'created_at[lte]'?: number | undefined;
}
