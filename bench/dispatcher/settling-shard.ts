/**
 * A shard that accepts each batch as soon as it comes: what remains is the dispatcher's own work. The entry point of a
 * worker thread; it speaks the messages of src/engine/messages over the same ports as a real shard.
 */
import { controlResult, exposeControl } from '../../src/engine/control-plane.js';
import { ACCEPTED } from '../../src/engine/ledger.js';
import type { SettledMessage, ToShard } from '../../src/engine/messages.js';
import type { ShardTask } from '../../src/engine/shard/shard-task.js';

const noStats = {
  ...{ connections: 0, connecting: 0, connectionsOpened: 0, inFlight: 0 },
  ...{ streamLimit: null, waiting: 0, batches: 0 },
};

export default async function runSettlingShard({ control, data }: ShardTask): Promise<void> {
  data.on('message', (message: ToShard) => {
    if (message.kind !== 'batch') return;
    const { slot, ledger, count, buffer } = message;
    new Uint8Array(ledger, 0, count).fill(ACCEPTED);
    const settled: SettledMessage = { kind: 'settled', slot, buffer, details: [], ids: null, cause: null };
    data.postMessage(settled, [buffer]);
  });
  await new Promise<void>((resolve) => {
    exposeControl(
      {
        start: () => controlResult(() => null),
        stats: () => controlResult(() => noStats),
        outdate: () => controlResult(() => null),
        ping: async () => ({ ok: true, value: [] }),
        stop: async () => {
          // The answer is posted when this function returns.
          setImmediate(resolve);
          return { ok: true, value: null };
        },
      },
      control,
    );
    data.once('close', resolve);
  });
  data.close();
  control.close();
}
