/**
 * Applies the faults of a scenario to one connection: turns each into calls of the connection, and keeps the timers of
 * those that take time. One for each connection of a gateway that has a scenario.
 */
import { Buffer } from 'node:buffer';
import type { Clock, TimerHandle } from '../../base/clock.js';
import { receiveMaxFrameBytes } from '../../base/limits.js';
import {
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FRAME_HEADER_BYTES,
  HEADERS,
  PING,
  WINDOW_UPDATE,
  writeFrameHeader,
} from '../../codec/http2/frames.js';
import type { FaultTarget } from '../faults/connection-faults.js';
import type { GoawayFault, MalformedFault, MomentaryFault } from '../settings/scenario.js';
import { errorCodeNames } from '../settings/scenario-fields.js';
import { defaultProcessedShare } from './request-stage.js';
import type { ServerConnection } from './server-connection.js';
import { type GoawayContent, goawayFor } from './server-goaways.js';

/** The part of a connection that faults use. */
export interface FaultyConnection {
  readonly takesFaults: boolean;
  readonly server: ServerConnection;
  closeGracefully(goaway: GoawayContent, last: 'all' | 'half' | 'none'): void;
  closeWithGoaway(goaway: GoawayContent, last: 'all' | 'half' | 'none'): void;
  cut(processedShare: number): void;
  breakOff(processedShare: number): void;
  fallSilent(processedShare: number): void;
  setStalled(isStalled: boolean): void;
  wake(): void;
}

/** Time from one stream limit of a list to the next, unless a fault gives it. */
const defaultStepMs = 1000;
/** Octets of noise. */
const noiseBytes = 64;

export class AppliedFaults implements FaultTarget {
  readonly #clock: Clock;
  readonly #connection: FaultyConnection;
  readonly #timers = new Set<TimerHandle>();
  /** Whether limits or windows differ from those of the options. */
  #hasChangedLimits = false;

  constructor(clock: Clock, connection: FaultyConnection) {
    this.#clock = clock;
    this.#connection = connection;
  }

  get takesFaults(): boolean {
    return this.#connection.takesFaults;
  }

  apply(fault: MomentaryFault): void {
    const connection = this.#connection;
    switch (fault.do) {
      case 'goaway':
        this.#goaway(fault);
        break;
      case 'reset':
        connection.breakOff(fault.processed ?? defaultProcessedShare);
        break;
      case 'fin':
        connection.cut(fault.processed ?? defaultProcessedShare);
        break;
      case 'blackHole':
        connection.fallSilent(fault.processed ?? defaultProcessedShare);
        break;
      case 'stall':
        connection.setStalled(true);
        this.#after(fault.ms, () => connection.setStalled(false));
        break;
      case 'streams':
        this.#stepThrough(typeof fault.max === 'number' ? [fault.max] : fault.max, fault.stepMs ?? defaultStepMs);
        break;
      case 'window':
        this.#changeWindow(fault.initialBytes, fault.withholdMs);
        break;
      case 'malformed':
        connection.server.sendRaw(octetsOf(fault, connection.server.lastStreamId));
    }
    connection.wake();
  }

  onShutdown(connections: 'goaway' | 'reset'): void {
    if (connections === 'reset') this.#connection.breakOff(defaultProcessedShare);
    else this.#connection.closeGracefully(goawayFor('Shutdown'), 'all');
  }

  forgetVerdict(): void {
    this.#connection.server.forgetVerdict();
  }

  restore(): void {
    this.close();
    this.#connection.setStalled(false);
    if (this.#hasChangedLimits) this.#connection.server.limits.restore();
    this.#hasChangedLimits = false;
    this.#connection.wake();
  }

  /** Clears all timers. */
  close(): void {
    for (const timer of this.#timers) this.#clock.clearTimer(timer);
    this.#timers.clear();
  }

  #goaway(fault: GoawayFault): void {
    const { how = 'graceful', last = 'all', error = 'NO_ERROR', reason, debug = '', twice: isTwice = false } = fault;
    const text = reason === undefined ? debug : JSON.stringify({ reason });
    const goaway = { errorCode: errorCodeNames.indexOf(error), debug: text, isTwice };
    if (how === 'graceful') {
      this.#connection.closeGracefully(goaway, last);
      return;
    }
    this.#connection.closeWithGoaway(goaway, last);
    if (how === 'close') this.#connection.cut(fault.processed ?? defaultProcessedShare);
  }

  #stepThrough(limits: readonly number[], stepMs: number): void {
    const [next, ...rest] = limits;
    if (next === undefined) return;
    this.#hasChangedLimits = true;
    this.#connection.server.limits.overrideStreams(next);
    this.#connection.wake();
    if (rest.length > 0) this.#after(stepMs, () => this.#stepThrough(rest, stepMs));
  }

  #changeWindow(initialBytes: number | undefined, withholdMs: number | undefined): void {
    const { limits } = this.#connection.server;
    this.#hasChangedLimits = true;
    if (initialBytes !== undefined) limits.overrideInitialWindow(initialBytes);
    if (withholdMs === undefined) return;
    limits.withholdWindow(true);
    this.#after(withholdMs, () => {
      limits.withholdWindow(false);
      this.#connection.wake();
    });
  }

  #after(ms: number, callback: () => void): void {
    const timer = this.#clock.setTimer(() => {
      this.#timers.delete(timer);
      callback();
    }, ms);
    this.#timers.add(timer);
  }
}

function octetsOf({ kind = 'badHpack' }: MalformedFault, lastStreamId: number): Uint8Array {
  const flags = FLAG_END_HEADERS | FLAG_END_STREAM;
  switch (kind) {
    case 'badHpack':
      return frameOf(HEADERS, flags, Math.max(1, lastStreamId), Uint8Array.of(0x80)); // index 0 (RFC 7541 §6.1)
    case 'longFrame':
      return frameOf(PING, 0, 0, new Uint8Array(receiveMaxFrameBytes + 1));
    case 'shortPing':
      return frameOf(PING, 0, 0, new Uint8Array(7));
    case 'evenStream':
      return frameOf(HEADERS, flags, 2, Uint8Array.of(0x88));
    case 'zeroWindow':
      return frameOf(WINDOW_UPDATE, 0, 0, new Uint8Array(4));
    case 'noise':
      return Buffer.alloc(noiseBytes, 'noise, not frames; ');
  }
}

function frameOf(type: number, flags: number, streamId: number, payload: Uint8Array): Uint8Array {
  const octets = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  writeFrameHeader(octets, 0, payload.length, type, flags, streamId);
  octets.set(payload, FRAME_HEADER_BYTES);
  return octets;
}
