/** What it costs to count how long one answer took, in a histogram of ours and in the one of Node. */
import { createHistogram } from 'node:perf_hooks';
import { LatencyHistogram, latencyHistogramBytes } from '../../src/engine/latency-histogram.js';
import type { MicroItem, Register } from './suite.js';

const answers = 1024;
/** Milliseconds with fractions, around 40, with a long tail. */
const times = Float64Array.from(
  { length: answers },
  (_, index) => 40 + (index % 97) / 7 + (index % 101 === 0 ? 900 : 0),
);
const nanoseconds = Float64Array.from(times, (ms) => Math.round(ms * 1e6));
const perAnswer = { bytesPerItem: Float64Array.BYTES_PER_ELEMENT, itemsPerRun: answers };

export const register: Register = () => [
  recordItem('own memory', new LatencyHistogram()),
  recordItem('shared memory', new LatencyHistogram(new SharedArrayBuffer(latencyHistogramBytes))),
  nodeItem(),
];

function recordItem(memory: string, histogram: LatencyHistogram): MicroItem {
  return {
    name: `latency: record, ${memory}`,
    ...perAnswer,
    run: () => {
      for (let index = 0; index < answers; index++) histogram.record(times[index]!);
    },
  };
}

function nodeItem(): MicroItem {
  const histogram = createHistogram();
  return {
    name: 'latency: record, createHistogram of node:perf_hooks',
    ...perAnswer,
    run: () => {
      for (let index = 0; index < answers; index++) histogram.record(nanoseconds[index]!);
    },
  };
}
