/**
 * The types of a scenario: faults, when each strikes and what it does, as plain data (a JSON file, or an object in a
 * program). scenario-check has the checks, scenario-run runs it. docs/simulator.md has the same sentences.
 */

/** Faults of a gateway, seeded. All counts are of complete requests. */
export interface Scenario {
  /** For people only. */
  readonly name?: string;
  readonly description?: string;
  /** Seed of all draws. Default: the simulator's seed. */
  readonly seed?: number;
  /**
   * Time from a complete request until it is processed and answered, in milliseconds. It keeps requests in flight.
   * Default 0.
   */
  readonly processingMs?: number;
  /** When faults stop: what lasts ends, limits and windows go back, a gateway that is down comes up. Default: never. */
  readonly until?: ScenarioEnd;
  readonly faults: readonly Fault[];
}

/** The first of the two that is reached. */
interface ScenarioEnd {
  /** After so many requests in all. */
  readonly requests?: number;
  /** So long after the first connection, in milliseconds. */
  readonly ms?: number;
}

/**
 * When a fault strikes: at one of seven events, or at the opening of each connection without an event. `connection` and
 * `probability` narrow it down.
 */
export interface FaultTrigger {
  /** With the n-th request in all, once. */
  readonly requests?: number;
  /** With every n-th request in all. */
  readonly everyRequests?: number;
  /** With the n-th request of each connection. */
  readonly connectionRequests?: number;
  /** With every n-th request of each connection. */
  readonly everyConnectionRequests?: number;
  /** So long after the first connection opened, in milliseconds, once. */
  readonly ms?: number;
  /** So often, in milliseconds, from the first connection on. */
  readonly everyMs?: number;
  /** So long after each connection opened, in milliseconds. */
  readonly connectionMs?: number;
  /** Only on the k-th connection that came to the gateway, from 1. */
  readonly connection?: number;
  /**
   * Drawn each time that the fault would strike; with `everyRequests` 1: per request, without an event: per connection.
   */
  readonly probability?: number;
}

interface FaultFrame {
  /** Default: at the opening of each connection. */
  readonly when?: FaultTrigger;
  /** How often the fault strikes at most. Default: as often as its trigger. */
  readonly times?: number;
}

interface ConnectionFaultFrame extends FaultFrame {
  /**
   * The connections that it hits: that of the event, or all. Default `connection`; for lasting faults, `all` if the
   * event is one of the whole gateway. Events of time belong to every open connection.
   */
  readonly on?: 'connection' | 'all';
}

/**
 * How long a fault lasts, by the first limit reached. Without a limit: until the scenario or the connection is over.
 */
interface LastingFaultFrame extends ConnectionFaultFrame {
  /** So many requests are hit. */
  readonly forRequests?: number;
  readonly forMs?: number;
  /** Share of the requests that are hit during that time, 0 to 1. Default 1. */
  readonly share?: number;
}

/** Share of the requests with lost answers that are processed nevertheless, 0 to 1. */
interface WithProcessed {
  /** Default 0.5, drawn for each request. Processed ones are in the ledger, as unanswered; the others are not. */
  readonly processed?: number;
}

/** Names of error codes of RFC 9113 §7. */
type ErrorCodeName =
  | 'NO_ERROR'
  | 'PROTOCOL_ERROR'
  | 'INTERNAL_ERROR'
  | 'FLOW_CONTROL_ERROR'
  | 'SETTINGS_TIMEOUT'
  | 'STREAM_CLOSED'
  | 'FRAME_SIZE_ERROR'
  | 'REFUSED_STREAM'
  | 'CANCEL'
  | 'COMPRESSION_ERROR'
  | 'CONNECT_ERROR'
  | 'ENHANCE_YOUR_CALM'
  | 'INADEQUATE_SECURITY'
  | 'HTTP_1_1_REQUIRED';

/** The connection is told to end. */
export interface GoawayFault extends ConnectionFaultFrame, WithProcessed {
  readonly do: 'goaway';
  /**
   * - `graceful` (default): GOAWAY without a last stream, once the client has read it a second one with it; what is
   * under
   *   way is answered, then the connection ends.
   * - `drain`: GOAWAY at once; what is not above its last stream is answered, then the connection ends.
   * - `close`: GOAWAY, and the connection ends at once, whatever is under way.
   */
  readonly how?: 'graceful' | 'drain' | 'close';
  /** Which of the requests that are under way the last stream covers; the others are not processed. Default `all`. */
  readonly last?: 'all' | 'half' | 'none';
  /** Default NO_ERROR. */
  readonly error?: ErrorCodeName;
  /** Apple's reason: goes into the debug data as JSON. */
  readonly reason?: string;
  /** Debug data as they are, instead of a reason. */
  readonly debug?: string;
  /** Whether each GOAWAY is sent twice. Default false. */
  readonly twice?: boolean;
}

/** The connection is dropped, with RST on TCP. */
interface ResetFault extends ConnectionFaultFrame, WithProcessed {
  readonly do: 'reset';
}

/** The connection ends without a GOAWAY (FIN). */
interface FinFault extends ConnectionFaultFrame, WithProcessed {
  readonly do: 'fin';
}

/** Nothing is read and nothing is written for a time. */
interface StallFault extends ConnectionFaultFrame {
  readonly do: 'stall';
  readonly ms: number;
}

