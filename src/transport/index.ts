/** Byte streams: the seam and its built-in back-ends. */
export type { Backend, ByteStream, ByteStreamListener, OpenOptions } from './backend.js';
export {
  createMemoryBackend,
  createMemoryPair,
  type MemoryAccept,
  type MemoryOptions,
  MemoryStream,
} from './memory.js';
export { createTlsBackend, type TlsBackendOptions } from './tls.js';
export { hostAndPort } from './tls-errors.js';
