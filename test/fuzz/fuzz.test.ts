/** A small fuzz for every run of the tests; `npm run test:fuzz` is the large one. */
import assert from 'node:assert/strict';
import { cases } from '../support/cases.js';
import { runFuzz } from './run.js';

const count = cases(20_000, 2_000);
const from = 1;

describe('fuzz: whatever a server sends', () => {
  it(`holds for ${count} conversations from seed ${from}: every request reported once, output well formed`, () => {
    const { conversations, others, verdicts, failures } = runFuzz({ from, count, step: 1 });
    assert.deepEqual(failures, []);
    assert.equal(conversations, count);
    assert.ok(others > count / 4);
    // A fuzz that ends in the same few ways, or always in failure, shows little.
    assert.ok(verdicts.size > 50, `${verdicts.size} kinds of verdict`);
    let goesOn = 0;
    for (const [verdict, count] of verdicts) if (verdict.startsWith('goes on')) goesOn += count;
    assert.ok(goesOn > 0.3 * count && goesOn < 0.8 * count, `${goesOn} of ${count} connections went on`);
  });
});