/** Nothing is read or written any more; the connection stays open. */
interface BlackHoleFault extends ConnectionFaultFrame, WithProcessed {
  readonly do: 'blackHole';
}

/** Requests get RST_STREAM REFUSED_STREAM and are not processed. */
export interface RefuseFault extends LastingFaultFrame {
  readonly do: 'refuse';
}

/** Requests get RST_STREAM with a code. */
export interface RstFault extends LastingFaultFrame, WithProcessed {
  readonly do: 'rst';
  /** Default INTERNAL_ERROR. */
  readonly code?: ErrorCodeName;
}

/** Requests are never answered. */
export interface NoAnswerFault extends LastingFaultFrame, WithProcessed {
  readonly do: 'noAnswer';
}

/** Requests get this answer instead of their own. */
export interface AnswerFault extends LastingFaultFrame {
  readonly do: 'answer';
  /** One of Apple's reasons, such as `ServiceUnavailable`, with its status. */
  readonly reason?: string;
  /** A status of HTTP without a reason, 200 to 599, as from a proxy. */
  readonly status?: number;
  /** Least length of the body, which is filled up. Without reason and status, that of the request's own answer. */
  readonly bodyBytes?: number;
  /** Retry-After of the answers, in seconds. Default: none. */
  readonly retryAfterS?: number;
}

/** Answers take longer, or are written in small pieces. */
export interface SlowFault extends LastingFaultFrame {
  readonly do: 'slow';
  /** Time added to each answer. Default 0. */
  readonly ms?: number;
  /** Up to this much more time, drawn for each answer, so that answers overtake each other. Default 0. */
  readonly jitterMs?: number;
  /** Bytes of one write. Default: all available bytes. */
  readonly pieceBytes?: number;
}

/** SETTINGS_MAX_CONCURRENT_STREAMS changes on open connections. */
interface StreamsFault extends ConnectionFaultFrame {
  readonly do: 'streams';
  /** The new limit, 0 to 4,096, or several limits, one after the other. */
  readonly max: number | readonly number[];
  /** Time from one to the next. Default 1,000. */
  readonly stepMs?: number;
}

/** The windows change. */
interface WindowFault extends ConnectionFaultFrame {
  readonly do: 'window';
  /** New SETTINGS_INITIAL_WINDOW_SIZE, 0 to 2^31 - 1. */
  readonly initialBytes?: number;
  /** How long the connection's window is not refilled. */
  readonly withholdMs?: number;
}

/** A violation of RFC 9113 is sent to the client. */
export interface MalformedFault extends ConnectionFaultFrame {
  readonly do: 'malformed';
  /**
   * - `badHpack` (default): HEADERS on the last stream whose block cannot be decoded.
   * - `longFrame`: a frame above SETTINGS_MAX_FRAME_SIZE.
   * - `shortPing`: a PING of seven octets.
   * - `evenStream`: HEADERS on a stream that was not opened.
   * - `zeroWindow`: WINDOW_UPDATE of 0 for the connection.
   * - `noise`: octets that are not a frame.
   */
  readonly kind?: 'badHpack' | 'longFrame' | 'shortPing' | 'evenStream' | 'zeroWindow' | 'noise';
}

/** New connections are accepted and closed at once. */
export interface RefuseConnectionsFault extends FaultFrame {
  readonly do: 'refuseConnections';
  /** `reset` (default), `end` (closed normally), or `silent` (kept open without an answer). */
  readonly how?: 'reset' | 'end' | 'silent';
  /** Number of connections. Default: one if the trigger is the opening of a connection, otherwise no limit. */
  readonly forConnections?: number;
  readonly forMs?: number;
}

/** Provider tokens seen so far count as expired from now on. */
interface ExpireProviderTokensFault extends FaultFrame {
  readonly do: 'expireProviderTokens';
}

/** New connections are refused for a time. */
export interface ShutdownFault extends FaultFrame {
  readonly do: 'shutdown';
  /** How long. */
  readonly ms: number;
  /** What happens to the open connections. Default `goaway`: graceful, with the reason Shutdown. */
  readonly connections?: 'goaway' | 'reset' | 'keep';
}

/** A lasting fault that hits requests. */
export type LastingFault = RefuseFault | RstFault | NoAnswerFault | AnswerFault | SlowFault;

/** A fault that strikes a connection. */
export type MomentaryFault =
  | GoawayFault
  | ResetFault
  | FinFault
  | StallFault
  | BlackHoleFault
  | StreamsFault
  | WindowFault
  | MalformedFault;

/** A fault of the gateway as a whole. */
export type GatewayFault = RefuseConnectionsFault | ExpireProviderTokensFault | ShutdownFault;

export type Fault = LastingFault | MomentaryFault | GatewayFault;

/** The name of a fault's action. */
export type FaultAction = Fault['do'];

/** A fault that was done. */
export interface FaultRecord {
  /** Milliseconds since the first connection. */
  readonly ms: number;
  readonly do: FaultAction;
  /** Place of the fault in the scenario, from 0. */
  readonly fault: number;
  /** Number of the connection, from 1; 0 for the whole gateway. */
  readonly connection: number;
  /** Number of requests until then. */
  readonly requests: number;
}
