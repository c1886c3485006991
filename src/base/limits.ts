/**
 * Every maximum and every default that bounds something, by name. Units stand last in the names.
 * A limit on what a peer can make us do is ours to choose (RFC 9113 §10.5); the others are Apple's.
 */

// --- Apple's ---
/** Largest payload of a push, in bytes of UTF-8 JSON. */
export const maxPayloadBytes = 4096;
/** Largest payload of a voip push, in bytes. */
export const maxVoipPayloadBytes = 5120;
/** Longest apns-collapse-id, in bytes. */
export const maxCollapseIdBytes = 64;
/** Longest device token that is accepted, in bytes; Apple's are 32 today and may grow. */
export const maxTokenBytes = 100;
/** A provider token is renewed at this age: APNs refuses it after 60 minutes. */
export const providerTokenLifetimeMs = 50 * 60_000;
/** A provider token is never renewed before this age: APNs answers TooManyProviderTokenUpdates. */
export const providerTokenMinAgeMs = 20 * 60_000;

// --- HTTP/2: what we announce and keep to ---
/** Requests in flight on one connection, whatever the peer allows. */
export const maxStreamsPerConnection = 2000;
/** Slots for per-stream state of one connection; a power of two, at least twice maxStreamsPerConnection. */
export const streamRingSlots = 8192;
/** The last stream id a client may open (RFC 9113 §5.1.1). */
export const maxStreamId = 0x7fffffff;
/** SETTINGS_INITIAL_WINDOW_SIZE that we announce, in bytes: far more than an answer of APNs holds. */
export const receiveStreamWindowBytes = 1 << 17;
/** Receive window of a whole connection, in bytes. */
export const receiveConnectionWindowBytes = 1 << 24;
/** SETTINGS_MAX_FRAME_SIZE that we announce, in bytes: the protocol's minimum. */
export const receiveMaxFrameBytes = 16384;
/** SETTINGS_HEADER_TABLE_SIZE: the dynamic table in each direction, in bytes. */
export const headerTableBytes = 4096;
/** SETTINGS_MAX_HEADER_LIST_SIZE that we announce, in bytes as RFC 7541 §4.1 counts. */
export const maxHeaderListBytes = 16384;
/** Fields in one header list. */
export const maxHeaderFields = 128;
/** CONTINUATION frames behind one HEADERS. */
export const maxContinuationFrames = 4;
/** Bytes of one answer's body that are kept. */
export const maxResponseBodyBytes = 65536;
/** Informational (1xx) answers to one request. */
export const maxInformationalResponses = 16;
/** Acknowledgements of PING and SETTINGS that may wait for the peer to read. */
export const maxPendingAcks = 100;
/** Entries in one SETTINGS frame. */
export const maxSettingsEntries = 32;
/** Empty DATA frames without END_STREAM on one connection, between two answers. */
export const maxEmptyDataFrames = 100;
/** Bytes of GOAWAY debug data that are looked at. */
export const maxGoawayDebugBytes = 4096;

// --- HTTP/2: buffers ---
/** One write to the socket: where it starts, and where large payloads let it grow, in bytes. */
export const outputBufferBytes = 64 * 1024;
export const maxOutputBufferBytes = 1024 * 1024;
/** The buffer that a socket reads into, in bytes. */
export const readBufferBytes = 64 * 1024;
/** Fewest requests that are worth a write of their own while answers are outstanding. */
export const minRequestsPerWrite = 64;

// --- connections ---
export const connectTimeoutMs = 10_000;
/** Silence, with requests in flight, after which the gateway is asked with a PING. */
export const pingAfterSilenceMs = 10_000;
/** How long the answer to a PING may take. */
export const pingTimeoutMs = 5_000;
/** How long one request may wait for its answer. */
export const requestTimeoutMs = 60_000;
/** Connections of one pool. */
export const maxConnectionsPerPool = 8;
/** Time between the opening of two connections of one pool. */
export const connectStaggerMs = 250;
/** Attempts to connect, without one success between, before a pool gives up. */
export const maxConnectAttempts = 3;
/** Longest wait between two attempts to connect. */
export const maxConnectBackoffMs = 60_000;
/** How long a connection may take to end in good order. */
export const closeTimeoutMs = 5_000;

// --- engine ---
/** Recipients of one batch. */
export const maxBatchRecipients = 1024;
/** Batches that one shard may hold: its credit, and the slots of its ledger. */
export const shardCreditBatches = 64;
export const maxThreads = 64;
/** How long a worker thread may take to answer its first call. */
export const shardStartTimeoutMs = 20_000;
/** Restarts of one shard without a settled batch between, before it is given up. */
export const maxShardRestarts = 5;
/** Same refusals (credential or request) in a row, with nothing accepted, that stop a send early. */
export const stopAfterRefusals = 10;
