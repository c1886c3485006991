/**
 * docs/monitoring.md and examples/monitoring against the code: they name metrics, labels and channels that exist, and
 * all.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { families } from '../src/metrics/families.js';
import { MetricsRegistry } from '../src/metrics/metrics-registry.js';
import { readMetrics } from './support/metrics-text.js';
import { repositoryRoot } from './support/repository.js';

const textOf = (name: string): string => readFileSync(path.join(repositoryRoot, name), 'utf8');
const page = textOf('docs/monitoring.md');

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

/** The metrics and the labels that an expression names. */
function namesIn(expression: string): { metrics: string[]; labels: string[] } {
  const bare = expression.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  const metrics = bare.match(/\b(?:peal|nodejs|process)_\w+/g) ?? [];
  const inBraces = [...bare.matchAll(/\{([^}]*)\}/g)].flatMap(([, text]) => text!.match(/\w+(?=\s*[!=]~?)/g) ?? []);
  const by = [...bare.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)].flatMap(([, text]) => text!.match(/\w+/g) ?? []);
  return { metrics, labels: [...inBraces, ...by] };
}

describe('docs/monitoring.md and examples/monitoring', () => {
  /** Names of series, with those of the parts of histograms. */
  let known: Set<string>;
  const labels = new Set(['instance', 'job', 'le', ...Object.values(families).flatMap((family) => family.labels)]);

  before(async () => {
    const registry = new MetricsRegistry();
    const { text } = await registry.scrape('text');
    known = new Set(
      [...readMetrics(text).families.values()].flatMap(({ name, type }) =>
        type === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
      ),
    );
  });

  function checkNames(expression: string): void {
    const named = namesIn(expression);
    assert.ok(named.metrics.length > 0, expression);
    assert.deepEqual(
      named.metrics.filter((name) => !known.has(name)),
      [],
      expression,
    );
    assert.deepEqual(
      named.labels.filter((name) => !labels.has(name)),
      [],
      expression,
    );
  }

  it('has a row for each metric of peal, with its type, labels and meaning', () => {
    const rows = page
      .split('\n')
      .filter((line) => line.startsWith('| `peal_'))
      .map((line) => line.split('|').map((cell) => cell.trim()));
    assert.deepEqual(
      rows.map(([, name, type, named, help]) => [name, type, named, help]),
      Object.entries(families).map(([name, { type, labels: own, help }]) => [
        `\`${name}\``,
        type,
        own.map((label) => `\`${label}\``).join(', '),
        help,
      ]),
    );
  });

  it('names only metrics that exist', () => {
    const named = page.match(/\b(?:peal|nodejs|process)_[a-z_]*[a-z]\b/g)!;
    const unknown = named.filter((name) => !known.has(name) && name !== 'peal_campaign');
    assert.deepEqual(unknown, []);
  });

  it('has rules with metrics and labels that exist', () => {
    const text = textOf('examples/monitoring/alerts.yml');
    const expressions = [...text.matchAll(/^ {8}expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)/gm)].map(
      ([, folded, plain]) => folded ?? plain!,
    );
    assert.equal(expressions.length, text.match(/- alert: /g)!.length);
    for (const expression of expressions) checkNames(expression);
    const [first] = /- alert: PealCannotSend[\s\S]*?for: 2m/.exec(page)!;
    assert.ok(text.includes(first), 'the page quotes the first rule');
  });

  it('has rules that promtool takes, where that is installed', function () {
    if (spawnSync('promtool', ['--version']).error !== undefined) this.skip();
    const file = path.join(repositoryRoot, 'examples/monitoring/alerts.yml');
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
  });

  it('has a dashboard of panels that do not lie on each other, with metrics and labels that exist', () => {
    const { panels } = JSON.parse(textOf('examples/monitoring/dashboard.json')) as {
      readonly panels: readonly (Panel & { readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>> })[];
    };
    assert.ok(panels.length >= 10);
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    for (const { title, targets } of panels) {
      assert.ok(targets.length > 0, title);
      for (const { expr } of targets) checkNames(expr);
    }
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
    );
    assert.equal(new Set(cells).size, cells.length);
    assert.ok(panels.every(({ gridPos: { x, w } }) => x + w <= 24));
  });

  it('would notice a name that does not exist', () => {
    assert.throws(() => checkNames('rate(peal_notification_total[1m])'), assert.AssertionError);
    assert.throws(() => checkNames('sum by (kind) (peal_connections{state="open"})'), assert.AssertionError);
    checkNames('sum by (state) (peal_connections{state=~"open|opening"})');
  });

  it('has a library page with each channel that the code publishes', () => {
    const sources = ['src/engine/dispatcher/diagnostics.ts', 'src/campaign/run/campaign-events.ts']
      .map(textOf)
      .join('\n');
    const channels = [...sources.matchAll(/channel\('(peal:[a-z:]+)'\)/g)].map(([, name]) => name!);
    assert.equal(channels.length, 10);
    const library = textOf('docs/library.md');
    for (const name of channels) assert.ok(library.includes(`\`${name}\``), name);
  });
});
