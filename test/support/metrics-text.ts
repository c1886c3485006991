/**
 * A strict reader of what /metrics answers, in Prometheus' text format 0.0.4 and in OpenMetrics 1.0. It shares nothing
 * with what writes it, and throws for what the formats do not allow: families in pieces, samples of no family, series
 * twice, histograms whose buckets shrink.
 */
import assert from 'node:assert/strict';

export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ReadFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ReadSample[];
}

export class ReadMetrics {
  constructor(readonly families: ReadonlyMap<string, ReadFamily>) {}

  /** The sum of the samples of that name that have these labels. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.samples(name, labels).reduce((sum, { value }) => sum + value, 0);
  }

  samples(name: string, labels: Readonly<Record<string, string>> = {}): readonly ReadSample[] {
    return [...this.families.values()]
      .flatMap(({ samples }) => samples)
      .filter(
        (one) => one.name === name && Object.entries(labels).every(([label, text]) => one.labels[label] === text),
      );
  }
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

export function readMetrics(text: string, isOpenMetrics = false): ReadMetrics {
  assert.ok(text.endsWith('\n'), 'the last line has an end');
  const lines = text.slice(0, -1).split('\n');
  if (isOpenMetrics) assert.equal(lines.pop(), '# EOF');
  const families = new Map<string, { name: string; type: string; help: string; samples: ReadSample[] }>();
  const series = new Set<string>();
  let open: { name: string; type: string; help: string; samples: ReadSample[] } | null = null;
  for (const line of lines) {
    if (line === '' && !isOpenMetrics) continue;
    const [, help, described] = /^# HELP (\S+) (.+)$/.exec(line) ?? [];
    if (help !== undefined) {
      assert.match(help, metricName);
      assert.ok(!families.has(help), `${help} stands once`);
      assert.doesNotMatch(described!, /\\(?![\\n"])/, 'escapes');
      open = { name: help, type: '', help: described!, samples: [] };
      families.set(help, open);
      continue;
    }
    const [, typed, type] = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line) ?? [];
    if (typed !== undefined) {
      assert.ok(open !== null && open.name === typed && open.type === '', `the type of ${typed} follows its help`);
      open.type = type!;
      continue;
    }
    const sample = readSample(line);
    assert.ok(open !== null && open.type !== '', `${sample.name} follows its type`);
    assert.ok(namesOf(open, isOpenMetrics).includes(sample.name), `${sample.name} belongs to ${open.name}`);
    const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
    assert.ok(!series.has(key), `${key} stands once`);
    series.add(key);
    open.samples.push(sample);
  }
  for (const family of families.values()) if (family.type === 'histogram') checkHistogram(family);
  return new ReadMetrics(families);
}

function namesOf({ name, type }: ReadFamily, isOpenMetrics: boolean): readonly string[] {
  if (type === 'histogram') return [`${name}_bucket`, `${name}_sum`, `${name}_count`];
  if (type !== 'counter') return [name];
  assert.equal(name.endsWith('_total'), !isOpenMetrics, `${name} is a counter`);
  return [isOpenMetrics ? `${name}_total` : name];
}

function readSample(line: string): ReadSample {
  const [, name, inner, value] = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  assert.ok(name !== undefined && value !== undefined, `not a sample: ${line}`);
  assert.match(value, /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/i, line);
  const labels: Record<string, string> = {};
  let rest = inner ?? '';
  while (rest !== '') {
    const [whole, label, text] = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/.exec(rest) ?? [];
    assert.ok(whole !== undefined && !(label! in labels), `not labels: ${line}`);
    labels[label!] = text!.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
    rest = rest.slice(whole.length);
  }
  return { name, labels, value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value) };
}

/** Each set of labels has buckets that do not shrink, the last of which is all. */
function checkHistogram({ name, samples }: ReadFamily): void {
  const sets = new Map<string, ReadSample[]>();
  for (const sample of samples) {
    const { le: _, ...others } = sample.labels;
    const key = JSON.stringify(Object.entries(others).sort());
    sets.set(key, [...(sets.get(key) ?? []), sample]);
  }
  for (const set of sets.values()) {
    const buckets = set.filter((one) => one.name === `${name}_bucket`);
    const borders = buckets.map(({ labels }) => Number(labels.le!.replace('+Inf', 'Infinity')));
    assert.deepEqual(
      borders,
      borders.toSorted((a, b) => a - b),
    );
    assert.equal(borders.at(-1), Number.POSITIVE_INFINITY);
    const counts = buckets.map(({ value }) => value);
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      `${name} shrinks`,
    );
    assert.equal(set.find((one) => one.name === `${name}_count`)?.value, counts.at(-1));
    assert.ok(set.find((one) => one.name === `${name}_sum`)!.value >= 0);
  }
}
