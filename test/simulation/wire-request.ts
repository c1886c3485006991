/**
 * A request as those who watch the wire know it, over either protocol: what the books hold a sender's word against.
 */
export type Outcome = 'accepted' | 'rejected' | 'unsent' | 'unknown';

/** The connection that a request was written to, as its referee knows it. */
export interface WireConnection {
  /** An answer on this connection said that nothing else will come of it; why. */
  wedged: string | null;
  /** The gateway has broken the protocol on it: what the bytes say is no longer what a client has to make of them. */
  mayBeBroken: boolean;
  /** Octets that had arrived, and that the sender did not look at before it gave the connection up. */
  unreadAtEnd: number;
}

export interface WireRequest {
  readonly connection: WireConnection;
  readonly recipient: number;
  /** In a word, for people. */
  readonly state: string;
  /** Taken for accepted because nothing was heard against it: the gateway may know better. */
  readonly isAssumed: boolean;
  /** A connection says how the request ended: whether the bytes allow it to. */
  judge(outcome: Outcome): boolean;
}
