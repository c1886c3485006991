/**
 * Every maximum and every default that bounds something, by name, in the order of the layers. A limit stands with the
 * lowest layer that imports it (test/layering.test.ts), so that the limits of a folder lie together. They stay in one
 * file because many of them hold only beside a limit of another layer. Units stand last in the names: `…Ms`,
 * `…Bytes`, `…Seconds`, `…Characters`. A name without a unit counts the things that it names, or is a share of them
 * (`…Share`, `…Gain`).
 *
 * Limits on what a peer can make us do are ours to choose (RFC 9113 §10.5). Limits of apns are Apple's where they say
 * so.
 */

// --- base ---
/** How long a pipe in the place of a small file may be without a writer, and how long its writer may be silent. */
export const pipeWriterMs = 2_000;
export const pipeSilenceMs = 30_000;

// --- push ---
/** Reason of an answer that is kept, in characters; Apple's longest has 27. */
export const maxReasonCharacters = 120;
/**
 * Longest Retry-After. A longer one counts as this, which is far beyond every budget (RFC 9111 §1.2.2 does the same to
 * ages).
 */
export const maxRetryAfterSeconds = 2 ** 31;
/** A key, certificate or PKCS#12 file, in bytes. */
export const maxCredentialFileBytes = 1 << 18;
/** Objects and arrays within each other in a payload. */
export const maxPayloadDepth = 64;
/** Values in one payload, counted before it is written. A payload that fits into 5,120 bytes has fewer. */
export const maxPayloadValues = 10_000;
/** Values of indefinite length nested within each other, in BER. */
export const maxDerDepth = 16;
/** How often a key may be base64 of base64 before PEM appears. */
export const maxArmourLayers = 2;
/** Age at which APNs calls a provider token expired. */
export const providerTokenMaxAgeMs = 60 * 60_000;
/**
 * How long it may take to get a provider token from a signing hook, a function, or another process that holds the lock.
 */
export const providerTokenTimeoutMs = 30_000;
/** Longest wait before the first retry; doubles with each further one. */
export const retryDelayMs = 1_000;
/** Longest wait before any retry. */
export const maxRetryDelayMs = 15 * 60_000;
/** How often one shard sends again to a recipient that was certainly not processed, before it stays unsent. */
export const maxResends = 10;
/** How often a request is repeated at once because its connection was at fault. */
export const maxConnectionResends = 2;
/** How often a recipient is sent to again because the provider token had expired. */
export const maxExpiredTokenResends = 1;
/**
 * Wait after ExpiredProviderToken. It is longer than the dispatcher takes to hear of the answer and to give all shards
 * a new provider token. With a shorter wait the retry, of which there is one, might meet a shard that still has the
 * old token.
 */
export const expiredTokenDelayMs = 100;
/** Least wait before a device that gets too many notifications is sent to again; doubles with each further time. */
export const busyDeviceDelayMs = 2_000;
/**
 * Least wait after an answer of FCM that says that FCM is at fault; doubles with each further time. Google asks for it.
 */
export const unavailableDelayMs = 10_000;
/** Least wait after a quota of FCM was exceeded; doubles with each further time. Google asks for it. */
export const quotaDelayMs = 60_000;
/** Least wait after TooManyProviderTokenUpdates; doubles with each further time. */
export const tokenUpdatesDelayMs = 10_000;

// --- push: a rate of requests ---
/** Where a ramp begins, as a share of the full rate. */
export const rampStartShare = 0.1;
/** Requests that begin together, as milliseconds of their rate: small enough to be even, large enough for one write. */
export const allowancePieceMs = 20;
/**
 * How long what was allowed may be late: as long as so many requests take, within bounds. A connection may have to be
 * opened or to give a sign of life first, and a quota of a few requests a minute must not be lost over that.
 */
export const keptRequests = 20;
export const minKeptAllowanceMs = 100;
export const maxKeptAllowanceMs = 2_000;

// --- apns: payloads, headers, device tokens and answers ---
/** Largest payload of a push, in bytes of UTF-8 JSON. */
export const maxPayloadBytes = 4096;
/** Largest payload of a voip push, in bytes. */
export const maxVoipPayloadBytes = 5120;
/** Largest payload of a broadcast, in bytes. */
export const maxBroadcastPayloadBytes = 5120;
/** Longest channel id, in characters; Apple's have 24 to 32. */
export const maxChannelIdCharacters = 128;
/** Largest payload of a notification of the binary protocol, in bytes. */
export const maxBinaryPayloadBytes = 2048;
/** JSON text of a payload before insignificant blanks are removed, in bytes. */
export const maxRawPayloadBytes = 1 << 20;
/** Longest apns-collapse-id, in bytes. */
export const maxCollapseIdBytes = 64;
/** Longest apns-topic, in characters: the longest bundle id (155) and any suffix fit. */
export const maxTopicCharacters = 255;
/** Header fields of one message beside the named ones. */
export const maxExtraHeaders = 16;
/** Topics, and sets of further header fields, that are kept checked for the next message with the same. */
export const maxHeaderSets = 1_024;
/** Longest device token that is accepted, in bytes; Apple's are 32 today and may grow. */
export const maxTokenBytes = 100;
/** Apple's device tokens of today, in bytes. */
export const usualTokenBytes = 32;
/** Shortest device token, in bytes, unless an option says otherwise. Shorter texts are numbers and words. */
export const minTokenBytes = 16;
/** Shortest device token that is taken as base64, in bytes. Shorter texts are words, not tokens. */
export const minBase64TokenBytes = 32;
/** Bytes of one answer's body that are kept. The rest is read and dropped. */
export const maxResponseBodyBytes = 65536;

