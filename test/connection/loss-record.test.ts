import assert from 'node:assert/strict';
import { LossRecord } from '../../src/connection/loss-record.js';

describe('connection/loss-record', () => {
  it('finds trouble where every stream is reset, at the first read', () => {
    const losses = new LossRecord();
    losses.reset(1000, false);
    assert.ok(losses.isTroubled);
  });

  it('finds trouble in resets one at a time, and where connections die one after the other', () => {
    const resets = new LossRecord();
    for (let i = 0; i < 7; i++) resets.reset(1, true);
    assert.ok(!resets.isTroubled);
    resets.reset(1, true);
    assert.ok(resets.isTroubled);
    const deaths = new LossRecord();
    deaths.died(1000);
    deaths.answered(3);
    assert.ok(!deaths.isTroubled, 'one connection may die');
    for (let i = 0; i < 5; i++) {
      deaths.died(1);
      deaths.answered(3);
    }
    assert.ok(deaths.isTroubled);
  });

  it('finds none where a share of the streams is reset among good answers', () => {
    const losses = new LossRecord();
    for (let read = 0; read < 1000; read++) {
      losses.reset(1, true);
      losses.answered(9);
      assert.ok(!losses.isTroubled);
    }
  });

  it('is over after good answers, how much ever was lost', () => {
    const losses = new LossRecord();
    for (let i = 0; i < 100; i++) losses.reset(1000, false);
    losses.answered(40);
    assert.ok(!losses.isTroubled);
  });
});
