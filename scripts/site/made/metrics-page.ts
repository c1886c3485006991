/** The reference of metrics, from their definitions and from prom-client's own. Called by the staging of the site. */
import { families } from '../../../src/metrics/families.js';
import { MetricsRegistry } from '../../../src/metrics/metrics-registry.js';
import { code, page, plain, table } from '../markdown.js';
import type { MadeText } from './made-text.js';

export async function metricsPage(): Promise<MadeText> {
  const own = Object.entries(families);
  const registry = new MetricsRegistry();
  const { text: scrape } = await registry.scrape('text');
  registry.close();
  const types = new Map([...scrape.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]));
  const others = [...scrape.matchAll(/^# HELP (\S+) (.+)$/gm)]
    .map(([, name, help]) => [name!, types.get(name!) ?? '', help!] as const)
    .filter(([name]) => !Object.hasOwn(families, name));
  const heads = ['metric', 'type', 'labels', 'meaning'];
  const ownRows = own.map(([name, { type, labels, help }]) => {
    return [code(name), type, labels.map((label) => code(label)).join(', '), plain(help)];
  });
  const text = page(
    'Metrics',
    'What `/metrics` serves. [Watch a process](../monitoring.md) says how to have it served, what to alert on, and what the ' +
      'labels hold.',
    '## Of peal',
    table(heads, ownRows),
    '## Of the process and Node.js',
    'These are prom-client’s own; which of them there are depends on the system.',
    table(
      ['metric', 'type', 'meaning'],
      others.map(([name, type, help]) => [code(name), type, plain(help)]),
    ),
  );
  return { address: 'reference/metrics', title: 'Metrics', text };
}
