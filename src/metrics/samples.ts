/**
 * What the sources of one scrape say: values by metric and labels. Sources that say the same labels are added up.
 * Bounded: a metric has a limited number of series, and a label a limited length. Made for each scrape; main thread.
 */
import { assert } from '../base/assert.js';
import { maxSeriesOfMetric } from '../base/limits.js';
import { escapeUnprintable } from '../base/text.js';
import type { LatencyHistogram } from '../engine/latency-histogram.js';
import { answerBorders, type Family, type FamilyName, families } from './families.js';

type Labels = Readonly<Record<string, string>>;

/** One line of a scrape. */
interface Sample {
  /** The name of the metric, or of a part of a histogram. */
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

interface Series {
  readonly labels: Labels;
  value: number;
}

const maxLabelCharacters = 200;

export class Samples {
  readonly #series = new Map<FamilyName, Map<string, Series>>();
  /** Answers of histograms: below each border, of all, and the sum of their times in seconds. */
  readonly #histograms = new Map<FamilyName, { readonly below: number[]; count: number; sum: number }>();
  #leftOut = 0;

  /** Adds to a counter or a gauge. A value that is not a number is left out. */
  add(name: FamilyName, value: number, labels: Labels = {}): void {
    const family: Family = families[name];
    assert(family.type !== 'histogram', 'a histogram is added by its own method');
    assert(hasLabels(labels, family.labels), 'a sample has the labels of its metric');
    if (Number.isNaN(value)) return;
    let ofName = this.#series.get(name);
    if (ofName === undefined) {
      ofName = new Map();
      this.#series.set(name, ofName);
    }
    const values = family.labels.map((label) => labels[label]!.slice(0, maxLabelCharacters));
    const key = values.join('\n');
    const known = ofName.get(key);
    if (known !== undefined) known.value += value;
    else if (ofName.size >= maxSeriesOfMetric) this.#leftOut += 1;
    else {
      const said = values.map((text) => escapeUnprintable(text, maxLabelCharacters));
      ofName.set(key, { labels: Object.fromEntries(family.labels.map((label, at) => [label, said[at]!])), value });
    }
  }

  /** @param without answers that `latencies` has counted before, and that are left out */
  addLatencies(latencies: LatencyHistogram, without: LatencyHistogram | null = null): void {
    const bordersMs = answerBorders.map((seconds) => seconds * 1000);
    const name = 'peal_answer_duration_seconds';
    const histogram = this.#histograms.get(name) ?? { below: answerBorders.map(() => 0), count: 0, sum: 0 };
    this.#histograms.set(name, histogram);
    for (const [one, sign] of [
      [latencies, 1],
      [without, -1],
    ] as const) {
      if (one === null) continue;
      const { below, count, sumMs } = one.cumulative(bordersMs);
      for (const [at, times] of below.entries()) histogram.below[at]! += sign * times;
      histogram.count += sign * count;
      histogram.sum += (sign * sumMs) / 1000;
    }
  }

  /** Series that did not find a place. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** What was added under the name of a metric. */
  of(name: FamilyName): readonly Sample[] {
    const histogram = this.#histograms.get(name);
    if (histogram === undefined) {
      return [...(this.#series.get(name)?.values() ?? [])].map(({ labels, value }) => ({ name, labels, value }));
    }
    const { below, count, sum } = histogram;
    const buckets = [...answerBorders.map(String), '+Inf'].map((le, at) => ({
      name: `${name}_bucket`,
      labels: { le },
      value: below[at] ?? count,
    }));
    // A difference of two rounded sums may be a little below zero.
    const total = { name: `${name}_sum`, labels: {}, value: Math.max(0, sum) };
    return [...buckets, total, { name: `${name}_count`, labels: {}, value: count }];
  }
}

function hasLabels(given: Labels, names: readonly string[]): boolean {
  return Object.keys(given).length === names.length && names.every((name) => typeof given[name] === 'string');
}
