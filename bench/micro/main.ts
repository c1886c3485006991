/**
 * Runs the micro benchmarks and prints what one item costs, beside a plain copy of the same bytes.
 *
 *   npm run bench:micro              all of them
 *   npm run bench:micro -- hpack     those whose name holds "hpack"
 */
import { Bench } from 'tinybench';
import { loadItems, type MicroItem } from './suite.js';

/** Measured time of each item, in milliseconds; as long again goes before it for the compiler to settle. */
const measureMs = 400;

/** A copy of as many bytes as one run of the item handles. */
function copyOf(item: MicroItem): () => void {
  const bytes = item.bytesPerItem * item.itemsPerRun;
  const source = new Uint8Array(bytes).fill(7);
  const target = new Uint8Array(bytes);
  return () => target.set(source);
}

interface Row {
  item: string;
  'ns/item': string;
  'GB/s': string;
  'copy ns/item': string;
  'copy GB/s': string;
}

async function main(filter: string | undefined): Promise<void> {
  const items = (await loadItems()).filter(({ name }) => filter === undefined || name.includes(filter));
  const bench = new Bench({ time: measureMs, warmupTime: measureMs, throws: true });
  for (const item of items) {
    item.setUp?.();
    bench.add(item.name, () => item.run());
    bench.add(`copy of ${item.name}`, copyOf(item));
  }
  await bench.run();

  const nsPerRun = new Map<string, number>();
  for (const task of bench.tasks) {
    if (task.result.state === 'completed') nsPerRun.set(task.name, task.result.latency.p50 * 1e6);
  }
  const rows: Row[] = items.map(({ name, bytesPerItem, itemsPerRun }) => {
    const ns = (nsPerRun.get(name) ?? Number.NaN) / itemsPerRun;
    const copyNs = (nsPerRun.get(`copy of ${name}`) ?? Number.NaN) / itemsPerRun;
    return {
      item: name,
      'ns/item': ns.toFixed(1),
      'GB/s': (bytesPerItem / ns).toFixed(2),
      'copy ns/item': copyNs.toFixed(1),
      'copy GB/s': (bytesPerItem / copyNs).toFixed(2),
    };
  });
  console.log(`Node ${process.version}, medians of runs`);
  console.table(rows);
}

await main(process.argv[2]);
