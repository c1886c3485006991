/** A small fuzz for every run of the tests; `npm run test:fuzz` is the large one. */
import assert from 'node:assert/strict';
import { runFuzz } from './run.js';

const cases = 20_000;
const from = 1;

describe('fuzz: whatever a server sends', () => {
  it(`holds for ${cases} conversations from seed ${from}: every request reported once, output well formed`, function () {
    this.timeout(60_000);
    const { conversations, others, verdicts, failures } = runFuzz({ from, count: cases, step: 1 });
    assert.deepEqual(failures, []);
    assert.equal(conversations, cases);
    assert.ok(others > cases / 4);
    // A fuzz that ends in the same few ways, or always in failure, shows little.
    assert.ok(verdicts.size > 50, `${verdicts.size} kinds of verdict`);
    let goesOn = 0;
    for (const [verdict, count] of verdicts) if (verdict.startsWith('goes on')) goesOn += count;
    assert.ok(goesOn > 0.3 * cases && goesOn < 0.8 * cases, `${goesOn} of ${cases} connections went on`);
  });
});