// --- apns: keys, certificates and provider tokens ---
/** Rounds of key derivation of a PKCS#12 file; OpenSSL writes 2,048, Windows up to 600,000. */
export const maxPkcs12Iterations = 1_000_000;
/** The subject of a certificate as it is shown, in characters. */
export const maxShownNameCharacters = 300;
/** Topics of one certificate that are read. */
export const maxTopicsOfCertificate = 1_024;
/** Topics that a sentence about a certificate names. */
export const maxTopicsShown = 8;
/** Public keys that one session may pin. */
export const maxPins = 64;
/** A provider token is renewed at this age: APNs refuses it after 60 minutes. */
export const providerTokenLifetimeMs = 50 * 60_000;
/** A provider token is never renewed before this age: APNs answers TooManyProviderTokenUpdates. */
export const providerTokenMinAgeMs = 20 * 60_000;
/** How far a provider token's time of issue may lie ahead of the simulator's clock. */
export const providerTokenMaxSkewMs = 5 * 60_000;
/** How often the age of the provider token is checked while sends run. */
export const providerTokenCheckMs = 30_000;
/** Longest provider token that is given instead of a key, in characters. */
export const maxProviderTokenCharacters = 4096;
/** How often a process checks whether another process has renewed the provider token that they share. */
export const tokenLockPollMs = 50;
/** Age above which the lock of a shared provider token is taken to be a dead process's. */
export const tokenLockStaleMs = 60_000;
/** Provider tokens of one process that are kept before unused ones are dropped. */
export const maxProviderTokens = 1000;

// --- apns: sending again (retry-policy) ---
/** Requests for one recipient in all, the first one included. */
export const requestsPerRecipient = 3;
/** How long after its batch first came back a recipient may be sent to again. */
export const retryTimeMs = 60_000;

// --- fcm: messages ---
/** Keys and values of `data`, and the texts of the notification, in bytes. Google's limit. */
export const maxFcmMessageBytes = 4096;
/** The same for a message to a topic. */
export const maxFcmTopicMessageBytes = 2048;
/** Longest time for which FCM keeps a message, in seconds: four weeks. */
export const maxTtlSeconds = 28 * 86_400;
/** A whole message as JSON text, before insignificant blanks are removed, in bytes. */
export const maxRawMessageBytes = 1 << 20;

// --- fcm: access tokens ---
/** Longest access token, in characters: Google's have up to 2,048, and those of workload identity up to 12,288. */
export const maxAccessTokenCharacters = 12_288;
/** How long before its end an access token is renewed. */
export const accessTokenEarlyMs = 5 * 60_000;
/** How long one request for an access token may take. */
export const accessTokenTimeoutMs = 8_000;
/** Requests for one access token, where the endpoint cannot be reached or has a fault of its own. */
export const maxAccessTokenRequests = 3;
/** Wait before such a request is repeated. */
export const accessTokenRetryMs = 1_000;
/** How soon an access token is asked for again after a renewal that failed, and how often a given function is asked. */
export const accessTokenCheckMs = 30_000;
/** Time for which a signed assertion is good, in seconds. Google allows one hour. */
export const assertionSeconds = 3600;
/** Bytes of one answer of a token endpoint that are read. */
export const maxTokenAnswerBytes = 65_536;

// --- fcm: answers and recipients ---
/**
 * Longest token, topic or condition that stands in the body of a request, in bytes; FCM's tokens have about 142 to 163.
 */
export const maxTextTokenBytes = 1_024;
/** What an answer finds fault with, as it is shown, in characters. */
export const maxDetailCharacters = 300;
/** Longest name of an accepted message that is read, in characters; Google's have about 60 to 100. */
export const maxMessageNameCharacters = 500;
/** Longest id of a project, in characters; Google's have 6 to 30. */
export const maxProjectCharacters = 100;
/** Shortest registration token, in characters. Shorter texts are numbers and words. */
export const minTextTokenCharacters = 16;
/** Longest name of a topic, in characters. */
export const maxTopicNameCharacters = 900;
/** Topics that one condition may name. */
export const maxConditionTopics = 5;

// --- fcm: the rate of a project ---
/** Messages a minute that Google allows each project. */
export const fcmMessagesPerMinute = 600_000;
/** Google asks to come from nothing to the full rate in a minute or more. */
export const fcmRampMs = 60_000;

// --- fcm: sending again ---
/** Requests for one recipient in all, the first one included. */
export const fcmRequestsPerRecipient = 5;
/** The same as retryTimeMs: Google asks for first waits of ten seconds and of a minute. */
export const fcmRetryTimeMs = 10 * 60_000;

// --- codec: HTTP/2, what we announce ---
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

// --- codec: HTTP/2, what a peer may do ---
/** Fields in one header list. */
export const maxHeaderFields = 128;
/** Octets of one field block before it is decoded. */
export const maxFieldBlockBytes = 32768;
/** Bytes of all field names of one peer that are remembered besides those in its dynamic table. */
export const maxRememberedNameBytes = 65536;
/** Octets of one HPACK integer, its prefix included: enough for 2^28, far above any length that fits a block. */
export const maxHpackIntegerOctets = 5;
/** CONTINUATION frames behind one HEADERS. */
export const maxContinuationFrames = 4;
/** Bytes of one answer's body that are read at all. Beyond them the status counts, and the stream is reset. */
export const maxReadBodyBytes = 1 << 20;
/** Bytes of body that all answers of one connection hold together. */
export const maxHeldResponseBytes = 8 << 20;
/** Informational (1xx) answers to one request. */
export const maxInformationalResponses = 16;
/** Acknowledgements of PING and SETTINGS that may wait for the peer to read. */
export const maxPendingAcks = 100;
/** Entries in one SETTINGS frame. */
export const maxSettingsEntries = 32;
/** Empty DATA frames without END_STREAM on one connection, between two answers. */
export const maxEmptyDataFrames = 100;
/** GOAWAY frames on one connection. */
export const maxGoawayFrames = 32;
/** Bytes of GOAWAY debug data that are read. */
export const maxGoawayDebugBytes = 4096;
/** Streams of one connection that we reset because the peer broke a rule on them, before we close the connection. */
export const maxStreamErrors = 100;

