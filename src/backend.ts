/**
 * The face for those who write back-ends of their own (`peal/backend`): the interfaces, and the parts that built-in
 * back-ends are made of. Apart from index.ts, because importing the library loads no back-end. See docs/backends.md.
 */
export { PealError } from './base/errors.js';
export type {
  Backend,
  BackendClass,
  BackendCredential,
  BackendStream,
  ByteStream,
  ByteStreamListener,
  OpenOptions,
  StreamDetails,
} from './transport/backend.js';
export {
  createMemoryBackend,
  createMemoryPair,
  type MemoryAccept,
  type MemoryOptions,
  MemoryStream,
} from './transport/memory.js';
export { createProxyBackend, type ProxyOptions } from './transport/proxy.js';
export { createTlsBackend, type TlsBackendOptions } from './transport/tls.js';
export { type CredentialFor, TlsCredential } from './transport/tls-credential.js';
export type { Dial } from './transport/tls-stream.js';
