/**
 * The part of one worker in a limit that holds for all workers together, such as requests in flight. Pure; called by
 * each worker for itself, with what it knows of the others.
 */
import { shareTurnMs } from '../../base/limits.js';

/**
 * Returns the share of the worker `rank` (0 to `workers` - 1). The shares of all workers make up `limit`. Where the
 * limit is less than the number of workers, some have nothing. They change after some seconds, so that no slice stands
 * still for good.
 *
 * @param limit null: no limit
 * @param wallMs by which all workers count the turns
 */
export function inFlightShare(limit: number | null, workers: number, rank: number, wallMs: number): number {
  if (limit === null) return Number.POSITIVE_INFINITY;
  const turn = limit < workers ? Math.floor(wallMs / shareTurnMs) : 0;
  // Turns move by the limit, so that each worker has one after as few turns as possible.
  const place = (((rank - turn * limit) % workers) + workers) % workers;
  return Math.floor(limit / workers) + (place < limit % workers ? 1 : 0);
}
