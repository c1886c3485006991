import assert from 'node:assert/strict';
import { runQuickBenchmark } from '../support/quick-bench.js';

describe('bench: compat', () => {
  it('measures each way to send, and counts what the gateway has accepted', async () => {
    const { rows } = await runQuickBenchmark('compat/main.js', ['--contender', 'peal/']);
    assert.deepEqual(
      rows.map(({ contender, parameters }) => `${contender}, ${parameters.sends}, ${parameters.roundTrip}`),
      ['500 calls', '1 call, 500 tokens'].flatMap((sends) => [
        `peal/compat/node-apn, ${sends}, 0 ms`,
        `peal/compat/apns2, ${sends}, 0 ms`,
      ]),
    );
    for (const { figures } of rows) {
      assert.deepEqual([figures.accepted?.median, figures.arrived?.median], [500, 500]);
      assert.ok(figures.cpuUs!.median > 0 && figures.peakRssMb!.median >= figures.grownMb!.median);
    }
  });
});
