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

  it('goes on from outcomes that were removed, where the answer was lost', async () => {
    const store = new MemoryClusterStore();
    const { id } = definitionOf('ab'.repeat(16));
    await store.begin(definitionOf(id), free);
    await store.addSlice(id, 0, Buffer.from('m'));
    const claim = (await store.claim(id, 0, 'w'))!;
    await store.commit(claim, textCommit({}, ['1', '2', '3', '4']));
    await store.outcomes(id, 0, 2);
    store.losesNextRemoval = true;
    await assert.rejects(store.removeOutcomes(id, 2), { code: 'ERR_PEAL_STORE' });
    assert.equal(Buffer.from((await store.outcomes(id, 2, 1))[0]!).toString(), '3');
    await store.removeOutcomes(id, 3);
    assert.equal(Buffer.from((await store.outcomes(id, 0, 9))[0]!).toString(), '4');
  });

  it('refuses everything while it is away', async () => {
    const store = new MemoryClusterStore();
    store.isAway = true;
    await assert.rejects(store.workers(), { code: 'ERR_PEAL_STORE', retryable: true });
  });
});
