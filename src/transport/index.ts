/** Byte streams: the seam and its built-in back-ends. The others are loaded by resolve-backend, when they are named. */
export type {
  Backend,
  BackendStream,
  ByteStream,
  ByteStreamListener,
  OpenOptions,
  StreamDetails,
} from './backend.js';
export {
  createMemoryBackend,
  createMemoryPair,
  type MemoryAccept,
  type MemoryOptions,
  MemoryStream,
} from './memory.js';
export { createTlsBackend, type TlsBackendOptions } from './tls.js';
export { hostAndPort, timeoutError } from './tls-errors.js';