// --- codec: HTTP/2, streams and requests ---
/** Requests in flight on one connection, even if the peer allows more. */
export const maxStreamsPerConnection = 2000;
/** Slots for per-stream state of one connection; a power of two, at least twice maxStreamsPerConnection. */
export const streamRingSlots = 8192;
/** The last stream id a client may open (RFC 9113 §5.1.1). */
export const maxStreamId = 0x7fffffff;
/** Octets of the header list of one request, as RFC 7541 §4.1 counts. It fits into one frame of any peer. */
export const maxRequestHeaderListBytes = 16384;

// --- codec: output buffers ---
/** One write to the socket: its first size, and the size up to which large payloads let it grow, in bytes. */
export const outputBufferBytes = 64 * 1024;
export const maxOutputBufferBytes = 1024 * 1024;
/** The first size of a buffer for requests, in bytes. It grows as requests come. */
export const firstOutputBufferBytes = 4096;
/** Requests that one output buffer has room for. */
export const requestsPerOutputBuffer = 256;
/** Room in front of the requests of an output buffer, for control frames that are sent before them, in bytes. */
export const controlHeadBytes = 2048;
/** Control frames that may gather behind the requests of one output buffer, in bytes. */
export const maxControlTailBytes = 64 * 1024;
/** Bodies of one connection that wait for a window. */
export const maxBlockedBodies = 256;

// --- codec: the binary protocol ---
/** Items of one notification frame that a gateway accepts, in bytes. A client's are at most payload, token and 29. */
export const maxBinaryFrameBytes = 1 << 17;

// --- transport ---
/** How long one address of a host may take before the next one is tried. */
export const addressAttemptTimeoutMs = 500;
/**
 * Share of connectTimeoutMs that TLS with one address may take while other addresses are left; at least
 * addressAttemptTimeoutMs.
 */
export const silentAddressShare = 0.25;
/**
 * Host names for which one back-end remembers the next first address. The name that was not used for longest is
 * dropped.
 */
export const maxRotatedHosts = 64;
/** TLS contexts (client certificate and trusted certificates) that one back-end keeps. */
export const maxSecureContexts = 64;
/** Certificates of a gateway's chain whose keys are compared with the pins. */
export const maxChainCertificates = 20;
/** Longest answer of a proxy to a CONNECT, in bytes. */
export const maxProxyAnswerBytes = 16 * 1024;
/** The buffer that a socket reads into, in bytes. */
export const readBufferSize = 64 * 1024;

// --- connection: is it alive? ---
/** Silence, with requests in flight, after which a PING is sent. */
export const pingAfterSilenceMs = 10_000;
/** How long the answer to a PING may take. */
export const pingTimeoutMs = 5_000;
/** Silence, with nothing in flight, after which a PING is sent: under the 340 s of known routers. */
export const pingAfterIdleMs = 240_000;
/** Idle time, asleep or awake, after which a connection has to answer a PING before it gets work again. */
export const reuseCheckAfterMs = 60_000;
/** How often a connection checks how long it has heard nothing. */
export const keepaliveTickMs = 1_000;
/** How long one request may wait for its answer. */
export const requestTimeoutMs = 60_000;
/** How long a write may be outstanding while no answer comes. Beyond it, the gateway has stopped reading. */
export const writeStallTimeoutMs = 15_000;
/** How long the acknowledgement of our SETTINGS may take (RFC 9113 §6.5.3). */
export const settingsAckTimeoutMs = 10_000;
/** How long a stream limit of 1 may stand while work waits. */
export const stuckLimitTimeoutMs = 60_000;

// --- connection: its end ---
/** How long a gateway that has announced its end (GOAWAY, 503 Shutdown) may take to answer what it has. */
export const drainTimeoutMs = 20_000;
/** How long a connection may take to close properly. */
export const closeTimeoutMs = 5_000;
/**
 * How long a connection that waits for nothing any more may take to send its GOAWAY and to be closed by its gateway. An
 * orderly end is a courtesy to the gateway only, so no program has to wait longer.
 */
export const streamEndTimeoutMs = 250;
/** How long a connection beyond the size of its pool stays idle before it is closed. */
export const idleBeforeTrimMs = 10_000;

// --- connection: when the next one is tried ---
/** Time before a connection is opened in place of one that was sent away, or to try whether one more helps. */
export const connectStaggerMs = 250;
/** Longest wait before the second attempt to connect; doubles with each further one. */
export const connectBackoffMs = 1_000;
/** Longest wait between two attempts to connect. */
export const maxConnectBackoffMs = 60_000;
/** Least wait before the successor of a connection that failed or ended soon. */
export const minConnectWaitMs = 20;
/** Attempts to connect, without one success between, before a pool gives up. */
export const maxConnectAttempts = 3;
/** How long a gateway that has answered before may be out of reach before a pool gives up. */
export const maxOutageMs = 30_000;
/** How long every answer of a gateway may be one to send again later (5xx) before a pool gives up. */
export const maxUnavailableMs = 300_000;
/**
 * A connection that ends with at least this many answers has ended normally. One that ends sooner makes its successor
 * wait.
 */
export const answersOfUsefulConnection = 100;
/**
 * Longest wait before the successor of a connection that the gateway ended properly after answers: this, divided by its
 * answers, and at most minShortLifeWaitMs.
 */
export const successorWaitMs = 5_000;
/**
 * Longest wait before the successor of another connection that ended early with answers: `max(minShortLifeWaitMs,
 * shortLifeWaitMs / answers)`. The wait never exceeds what doubling gives.
 */
export const shortLifeWaitMs = 20_000;
/** The least result of that formula. */
export const minShortLifeWaitMs = 1_000;
/** Failures in a row after which the pool opens one connection at a time, each tested with one request. */
export const breakerFailures = 2;

// --- connection: how much it may have in flight ---
/** Most requests that a new connection has in flight before answers have shown that it works. */
export const startRequests = 128;
/**
 * The same before any connection of its pool has had a good answer, or since one died without any later good answer:
 * all of them may be lost.
 */
export const unprovenRequests = 16;
/** A connection that ended with fewer answers than this decides how much the next one keeps in flight. */
export const answersOfLastingConnection = 500;
/** Most answers that the successor of a dead connection needs before it may have more in flight. */
export const maxHoldAnswers = 5_000;
/**
 * Requests that the successor of a dead connection keeps in flight, as a share of the answers that the dead one had.
 */
