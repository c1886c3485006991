/** A worker that tells what its thread was given, instead of running a shard. */
import { resourceLimits } from 'node:worker_threads';

export interface ThreadSurroundings {
  readonly environment: NodeJS.ProcessEnv;
  readonly maxHeapMb: number | undefined;
}

export default function surroundings(): ThreadSurroundings {
  return { environment: { ...process.env }, maxHeapMb: resourceLimits.maxOldGenerationSizeMb };
}
