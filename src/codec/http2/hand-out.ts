/**
 * The hand-out: the moment from which the peer may know of what waited in the output. Owns the order of what has to
 * happen then. Owned by one connection, on its thread.
 *
 *   1  bodies that waited for a window go along, as far as windows allow now
 *   2  streams whose last DATA is in the output await their answers
 *   3  all streams that were opened count as known to the peer, and get the mark of this hand-out
 *   4  the buffer changes hands, and what it acknowledges is owed no more
 *
 * The bodies come first: one that ends in the write that holds its HEADERS is told from the others by what the peer
 * knew before.
 */
import { assert } from '../../base/assert.js';
import type { BlockedBodies } from './blocked-bodies.js';
import type { Output } from './output.js';
import type { StreamTable } from './stream-table.js';

/** Returns all that waits as one view, which stays untouched until it was written; null when nothing waits. */
export function handOut(output: Output, blocked: BlockedBodies, streams: StreamTable, mark: number): Uint8Array | null {
  assert(!output.isTaken, 'one view is out at a time');
  blocked.flush();
  blocked.handedOut();
  streams.handOut(mark);
  return output.take();
}