export const shareAfterDeath = 0.1;
/** Answers that are judged together to see whether most of them are bad. */
export const paceWindowAnswers = 32;
/** Fewest requests in flight to which bad answers reduce a connection. */
export const minPacedRequests = 8;

// --- connection: when a pool pauses ---
/** Pause after a stream was refused; doubles with each further refusal until an answer comes. */
export const refusalPauseMs = 10;
export const maxRefusalPauseMs = 1_000;
/** 500s in a row after which a connection is replaced. */
export const maxServerErrorsInRow = 20;
/** Transient answers in a row, on all connections of a pool, after which it pauses. */
export const transientAnswersBeforePause = 20;
/** Pause of a pool after such answers, also where Retry-After asks for more; doubles until another answer comes. */
export const transientPauseMs = 500;
export const maxTransientPauseMs = 60_000;
/** Pause of a pool after TooManyProviderTokenUpdates; doubles until another answer comes. */
export const tokenUpdatesPauseMs = 10_000;
export const maxTokenUpdatesPauseMs = 300_000;
/**
 * Losses are requests that are written and never answered (reset streams, connections that die). The losses of one read
 * or one connection count as at most lossesOfOneEvent, or as enough for a pause at once where nothing was answered
 * before. One loss is forgiven for every answersPerLoss good answers. From lossesBeforePause on the pool pauses, and
 * each trial is one request.
 */
export const lossesBeforePause = 8;
export const lossesOfOneEvent = 4;
export const answersPerLoss = 4;
/** Expired provider tokens that a pool remembers, so that it never connects with one of them. */
export const maxExpiredTokensKept = 16;

// --- connection: when a pool grows ---
/** Share of answers per second that another connection has to add, or the pool grows no further for a while. */
export const minGrowthGain = 0.1;
/**
 * How long a pool grows no further after that. The first value is the first time, the second the longest after
 * doublings.
 */
export const growthRetryMs = 5_000;
export const maxGrowthRetryMs = 600_000;
/** Shortest and longest time over which answers are watched before a pool grows. */
export const minGrowthPeriodMs = 100;
export const maxGrowthPeriodMs = 2_000;
/**
 * Connections of a pool that are opened within any second, before it adds no more. Apple asks for connections that are
 * kept for hours or days, and takes rapid connecting and disconnecting for an attack.
 */
export const maxConnectsPerSecond = 32;
/** Connections of a pool that are being opened, or have not answered yet, while it adds more. */
export const maxConnectionsOnTheWay = 16;
/** Time between the openings of one step of growth. */
export const connectGapMs = 5;
/** Busy share of the event loop above which another connection would not help. */
export const maxLoadForNewConnection = 0.85;

// --- connection: reads, writes and templates ---
/** Fewest requests that are worth a write of their own while answers are outstanding. */
export const minRequestsPerWrite = 64;
/** Request templates of one connection. */
export const templatesPerConnection = 16;
/** Reads of fewer bytes than this are gathered while at least minRequestsForReadPause requests are in flight. */
export const smallReadBytes = 1024;
/**
 * Requests in flight that keep a gateway busy during a pause: with nginx's usual 128 streams in all, pauses would halve
 * the rate.
 */
export const minRequestsForReadPause = 384;
/** Shortest and longest pause of reading that lets small reads gather. */
export const minReadPauseMs = 1;
export const maxReadPauseMs = 3;

// --- connection: the binary protocol ---
/** Notifications of one binary connection that are written and not yet proven; a power of two. */
export const maxUnprovenNotifications = 16384;
/** How long a connection with nothing to write waits for more before it flushes. It is longer than batchLingerMs. */
export const flushLingerMs = 25;
/** How long a notification may stay unproven while others follow: then the connection flushes. */
export const flushIntervalMs = 5_000;
/** Tuples of a feedback gateway that wait for the program. Above it reading pauses. */
export const maxFeedbackWaiting = 4096;

// --- engine: batches and shards ---
/** Recipients of one batch. */
export const maxBatchRecipients = 1024;
/** Full batches, or as many recipients in smaller ones, that one shard may hold: its credit. */
export const shardCreditBatches = 64;
/** Slots of a shard: batches of any size that it may hold at once. */
export const shardSlots = 4096;
/** Bytes of personal payload that use up as much of a shard's credit as one recipient. */
export const personalBytesPerCredit = 256;
/** Worker threads of one engine. */
export const maxThreads = 64;
/**
 * Heap of one worker thread, in MiB. It is far above what a shard needs, so that a fault ends the thread and not the
 * process.
 */
export const maxShardHeapMb = 1024;
/** How long a worker thread may take to answer its first call. */
export const shardStartTimeoutMs = 20_000;
/** Restarts of one shard without a settled batch between, before it is given up. */
export const maxShardRestarts = 5;
/** Failed starts before the first successful one. A worker that fails to load twice will not load the third time. */
export const maxShardStartFailures = 2;
/** Wait before the first restart of a shard; doubles with each further one, up to the longest. */
export const minShardRestartDelayMs = 100;
export const maxShardRestartDelayMs = 5_000;
/** How long a shard that has ended may take to deliver what it had already posted. */
export const shardDrainTimeoutMs = 5_000;
/** How long a shard may take to stop: its connections' closeTimeoutMs and something over. */
export const shardStopTimeoutMs = 10_000;
/** How long a shard may take to answer any other call of the control plane. */
export const controlCallTimeoutMs = 5_000;
/** Crashes of shards that one batch may suffer before its open recipients become unsent. */
export const maxBatchCrashes = 3;
/**
 * Time for which an allowance that was free may still be used, because the thread may have been busy. At most
 * minKeptAllowanceMs.
 */
export const allowanceCatchUpMs = 100;

// --- engine: when a send stops or goes on ---
/**
 * How often the stream of one recipient may be refused. At one refusal a second, that takes less time than
 * maxUnavailableMs, after which a gateway that refuses every stream is given up: a few recipients that are always
 * refused must not end the send for the others. The count is kept in an octet.
 */
