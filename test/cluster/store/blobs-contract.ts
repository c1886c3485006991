/** What every kind of SliceBlobs does. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { SliceBlobs } from '../../../src/cluster/store/cluster-store.js';

export function testSliceBlobs(open: () => Promise<SliceBlobs>): void {
  it('gives bytes back until they are removed', async () => {
    const [blobs, other] = [await open(), await open()];
    const [name, bytes] = [`c0ffee-s1.${randomBytes(4).toString('hex')}`, randomBytes(100_000)];
    assert.equal(await blobs.get(name), null);
    await blobs.put(name, bytes.subarray(10));
    await other.put(name, bytes);
    await blobs.put(`${name}x`, new Uint8Array(0));
    assert.deepEqual(Buffer.from((await other.get(name))!), bytes);
    assert.equal((await other.get(`${name}x`))!.length, 0);
    await blobs.remove([name, 'never-there']);
    await blobs.remove([]);
    assert.equal(await other.get(name), null);
    await other.remove([`${name}x`]);
  });
}
