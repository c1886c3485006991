/** `peal/cluster`: campaigns over several machines. bullmq, ioredis and pg are loaded when they are needed. */
export { ClusterSender, type ClusterSenderOptions } from './dispatch/cluster-sender.js';
export { Cluster, type ClusterOptions, openCluster } from './open-cluster.js';
export type {
  CampaignDefinition,
  CampaignStatus,
  ClusterStore,
  SliceBlobs,
  SliceClaim,
  SliceCommit,
  SliceSending,
  Steering,
  SteeringNow,
  StoredSlice,
  WorkerBeat,
} from './store/cluster-store.js';
export { type OpenedStore, type OpenStoreOptions, openClusterStore } from './store/open-store.js';
export { type SharedTokenOptions, sharedProviderTokens } from './tokens/shared-provider-tokens.js';
export { ClusterWorker, type ClusterWorkerOptions } from './worker/cluster-worker.js';
export type { ClusterWorkerSnapshot } from './worker/slice-worker.js';