export const maxRefusedStreams = 200;
/**
 * A gateway that has accepted a request from one shard within this time is not given up for the whole send when another
 * shard gives it up. The second limit is how often the dispatcher checks for that.
 */
export const recentlyAcceptedMs = 30_000;
export const acceptedLookMs = 10_000;
/** How often a sink that asks for it is told what is certain in batches under way. */
export const glimpseMs = 100;
/** Same refusals (credential or request) in a row, with nothing accepted, that stop a send early. */
export const stopAfterRefusals = 10;
/** Answers TooManyProviderTokenUpdates within this time count as one refusal. */
export const tokenUpdatesBurstMs = 1_000;
/** Answers that a send needs before bad tokens may stop it. */
export const badTokenAnswers = 1_000;
/** Reasons that no service documents and that are counted apart: they come from the gateway. */
export const maxUnlistedReasons = 100;

// --- engine: retries that wait ---
/**
 * How long a request that was due in time may take to begin: it has to reach a shard, and the shard may have to
 * connect.
 */
export const retryBeginGraceMs = 1_000;
/** Full batches, or as many recipients in smaller ones, that wait for a retry outside the credit of their shards. */
export const maxRetryBatches = 512;
/** Weight that each recipient waiting for a retry adds to its batch, for maxRetryBatches: 32 bytes. */
export const waitingRecipientWeight = 8;

// --- services ---
/** Longest answer of a service: the ids of 10,000 channels, several times over. */
export const maxServiceAnswerBytes = 4 * 1024 * 1024;
/** Most requests to a service that are in flight at once, whatever it allows. */
export const maxServiceStreams = 256;
/** How long a connection to a service stays open with nothing to do. */
export const serviceIdleMs = 10 * 60_000;

// --- session: options of a session and of a send ---
/** How long TCP, TLS and the first SETTINGS of a connection may take. */
export const connectTimeoutMs = 10_000;
/**
 * Silence after which reading from a feedback gateway ends, and after which a binary gateway that owes an answer is
 * given up.
 */
export const readTimeoutMs = 20_000;
/** How long one write may take. */
export const writeTimeoutMs = 20_000;
/** Silence after the last write that counts as proof of what was written, where connections do not flush. */
export const readTailTimeoutMs = 3_000;
/** Smallest read buffer that an option may ask for, in bytes. */
export const minReadBufferBytes = 512;
/** Smallest write buffer that an option may ask for, in bytes. It is the original library's. */
export const minWriteBufferBytes = 2048;
/** Connections of one pool. */
export const maxConnectionsPerPool = 8;
/** Connections of one pool that an option may ask for. */
export const maxConnectionsOption = 1_000;
/** Idle connections that a pool keeps. */
export const poolSize = 5;
/** The most requests for one recipient, the first one included, that an option may ask for. */
export const maxRequestsPerRecipient = 100;
/** The longest time for retries that an option may ask for. */
export const maxRetryTimeMs = 3_600_000;
/** Share of bad tokens among the answers that stops a send, unless an option gives another. */
export const badTokenShare = 0.9;
/** How long a binary gateway keeps a notification that names no time of its own. */
export const binaryLifetimeMs = 24 * 3_600_000;

/** The highest rate of a gateway that an option may ask for, in messages a minute. */
export const maxGatewayRate = 1_000_000_000;

// --- session: sends under way ---
/** Least time between two reports of progress. */
export const progressIntervalMs = 100;
/** How long a recipient of a slow stream waits for others to share its batch. */
export const batchLingerMs = 10;
/** How long a stream of recipients may take for the recipient that was already requested when its send stopped. */
export const lastPullMs = 5_000;
/** How long the shutdown of a session waits for results of its sends. A last pull and the last answers take less. */
export const shutdownWaitMs = 15_000;
/** Different faults (reasons and causes) that one send lists. */
export const maxErrorsKept = 100;
/** Sends of one message in a row that may give no recipient a final answer before the message is no longer retried. */
export const maxFruitlessSends = 10;
/** Most of a message to FCM that one recipient has for itself, in bytes of JSON: FCM judges what of it counts. */
export const maxOwnFcmMessageBytes = 1 << 15;
/** Tokens reported gone by answers of HTTP/2, kept for `feedback()` until they are read. The oldest are dropped. */
export const maxGoneTokensKept = 100_000;
/** How long a single push may take, unless an option says otherwise, and the most that one may say. */
export const pushTimeoutMs = 30_000;
export const maxPushTimeoutMs = 3_600_000;
/**
 * Items that one sendEach has pulled and its consumer has not taken, unless an option says otherwise, and the most of
 * one.
 */
export const itemsInFlight = 1_000;
export const maxItemsInFlight = 100_000;
/** How long a thread may take to say whether a push whose time is over was taken back. */
export const withdrawalTimeMs = 1_000;
/** Least time that a request which is sent again has to be written, also where the time for retries is over before. */
export const retryGraceMs = 1_000;
/** Least time between two looks at pushes whose time may be over. */
export const deadlineStepMs = 5;
/** How long a lane without pushes stands ready for the next one, and how many such lanes one gateway keeps. */
export const laneIdleMs = 10_000;
export const maxIdleLanes = 64;
/** Batches of lanes that one gateway keeps for the next pushes. */
export const keptLaneBatches = 64;
/** Messages of one call that are a send of their own, and are on their way at once. */
export const maxMessagesAtOnce = 64;
/** Recipients of a message that share batches with those of other messages; one with more is a send of its own. */
export const maxSharedRecipients = 8;
/** Recipients of one call with many messages that are under way at once, and how many messages it takes in one turn. */
export const maxRecipientsUnderWay = 16 * maxBatchRecipients;
export const maxMessagesOfTurn = maxBatchRecipients;
/** Channels of one broadcast; Apple allows 10,000 for an app in each environment. */
export const maxBroadcastChannels = 100_000;
/** Text of an invalid line that is shown, in characters. */
export const maxInvalidTextCharacters = 120;

