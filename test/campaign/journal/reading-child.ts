/** Reads journals' stores in a process of its own: prints how many blocks each has, or `refused` for a PealError. */
import { PealError } from '../../../src/base/errors.js';
import { LmdbStore } from '../../../src/campaign/journal/lmdb-store.js';
import { blocksFrom } from '../../../src/campaign/journal/records.js';

for (const file of process.argv.slice(2)) {
  try {
    const store = await LmdbStore.open(file, { readOnly: true });
    console.log([...store.range(...blocksFrom(0))].length);
    await store.close();
  } catch (error) {
    if (!(error instanceof PealError)) throw error;
    console.log('refused');
  }
}
