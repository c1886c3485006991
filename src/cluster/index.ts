/** `peal/cluster`: campaigns over several machines. bullmq, ioredis and pg are loaded when they are needed. */
export {
  CredentialCache,
  type CredentialCacheOptions,
  type CurrentCredential,
} from '../credentials/credential-cache.js';
export { CredentialGateways, type CredentialGatewaysOptions } from '../credentials/credential-gateways.js';
export {
  type CredentialEntry,
  type CredentialListener,
  type CredentialStore,
  type OpenedCredential,
  StoredCredential,
} from '../credentials/kinds/credential-store.js';
export {
  type CredentialMaterial,
  NewCredential,
  type NewCredentialOptions,
} from '../credentials/kinds/new-credential.js';
export type { CredentialEnvironment, CredentialPlace } from '../credentials/kinds/place.js';
export { type CredentialStoreOptions, openCredentialStore } from '../credentials/open-credential-store.js';
export { Sealer } from '../credentials/sealing/sealer.js';
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
export { type SharedAccessOptions, sharedAccessTokens } from './tokens/shared-access-tokens.js';
export { type SharedTokenOptions, sharedProviderTokens } from './tokens/shared-provider-tokens.js';
export { ClusterWorker, type ClusterWorkerOptions } from './worker/cluster-worker.js';
export type { ClusterWorkerSnapshot } from './worker/slice-worker.js';