// --- compat ---
/** How long stand-ins for other libraries go on sending again to a recipient whose fault passes. */
export const compatRetryTimeMs = 60_000;
/** Messages of one call of firebase-admin's messaging: programs divide their lists by it. */
export const maxFirebaseMessages = 500;

// --- campaign ---
/** A list of recipients is read in pieces of this size, in bytes. */
export const readChunkBytes = 64 * 1024;
/** Name and comment in the header of gzip, in bytes each. */
export const maxGzipNameBytes = 4096;
/** How long a list may pause before the tokens read so far are handed out. */
export const listPauseMs = 2;
/** Longest line of a token list, in bytes. A longer line is invalid. */
export const maxTokenLineBytes = 4096;
/** Registration tokens of today have at least so many characters. */
export const likelyTextTokenBytes = 140;
/** Recipients of one platform that wait for their service before no more of a campaign's list is pulled. */
export const maxWaitingOfPlatform = 16_384;
/** The rate of a campaign that machines send through two services is divided in so many parts. */
export const rateParts = 16;
/**
 * Blocks of different lengths of token that wait to be filled while a list is read; beyond it the oldest is handed out.
 */
export const maxOpenBlocks = 64;
/** Memory of the device tokens that an input has had; beyond it they go to disk, where there is a store. */
export const dedupeMemoryBytes = 256 << 20;
/** A row of a table (CSV, NDJSON), in bytes; what is longer is invalid. */
export const maxRowBytes = 1 << 20;
/** Columns of a table: each costs 8 bytes for each row at hand. */
export const maxTableColumns = 1000;
/** Bytes of cells with which a block is handed out before it is full. */
export const maxBlockCellBytes = 1 << 20;
/** Time zones that a campaign keeps. There are some 600 names; a column of other texts must not fill the memory. */
export const maxTimeZones = 1_000;
/** A command to a running campaign, in bytes, and the rate in it, in characters: several times of what they take. */
export const maxControlFileBytes = 4_096;
export const maxRateCharacters = 1_000;
/** Recipients that wait to be pulled, where no journal bounds them. */
export const maxQueuedRecipients = 4 * maxBatchRecipients;
/** Reasons of rejections that a campaign counts apart: a gateway may make up its own. */
export const maxCampaignReasons = 200;
/** Runs that a journal remembers: the first ones, and the latest. */
export const maxRunsKept = 100;
/** How long a process that ends at once waits for the journal of its campaign. */
export const lastFlushMs = 1_000;
/** A journal begins a transaction so long after the one before, or when that one has ended. */
export const journalCommitMs = 30;
/** Blocks whose changes wait for a journal's transaction, above which the taker of outcomes is asked to wait. */
export const maxWaitingBlocks = 256;
/** Recipients that may be noted and have no outcome: until a connection stands, at least after that, and at most. */
export const firstDispatchWindow = 64;
export const minDispatchWindow = 256;
export const maxDispatchWindow = 512 * maxBatchRecipients;
/** Characters of one message that the command line prints, or the name of a list in a file of outcomes has. */
export const maxMessageCharacters = 8_000;

// --- stores ---
/** How long the opening of a client of Redis or PostgreSQL may take. */
export const storeConnectTimeoutMs = 10_000;
/** How long one command of Redis may take; a connection that is silent for so long is closed. */
export const redisCommandTimeoutMs = 5_000;
/** How long one statement of PostgreSQL may take. */
export const postgresQueryTimeoutMs = 30_000;
/** Wait before a lost connection to a store is opened again: the first one, which doubles, and the longest one. */
export const firstReconnectMs = 50;
export const maxReconnectMs = 2_000;
/** Connections of one process to PostgreSQL. */
export const maxPostgresConnections = 4;

// --- credentials ---
/** Sealing keys of one ring, and the id of one, in characters. */
export const maxSealingKeys = 16;
export const maxSealingKeyIdCharacters = 32;
/** A sealed record, in characters: a credential of several files of the largest size fits. */
export const maxSealedCharacters = 2 << 20;
/** Versions of one credential that a store keeps. */
export const maxCredentialVersions = 100;
/** The name of a version that is a digest, in hex digits. */
export const storeVersionCharacters = 12;
/** The manifest of one app in a folder of credentials, in bytes. */
export const maxManifestBytes = 1 << 20;
/** How often a store that tells of no changes is looked at. */
export const credentialLookMs = 2_000;
/** How long a credential is used before its store is read again, and how long while the store cannot be read. */
export const credentialFreshMs = 60_000;
export const credentialKeptMs = 3_600_000;
/** How long one reading of a store may take, and the least time between two readings without a credential. */
export const credentialReadTimeoutMs = 5_000;
export const credentialRetryMs = 1_000;
/** Credentials that one cache keeps. The ones that were not used for the longest are dropped. */
export const maxCachedCredentials = 10_000;
/**
 * How often the connections of a credential that was replaced are looked at, and how long one must be idle to be
 * closed.
 */
export const drainLookMs = 1_000;
/** How long the gateway of a replaced credential is looked at after its last connection. */
export const drainedAfterMs = 60_000;

// --- metrics ---
/** Series of one metric in a scrape; what has other labels beyond that is left out and counted. */
export const maxSeriesOfMetric = 1000;
/** Readers that may be connected to the server of metrics at a time, and scrapes of one instant that wait. */
export const maxMetricsConnections = 32;
/** How long a request to that server may take to arrive, and how long an idle connection of a reader is kept. */
export const metricsRequestTimeoutMs = 5_000;
export const metricsKeepAliveMs = 30_000;
/** How long a scrape waits for the threads' figures before it shows the latest ones, and a source in all. */
export const metricsStatsTimeoutMs = 500;
export const metricsSourceTimeoutMs = 2_000;
/** How long answers under way have when the server of metrics closes. */
export const metricsCloseMs = 1_000;

