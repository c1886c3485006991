/** What the conduct remembers of tokens: exact for those of late, and bounded. */
import assert from 'node:assert/strict';
import { maxWatchedProviderTokens, maxWatchedTokens } from '../../../src/base/limits.js';
import { Chance } from '../../../src/simulator/faults/chance.js';
import { KeyUpdates, PushRates } from '../../../src/simulator/rules/rates.js';

describe('simulator: rates of pushes', () => {
  it('forgets the oldest token first where there are too many', () => {
    const rates = new PushRates(1, 1000);
    for (let token = 0; token <= maxWatchedTokens; token++) assert.ok(rates.allows(token, 0, 0));
    assert.equal(rates.allows(1, 0, 0), false, 'still known');
    assert.equal(rates.allows(0, 0, 0), true, 'forgotten');
  });
});

describe('simulator: changes of provider tokens', () => {
  it('says until when a change is one too many: until the oldest that counts has passed', () => {
    const updates = new KeyUpdates(2, 1000);
    assert.deepEqual(
      [
        updates.admit('k', 'a', 1),
        updates.admit('k', 'b', 10),
        updates.admit('k', 'c', 20),
        updates.admit('k', 'd', 30),
      ],
      [0, 0, 0, 1010],
    );
    assert.equal(updates.admit('k', 'd', 1009), 1010);
    assert.equal(updates.admit('k', 'd', 1010), 0);
    assert.equal(updates.admit('k', 'e', 1011), 1020);
  });

  it('remembers so many keys and tokens', () => {
    const updates = new KeyUpdates(1_000_000, 1);
    for (let token = 0; token <= maxWatchedProviderTokens; token++) updates.admit('k', `${token}`, token);
    for (let key = 0; key <= maxWatchedProviderTokens; key++) updates.admit(`k${key}`, 'a', 0);
    const strict = new KeyUpdates(0, 1000);
    for (let key = 0; key <= maxWatchedProviderTokens; key++) strict.admit(`k${key}`, 'a', 0);
    assert.equal(strict.admit('k1', 'b', 0), 1000, 'still known');
    assert.equal(strict.admit('k0', 'b', 0), 0, 'forgotten, and so new');
  });
});

describe('simulator: draws', () => {
  it('are alike for a seed and a connection, and different for another of either', () => {
    const drawn = (seed: number, salt: number): number[] => {
      const chance = new Chance(seed, salt);
      return Array.from({ length: 5 }, () => chance.next());
    };
    assert.deepEqual(drawn(1, 1), drawn(1, 1));
    const all = [drawn(1, 1), drawn(1, 2), drawn(2, 1), drawn(2, 2)].map((list) => list.join());
    assert.equal(new Set(all).size, 4);
  });

  it('are even, and none where the answer is certain', () => {
    const chance = new Chance(3, 0);
    let hits = 0;
    for (let count = 0; count < 10_000; count++) if (chance.is(0.3)) hits++;
    assert.ok(hits > 2_800 && hits < 3_200, `${hits} of 10,000 at 30 %`);
    const [first, second] = [new Chance(9, 0), new Chance(9, 0)];
    assert.deepEqual([first.is(1), first.is(0)], [true, false]);
    assert.equal(first.next(), second.next());
  });
});
