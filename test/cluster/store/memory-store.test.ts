/** The store in memory, with which dispatchers and workers are tested, does what the others do. */
import assert from 'node:assert/strict';
import { cases } from '../../support/cases.js';
import { MemoryClusterState, MemoryClusterStore } from '../../support/memory-cluster-store.js';
import { definitionOf, free, testClusterStore, textCommit } from './store-contract.js';

describe('a store of clusters in memory', () => {
  const state = new MemoryClusterState();

  testClusterStore(() => ({
    open: async () => {
      const store = new MemoryClusterStore(state);
      // So that calls of several machines interleave.
      store.onCall = () => new Promise((resolve) => setImmediate(resolve));
      return store;
    },
    pass: async (ms) => {
      state.nowMs += ms;
    },
    interleavings: cases(5000, 1000),
  }));

  it('lets a commit hold once whose answer was lost, and not at all where it failed', async () => {
    const store = new MemoryClusterStore();
    const definition = definitionOf();
    await store.begin(definition, free);
    await store.addSlice(definition.id, 0, Buffer.from('m'));
    const claim = (await store.claim(definition.id, 0, 'w'))!;
    const [first, second] = [textCommit({ a: '1' }, ['1']), textCommit({ a: '2' }, ['2'])];
    store.losesNextAnswer = true;
    await assert.rejects(store.commit(claim, first), { code: 'ERR_PEAL_STORE', retryable: true });
    await assert.rejects(store.commit(claim, second), { name: 'AssertionError' });
    await store.commit(claim, first);
    store.failsNextCommit = true;
    await assert.rejects(store.commit(claim, second), { code: 'ERR_PEAL_STORE', retryable: true });
    assert.equal((await store.outcomes(definition.id, 0, 10)).length, 1);
    await store.commit(claim, second);
    assert.equal((await store.outcomes(definition.id, 0, 10)).length, 2);
  });

  it('refuses everything while it is away', async () => {
    const store = new MemoryClusterStore();
    store.isAway = true;
    await assert.rejects(store.workers(), { code: 'ERR_PEAL_STORE', retryable: true });
  });
});