// --- cluster ---
/** How long a step of a cluster's store is tried again while the store is away, at most, and the waits between. */
export const storePatienceMs = 30_000;
export const longestPatienceMs = 24 * 3_600_000;
export const firstStoreRetryMs = 50;
export const maxStoreRetryMs = 1_000;
/** How long a campaign stays in the store, or its slices' bytes do, once no dispatcher holds it any more. */
export const clusterKeepMs = 30 * 24 * 3_600_000;
/** Slices that one step removes from the store. */
export const maxRemovedSlices = 1_000;
/**
 * How long a worker may keep a slice without saying that it lives; and how often slices without a sign are looked for.
 */
export const queueLockMs = 15_000;
export const queueStalledMs = 5_000;
/** How often a slice is given to another worker because one has died with it. */
export const maxStalledSlices = 20;
/** Attempts of one slice that fail. A campaign is stopped long before (maxGatewayFailures). */
export const maxSliceAttempts = 1000;
/** The wait before a slice is tried again: the first, and the longest. */
export const firstSliceBackoffMs = 1_000;
export const maxSliceBackoffMs = 30_000;
/** How long one change of the queue may take, and how long the last jobs of a campaign may take to end. */
export const queueCommandTimeoutMs = 30_000;
export const queueEndTimeoutMs = 30_000;
/** Recipients of a slice, unless the list ends before. */
export const sliceRecipients = 10_000;
/** The largest slice that may be asked for. */
export const maxSliceRecipients = 100_000;
/** Troubles of workers that one campaign tells. */
export const maxToldTroubles = 20;
/** How long a slice that is not full waits for more recipients. */
export const sliceLingerMs = 50;
/** Slices that are out at least, whatever the workers are; beyond them twice as many as the workers take at a time. */
export const minOpenSlices = 4;
/** Slices that are stored and added to the queue at a time. */
export const maxPublishing = 4;
/** Outcomes that a dispatcher reads at a time, and how long it waits where there are none. */
export const outcomesPerRead = 512;
export const outcomePollMs = 50;
/** How long a dispatcher holds its campaign without a word, and how often it renews that. */
export const leaseMs = 10_000;
export const leaseRenewMs = 2_000;
/** How often a dispatcher looks who stopped the campaign, and which workers there are. */
export const clusterLookMs = 250;
/** How long workers have for their slices when a campaign stops, before the dispatcher closes those. */
export const stopGraceMs = 15_000;
/** So long after a stop, every slice that a living worker has is in what that worker says of itself. */
export const stopHeedMs = 7_000;
/** How long a dispatcher that stops waits for a store that is away. */
export const stopPatienceMs = 30_000;
/** The pauses between two tries of a step while the store is away: the first, and the longest. */
export const minStorePauseMs = 100;
export const maxStorePauseMs = 3_000;
/** The longest time for which a worker does not hear how a campaign is steered, while the store answers. */
export const steeringPollMs = 250;
/** How often a worker looks whether it stood still. */
export const standstillLookMs = 500;
/** A process asks the store about so often what the rate of a campaign lets it send. */
export const ratePieceMs = 100;
/**
 * Leave to send that a process has taken from the store is dropped when it was not used for so long; no more is taken.
 */
export const rateStockMs = 250;
/** Longest wait before the store is asked for more, because the rate may be another one by then. */
export const maxRateWaitMs = 500;
/**
 * So long after it got leave, a message may reach its gateway: the rate of a cluster keeps that much below a quota of a
 * minute.
 */
export const quotaSlackMs = 3_000;
/** In so many steps all machines together come from a tenth of a quota to the whole. */
export const quotaSteps = 20;
/** How long a worker has a share of a limit that is less than the number of workers. */
export const shareTurnMs = 5_000;
/** A slice that may not be sent for so long, because its campaign is paused, is handed back, for so long. */
export const parkAfterMs = 10_000;
export const parkedMs = 2_000;
/** Failed attempts of one slice to reach the gateway, after which its campaign is stopped. */
export const maxGatewayFailures = 5;
/** How often a worker says that it lives, and how long that holds. */
export const workerBeatMs = 1_000;
export const workerLifeMs = 5_000;
/** Slices that a worker takes at a time, unless it is told another number, and at most. */
export const workerSlots = 4;
export const maxWorkerSlots = 64;
/** How long a worker takes no slices of a gateway that it could not reach: at first, and at most. */
export const firstGatewayRestMs = 1_000;
export const maxGatewayRestMs = 60_000;
/** How long a worker that ends lets its slices be finished, and then lets what is written be answered. */
export const workerDrainMs = 5_000;
export const workerAbortMs = 5_000;

// --- cluster: one provider token for all ---
/** What the names of all keys in Redis begin with, in characters. */
export const maxKeyPrefixCharacters = 64;
/** How long a process may hold the lock under which a provider token is made, unless it gives it back before. */
export const tokenMintLockMs = 5_000;
/** A machine whose clock is further from that of Redis is told so. */
export const maxClockSkewMs = 30_000;

// --- service ---
/** Pushes in one request, its tokens counted. */
export const maxPushesOfRequest = 1_000;
/** Pushes of a service that have no outcome yet; above that it answers 429. */
export const maxServicePushes = 20_000;
/** Requests that a service has begun to read and has not answered. */
export const maxServiceRequests = 10_000;
/** Requests that one connection has sent without waiting for their answers. */
export const maxRequestsOfClient = 16;
/** Connections of clients to a service. */
export const maxServiceClients = 10_000;
/** A JSON body of a request, in bytes; packed or not. */
export const maxServiceBodyBytes = 1 << 20;
/** Bodies that a service holds at a time, in bytes. */
export const maxHeldBodyBytes = 64 << 20;
/** A list of recipients that a client uploads, in bytes. */
export const maxUploadBytes = 1 << 30;
/** Uploads at a time. */
export const maxUploadsAtOnce = 16;
/** The line and the header fields of a request, in bytes: a campaign beside an upload is in them. */
export const maxRequestHeaderBytes = 32 << 10;
/**
 * How long a client may take for the header, for a JSON body, for the next piece of an upload, and to read an answer.
 */
