/** The entry point of a shard's worker thread, loaded by Piscina. */
export { runShardTask as default } from '../src/engine/shard/shard-task.js';
