/** A table that is asked for what people write: an object would answer "constructor" with what it inherits. */
export function lookup<Value>(table: Record<string, Value>): ReadonlyMap<string, Value> {
  return new Map(Object.entries(table));
}
