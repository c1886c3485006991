/** Outcomes of slices of an earlier run, whose blocks are read again while outcomes are taken. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { OpenSlices } from '../../../src/cluster/dispatch/open-slices.js';
import { OutcomeCollector } from '../../../src/cluster/dispatch/outcome-collector.js';
import { encodeOutcome } from '../../../src/cluster/slices/outcome-codec.js';
import type { SettledBatch } from '../../../src/engine/batch.js';
import { ACCEPTED, UNKNOWN } from '../../../src/engine/ledger.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { Rows } from '../../../src/session/recipients/rows.js';
import { MemoryClusterState, MemoryClusterStore, MemorySliceBlobs } from '../../support/memory-cluster-store.js';
import { MemorySliceJobs } from '../../support/memory-slice-jobs.js';

const count = 3;
const campaign = '00112233445566778899aabbccddeeff';

describe('outcomes that are collected', () => {
  for (const isClosed of [false, true]) {
    const end = isClosed ? 'its records are' : 'its end is';
    it(`wait for blocks that are read while others are taken: ${end} taken last`, async () => {
      const store = new MemoryClusterStore(new MemoryClusterState());
      const [blobs, jobs] = [new MemorySliceBlobs(), new MemorySliceJobs()];
      await store.begin(
        { version: 1, id: campaign, title: '', gateway: '', app: null, message: {} as never, send: {} },
        { ratePerSecond: null, maxInFlight: null, isPaused: false, stopped: null },
      );
      await store.addSlice(campaign, 0, new Uint8Array(1));
      const claim = (await store.claim(campaign, 0, 'worker'))!;
      const shared = { slice: 0, epoch: claim.epoch } as const;
      const outcomes = [0, 1].map((batch) => {
        const told = { indexes: null, ledger: new Uint8Array(count).fill(ACCEPTED), details: [], ids: null };
        return encodeOutcome({ kind: 'batch', ...shared, batch, ...told, cause: null, resent: 0 });
      });
      if (!isClosed) outcomes.push(encodeOutcome({ kind: 'end', ...shared, worker: 'worker', latencies: null }));
      await store.commit(claim, { changes: [], outcomes, hasEnded: !isClosed });

      const slices = new OpenSlices();
      const place = { count, indexes: null };
      slices.find(0, [
        { block: 0, ...place },
        { block: 1, ...place },
      ]);
      const read = (block: number): void => {
        const rows = new Rows(new TokenBlock(randomBytes(32 * count), 32, count), new Map());
        slices.adopt(
          rows,
          block,
          Uint16Array.from({ length: count }, (_, index) => index),
        );
      };
      const seen: number[] = [];
      const settled = ({ ledger }: SettledBatch): void => {
        seen.push(...ledger);
        // The feed goes on while the sink takes an outcome.
        if (seen.length === count) read(0);
      };
      const collector = new OutcomeCollector({
        ...{ campaign, store, blobs, jobs, slices, sink: { outcomes: { settled } as never } },
        flush: async () => {},
        stopped: () => null,
      });
      if (isClosed) collector.close(0, await store.claim(campaign, 0, 'dispatcher'));
      await collector.collect();
      read(1);
      for (let looks = 0; looks < 4; looks++) await collector.collect();
      assert.deepEqual(seen, new Array(2 * count).fill(ACCEPTED));
      assert.ok(!seen.includes(UNKNOWN));
      assert.equal(slices.size, 0);
    });
  }
});
