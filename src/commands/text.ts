/** Stored text as it may be shown on a terminal: nothing in it can move the cursor or change colours. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '');
}

/** As `printable`, set off by two spaces. */
export function indented(text: string): string {
  return printable(text)
    .trimEnd()
    .replace(/^(?=.)/gm, '  ');
}

/** As `printable`, on one line. */
export function printableLine(text: string): string {
  return printable(text).replace(/[\n\t\u2028\u2029]+/g, ' ');
}

/** Rows under headings, columns two spaces apart, the last one unpadded. Empty without rows. */
export function tableOf(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const all = [headings, ...rows.map(row => row.map(printableLine))];
  const widths = headings.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0)));
  return all
    .map(row =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .map(line => `${line}\n`)
    .join('');
}

/** "1 file", "2 files", "10,000 people" */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en-US')} ${n === 1 ? one : many}`;
}

/** "2026-03-14 08:15", in UTC. */
export function minuteOf(iso: string | null): string {
  return iso === null ? '–' : iso.slice(0, 16).replace('T', ' ');
}
