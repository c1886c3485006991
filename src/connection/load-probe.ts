/**
 * How busy this thread's event loop is: what a pool asks before it opens another connection, because one more
 * connection is of no use to a thread that has no time for those it has.
 */
import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/** Makes a probe that says which share (0 to 1) of the time since its last call the event loop was busy. */
export function createLoadProbe(): () => number {
  let last: EventLoopUtilization = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
