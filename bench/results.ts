import { type Figure, figureOf } from './statistics.ts';

/** One figure of one contender, as every run of it said. */
export interface Row {
  measure: string;
  figure: string;
  unit: string;
  contender: string;
  value: Figure;
}

export interface Results {
  add(measure: string, figure: string, unit: string, contender: string, value: number): void;
  readonly rows: readonly Row[];
  /** As a table of Markdown for each measure: the median of the runs, and the lowest and highest. */
  table(): string;
}

export function createResults(): Results {
  const runs = new Map<string, { row: Omit<Row, 'value'>; values: number[] }>();

  const rows = () => [...runs.values()].map(({ row, values }) => ({ ...row, value: figureOf(values) }));

  return {
    add(measure, figure, unit, contender, value) {
      const key = JSON.stringify([measure, figure, contender]);
      const known = runs.get(key) ?? { row: { measure, figure, unit, contender }, values: [] };
      known.values.push(value);
      runs.set(key, known);
    },
    get rows() {
      return rows();
    },
    table() {
      const all = rows();
      return unique(all.map(({ measure }) => measure))
        .map(measure =>
          tableOf(
            measure,
            all.filter(row => row.measure === measure),
          ),
        )
        .join('\n\n');
    },
  };
}

function tableOf(measure: string, rows: readonly Row[]): string {
  const contenders = unique(rows.map(({ contender }) => contender));
  const lines = unique(rows.map(({ figure }) => figure)).map(figure => {
    const cells = contenders.map(contender => {
      const row = rows.find(it => it.figure === figure && it.contender === contender);
      return row === undefined ? '–' : cellOf(row);
    });
    return `| ${figure} | ${cells.join(' | ')} |`;
  });
  return [
    `### ${measure}`,
    '',
    `| | ${contenders.join(' | ')} |`,
    `|---|${contenders.map(() => '---|').join('')}`,
    ...lines,
  ].join('\n');
}

function cellOf({ value, unit }: Row): string {
  const spread = value.runs.length === 1 ? '' : ` (${rounded(value.min)}–${rounded(value.max)})`;
  return `${rounded(value.median)} ${unit}${spread}`.replace(/ +/g, ' ');
}

function rounded(value: number): string {
  if (Number.isNaN(value)) return '?';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];
