/** Adds an item as the newest; of more than `most` the oldest goes. */
export function addNewest(set: Set<string>, item: string, most: number): void {
  set.delete(item);
  set.add(item);
  if (set.size > most) set.delete(set.values().next().value ?? '');
}
