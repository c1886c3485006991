/**
 * A request to channel management or a broadcast, as the simulator read it. Made by channel-rules when the headers have
 * come, filled up by its connection when the body has, and taken by served-channels when it is processed.
 */
import { Buffer } from 'node:buffer';
import { maxKeptBodyBytes } from '../../base/limits.js';
import type { OtherRequest } from '../rules/other-request.js';
import { ACCEPTED_ANSWER } from '../settings/answers.js';

/** What a request to the services of channels asks for. */
export type ServedAction = 'create' | 'read' | 'list' | 'remove' | 'broadcast';

/** The header fields that these services read. */
export interface ServedFields {
  /** Null for a method or a path that the service does not have. */
  readonly action: ServedAction | null;
  readonly bundleId: string;
  readonly channelId: string | null;
  readonly requestId: string | null;
  readonly pushType: string | null;
  readonly priority: string | null;
  readonly expiration: string | null;
}

export class ServedRequest implements OtherRequest {
  /** What headers and body earn (answers.ts), as far as that does not depend on the channels that there are. */
  answer = ACCEPTED_ANSWER;
  /** The body as text. Of one above 5,121 bytes, which is always too large, only the beginning. */
  body = '';
  bodyBytes = 0;

  readonly #judgeBody: (request: ServedRequest) => number;

  /** @param judgeBody Returns the answer that the body earns. */
  constructor(
    readonly fields: ServedFields,
    judgeBody: (request: ServedRequest) => number = () => ACCEPTED_ANSWER,
  ) {
    this.#judgeBody = judgeBody;
  }

  complete(headersAnswer: number, bytes: Uint8Array, from: number, to: number, bodyBytes: number): number {
    this.takeBody(bytes, from, to, bodyBytes);
    this.answer = headersAnswer === ACCEPTED_ANSWER ? this.#judgeBody(this) : headersAnswer;
    return this.answer;
  }

  /** The request is complete, with the body `bytes[from, to)`, which may be cut off after the limit. */
  takeBody(bytes: Uint8Array, from: number, to: number, bodyBytes: number): void {
    const end = Math.min(to, from + maxKeptBodyBytes, bytes.length);
    this.body = Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).toString('utf8');
    this.bodyBytes = bodyBytes;
  }
}

/** The services of a port. Broadcasts are taken on each. */
export interface ServedPaths {
  /** Device pushes. */
  readonly pushes: boolean;
  /** Channel management. */
  readonly management: boolean;
  /** Messages of FCM, and nothing else. Default false. */
  readonly fcm?: boolean;
}

/** What a path and a method ask for, and the app that the path names. */
interface ServedPath {
  readonly bundleId: string;
  /** By method. */
  readonly actions: Readonly<Record<string, ServedAction>>;
}

const managementForm = /^\/1\/apps\/([^/?]+)\/(channels|all-channels)$/;
const broadcastForm = /^\/4\/broadcasts\/apps\/([^/?]+)$/;

const channelActions: ServedPath['actions'] = Object.freeze({ POST: 'create', GET: 'read', DELETE: 'remove' });
const allChannelsActions: ServedPath['actions'] = Object.freeze({ GET: 'list' });
const broadcastActions: ServedPath['actions'] = Object.freeze({ POST: 'broadcast' });

/** Returns what a path stands for, or null for a path of a service that is not served. */
export function servedPath(path: string, { management: hasManagement }: ServedPaths): ServedPath | null {
  const [, ofBroadcast] = broadcastForm.exec(path) ?? [];
  if (ofBroadcast !== undefined) return { bundleId: ofBroadcast, actions: broadcastActions };
  const [, bundleId, what] = (hasManagement ? managementForm.exec(path) : null) ?? [];
  if (bundleId === undefined) return null;
  return { bundleId, actions: what === 'channels' ? channelActions : allChannelsActions };
}
