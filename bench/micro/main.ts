/**
 * Runs the micro benchmarks: what one item costs on a hot path, beside a plain copy of the same bytes. Each round
 * measures each item anew.
 */
import { Bench } from 'tinybench';
import { benchCommand, benchOptions, wholeNumber } from '../lib/bench-options.js';
import type { Values } from '../lib/report.js';
import { type Case, runBenchmark } from '../lib/runner.js';
import { loadItems, type MicroItem } from './suite.js';

const command = benchCommand('micro', 'Measures one item of each hot path beside a plain copy of the same bytes.', 3)
  .argument('[text]', 'only items whose names hold this text, as in "hpack"')
  .option('--measure-ms <ms>', 'time of each item in each round, half as long before it (default: 80)', wholeNumber)
  .parse();
const options = benchOptions(command, 'micro', 3);
const { measureMs = options.quick ? 2 : 80 } = command.opts<{ measureMs?: number }>();
const [text = ''] = command.args;

/** A copy of as many bytes as one run of the item handles. */
function copyOf(item: MicroItem): () => void {
  const bytes = item.bytesPerItem * item.itemsPerRun;
  const source = new Uint8Array(bytes).fill(7);
  const target = new Uint8Array(bytes);
  return () => target.set(source);
}

/** The median of the runs, in nanoseconds for an item. */
async function measure({ itemsPerRun }: MicroItem, run: () => void | Promise<void>): Promise<number> {
  const bench = new Bench({
    time: measureMs,
    warmupTime: measureMs / 2,
    iterations: 2,
    warmupIterations: 1,
    throws: true,
  });
  bench.add('item', run);
  const [task] = await bench.run();
  if (task?.result.state !== 'completed') throw new Error('The item was not measured.');
  return (task.result.latency.p50 * 1e6) / itemsPerRun;
}

function caseOf(item: MicroItem): Case {
  const copy = copyOf(item);
  return {
    contender: item.name,
    parameters: {},
    measure: async (round): Promise<Values> => {
      if (round === 1) item.setUp?.();
      const ns = await measure(item, () => item.run());
      const copyNs = await measure(item, copy);
      return { ns, gbPerSecond: item.bytesPerItem / ns, copyNs, copyGbPerSecond: item.bytesPerItem / copyNs };
    },
  };
}

const items = (await loadItems()).filter(({ name }) => name.includes(text));
const sort = items.map(({ name }) => name);
await runBenchmark(
  {
    name: 'micro',
    title: 'One item of each hot path, beside a plain copy of the same bytes',
    parameters: { measureMs },
    metrics: {
      ns: { title: 'ns/item', digits: 1, hasSpread: true },
      gbPerSecond: { title: 'GB/s', digits: 2 },
      copyNs: { title: 'copy ns/item', digits: 1 },
      copyGbPerSecond: { title: 'copy GB/s', digits: 2 },
    },
    cases: items.map(caseOf),
    plot: {
      ...{ width: 420, height: { step: 16 } },
      encoding: { y: { field: 'contender', type: 'nominal', sort, title: null, axis: { labelLimit: 0 } } },
      layer: [
        {
          mark: { type: 'tick', color: '#aaa' },
          encoding: { x: { field: 'copyNs', type: 'quantitative', title: 'ns for an item; grey: a plain copy' } },
        },
        {
          mark: { type: 'point', filled: true, size: 50 },
          encoding: { x: { field: 'ns', type: 'quantitative', scale: { type: 'log' } } },
        },
        { mark: 'rule', encoding: { x: { field: 'nsLowest', type: 'quantitative' }, x2: { field: 'nsHighest' } } },
      ],
    },
  },
  options,
);