export const requestHeaderTimeoutMs = 10_000;
export const requestBodyTimeoutMs = 30_000;
export const uploadPauseTimeoutMs = 30_000;
export const answerTimeoutMs = 30_000;
/** How often a service looks for clients that take too long. */
export const clientSweepMs = 1_000;
/** How long a service keeps a connection without a request: longer than load balancers do, which close first. */
export const clientIdleMs = 75_000;
/** Bearer tokens of a service, and characters of one. */
export const maxBearerTokens = 1_000;
export const minBearerCharacters = 16;
export const maxBearerCharacters = 4_096;
/** How often the file of bearer tokens is looked at. */
export const bearerFileCheckMs = 2_000;
/** Outcomes of pushes that nobody waits for: how long they are kept, and how many. */
export const keptOutcomeMs = 600_000;
export const maxKeptOutcomes = 100_000;
/** A file of the journal of such pushes, in bytes; above that a new one begins. */
export const maxPushJournalBytes = 64 << 20;
/** How long a service that is stopped waits for outcomes. */
export const serviceDrainMs = 30_000;
/** Campaigns of a service that run at a time, and those in its folder. */
export const maxRunningCampaigns = 16;
export const maxServiceCampaigns = 10_000;
/** The JSON of one campaign that is kept in its folder, in bytes. */
export const maxCampaignRequestBytes = 4 << 20;

// --- simulator ---
/** Highest SETTINGS_MAX_CONCURRENT_STREAMS that a simulator can be told to announce: half its stream slots. */
export const maxSimulatorStreams = 4096;
/** SETTINGS_MAX_HEADER_LIST_SIZE that the simulator announces, in bytes, as APNs does. */
export const simulatorHeaderListBytes = 8000;
/** Provider tokens for which the result of a check is remembered. */
export const maxRememberedProviderTokens = 1024;
/**
 * Output that waits for a client, in bytes. Above the first limit the simulator stops reading; below the second it
 * resumes.
 */
export const pauseReadingAboveBytes = 4 * 1024 * 1024;
export const resumeReadingBelowBytes = 1024 * 1024;
/** Output buffers that a simulator keeps for use again. */
export const maxSpareChunks = 256;
/** How long the TLS handshake of a client may take. */
export const handshakeTimeoutMs = 10_000;
/** A scenario's file, in characters; its faults; and how many of the faults done are remembered. */
export const maxScenarioFileBytes = 1 << 20;
export const maxScenarioFaults = 1000;
export const maxFaultRecords = 10_000;
/** Body of an answer that a scenario can ask for. */
export const maxScenarioBodyBytes = 16 << 20;
/**
 * Bytes of a request's body that the simulator keeps: one more than the largest payload, so that a larger body is
 * recognised.
 */
export const maxKeptBodyBytes = maxVoipPayloadBytes + 1;
/**
 * Requests that the simulator's ledger keeps in mode `full`, and about how many bytes of them. The oldest are dropped.
 */
export const maxLoggedRequests = 100_000;
export const maxLoggedRequestBytes = 128 << 20;
/** Channels of one app in one environment, as Apple allows. */
export const maxChannelsOfApp = 10_000;
/** Requests to channel management, and broadcasts, that the simulator's books keep whole. The oldest are dropped. */
export const maxLoggedChannelRequests = 1_000;
/** Device tokens and provider tokens for which a simulator measures the rate. The oldest are dropped. */
export const maxWatchedTokens = 100_000;
export const maxWatchedProviderTokens = 1024;
/** Bytes of the body of a message of FCM that the simulator reads. */
export const maxFcmBodyBytes = 1 << 18;
/** Bytes of data and notification of a message, and of one to a topic or condition, as Google documents. */
export const simulatedFcmPayloadBytes = 4096;
export const simulatedFcmTopicPayloadBytes = 2048;
/** Google's quota of a project, and of one Android device. */
export const simulatedMessagesPerMinute = 600_000;
export const simulatedDeviceMessagesPerMinute = 240;
/**
 * Longest life of an access token that the simulator issues, and how many of them it remembers. The oldest are dropped.
 */
export const maxFcmTokenLifeS = 43_200;
export const maxIssuedAccessTokens = 10_000;
/** Body of a request to the token endpoint, in bytes. */
export const maxTokenRequestBytes = 1 << 16;
/** How soon a gateway that a scenario shut down tries again to listen when its port is taken. */
export const reopenRetryMs = 100;

// --- cli ---
/** How long `peal status --cluster` tries one look again while the store is away. */
export const statusPatienceMs = 3_000;
/** Recipients at Apple's gateways above which a run without --out is warned that it cannot be continued. */
export const recipientsWorthKeeping = 1_000;
/** Channels that APNs allows for an app in each environment. */
export const maxChannels = 10_000;
/** Requests of `peal channels` that are under way at once. */
export const channelRequestsAtOnce = 16;
/** A list of channels, in characters: 10,000 ids, several times over. */
export const maxChannelListCharacters = 2 << 20;
/** How long `peal doctor` waits at one step of the way to a gateway. */
export const doctorStepMs = 5_000;
/** Addresses of one host that it connects to, and certificates of one chain that it shows. */
export const maxDoctorAddresses = 16;
/** How long it waits for a time server to answer, and how often it asks: a datagram may be lost. */
export const timeServerMs = 2_000;
export const timeServerQueries = 2;
/**
 * How far a clock may be off before it warns; and from where on the clock fails, because services refuse such times.
 */
export const clockWarningMs = 30_000;
export const clockFaultMs = 5 * 60_000;
/**
 * How soon a certificate of a gateway or of an authority has to end for a warning. Those of gateways last for months.
 */
export const gatewayCertificateWarningMs = 14 * 86_400_000;
/**
 * A configuration file, in bytes; values in it, counting what aliases of YAML stand for; and how deep they may stand.
 */
export const maxConfigBytes = 64 * 1024;
export const maxConfigValues = 5_000;
export const maxConfigDepth = 32;
/** Variables of the environment that a note about unknown ones names. */
export const maxNamedVariables = 5;
