import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { createMetrics } from '../../src/observability/metrics.ts';

const dashboard = z
  .object({
    templating: z.object({ list: z.array(z.looseObject({ name: z.string(), query: z.unknown() })) }),
    panels: z.array(
      z.object({
        id: z.int(),
        title: z.string(),
        targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).default([]),
      }),
    ),
  })
  .parse(JSON.parse(await readFile(new URL('../../deploy/grafana/shopper.json', import.meta.url), 'utf8')));

const alerts = z
  .object({
    groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string(), expr: z.string() })) })),
  })
  .parse(parse(await readFile(new URL('../../deploy/prometheus/alerts.yml', import.meta.url), 'utf8')))
  .groups.flatMap(({ rules }) => rules);

const shownQueries = [
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...dashboard.templating.list.map(({ query }) => JSON.stringify(query)),
];
const queries = [...shownQueries, ...alerts.map(({ expr }) => expr)];
const NAME = /\b(?:shopper|process|nodejs)_[a-z0-9_]+/g;
const namesIn = (texts: string[]) => new Set(texts.flatMap(text => text.match(NAME) ?? []));
const used = namesIn(queries);

const { registry } = createMetrics({ version: '1', role: 'all' });
const metrics = registry.getMetricsAsArray() as unknown as {
  name: string;
  type: string;
  labelNames: string[];
}[];
/** Names of series as Prometheus has them; a histogram has three. */
const labelsOf = new Map<string, string[]>();
for (const { name, type, labelNames } of metrics) {
  if (type !== 'histogram') labelsOf.set(name, labelNames);
  else for (const part of ['bucket', 'sum', 'count']) labelsOf.set(`${name}_${part}`, [...labelNames, 'le']);
}
/** What Prometheus itself adds when it asks. */
const FROM_PROMETHEUS = ['job', 'instance'];

it('asks only for metrics that exist', () => {
  expect(used.size).toBeGreaterThan(15);
  expect([...used].filter(name => !labelsOf.has(name))).toEqual([]);
});

it('shows every metric of ours', () => {
  const names = metrics.map(({ name }) => name).filter(name => name.startsWith('shopper_'));
  const onDashboard = [...namesIn(shownQueries)];
  const shown = (name: string) => onDashboard.some(each => each === name || each.startsWith(`${name}_`));
  expect(names.filter(name => !shown(name))).toEqual([]);
});

it('asks only for labels that the metric has', () => {
  for (const query of queries) {
    for (const [, name = '', matchers = ''] of query.matchAll(/\b([a-z_]+)\{([^}]*)\}/g)) {
      const known = [...(labelsOf.get(name) ?? []), ...FROM_PROMETHEUS];
      const asked = [...matchers.matchAll(/(\w+)(?:=~|!~|!=|=)/g)].map(([, label = '']) => label);
      expect(
        asked.filter(label => !known.includes(label)),
        query,
      ).toEqual([]);
    }
    const name = query.match(NAME)?.[0] ?? '';
    for (const [, labels = ''] of query.matchAll(/\bby \(([^)]*)\)/g)) {
      const asked = labels.split(',').map(label => label.trim());
      const known = [...(labelsOf.get(name) ?? []), ...FROM_PROMETHEUS];
      expect(
        asked.filter(label => !known.includes(label)),
        query,
      ).toEqual([]);
    }
  }
});

it('alerts on the endings that the dashboard counts as gone wrong', () => {
  const endings = (texts: string[]) =>
    texts.flatMap(text => [...text.matchAll(/ending=~"([^"$]*)"/g)].map(([, each = '']) => each));
  const counted = new Set(endings(shownQueries));
  expect(endings(alerts.map(({ expr }) => expr)).filter(each => counted.has(each))).toHaveLength(1);
});

it('alerts on an outage of the agent service, while answers still wait and no turn has failed', () => {
  const [, statuses = ''] =
    alerts
      .map(({ expr }) => /shopper_agent_request_duration_seconds_count\{status=~"([^"]*)"\}/.exec(expr))
      .find(found => found !== null) ?? [];
  // As Prometheus has it, a pattern matches the whole value.
  const alerting = new RegExp(`^(?:${statuses})$`);
  const told = ['unreachable', '503', '529', 'aborted', '200', '429'].filter(each => alerting.test(each));
  expect(told).toEqual(['unreachable', '503', '529']);
});

it('has panels with ids of their own', () => {
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
