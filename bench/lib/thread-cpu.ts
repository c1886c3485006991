/**
 * The CPU time of one thread, where the system says it: Linux, to the nanosecond. `process.cpuUsage()` counts all
 * threads of a process, the garbage collector's among them. Called by contenders on the thread that they measure.
 */
import { readFileSync } from 'node:fs';

/** Whether `mainThreadCpuUs` works here. */
export function hasThreadCpu(): boolean {
  try {
    return mainThreadCpuUs() > 0;
  } catch {
    return false;
  }
}

/**
 * Microseconds that the main thread of this process has spent on a CPU. What its helpers did for it (parallel garbage
 * collection, compiling) is not in it. Throws where the system does not say it.
 */
export function mainThreadCpuUs(): number {
  // The main thread has the number of its process.
  const text = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1');
  const nanoseconds = Number(text.split(' ')[0]);
  if (!Number.isFinite(nanoseconds)) throw new Error('The CPU time of a thread is not known here.');
  return nanoseconds / 1000;
}
