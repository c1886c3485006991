/**
 * Gateway addresses: the names that the library knows, and URLs.
 */

export type Protocol = 'http2' | 'binary' | 'feedback';

export interface Address {
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
}
