/**
 * Drives one server connection over a byte stream: passes on what is read, gathers the answers of one turn of the loop
 * into one write, delays it by the round-trip time, and ends properly or as a fault demands. On the simulator's thread.
 *
 *     onBytes ─▶ ServerConnection ─▶ output ─(end of the turn)─▶ OutputLine ─▶ stream
 *
 *                  announce, PING          PING answered            answers are out
 *     open ─────────────────────▶ announced ─────────────▶ told ─────────────────────▶ ended
 *       │  GOAWAY at once                                   ▲                            ▲
 *       ├───────────────────────────────────────────────────┘                            │
 *       └──▶ cut: what was written before still goes out, nothing is read ───────────────┘
 */

import type { TimerHandle } from '../../base/clock.js';
import type { PealError } from '../../base/errors.js';
import { closeTimeoutMs, pauseReadingAboveBytes, resumeReadingBelowBytes } from '../../base/limits.js';
import type { ByteStream, ByteStreamListener } from '../../transport/backend.js';
import { Chance } from '../faults/chance.js';
import type { ConnectionFaults } from '../faults/connection-faults.js';
import type { Chunk } from '../faults/output-chunks.js';
import type { SimulatedGateway } from '../faults/simulated-gateway.js';
import type { ClientIdentity } from '../rules/request-rules.js';
import { AppliedFaults, type FaultyConnection } from './applied-faults.js';
import { ConnectionConduct } from './connection-conduct.js';
import { IdleWatch } from './idle-watch.js';
import { type LineOwner, OutputLine } from './output-line.js';
import { RequestStage } from './request-stage.js';
import { ServerConnection } from './server-connection.js';
import { type GoawayContent, goawayFor, plainGoaway } from './server-goaways.js';

/** How a connection ends, see above. */
type Ending = 'no' | 'announced' | 'told' | 'cut' | 'ended';

/** A stream that can end its connection with a reset, if that differs from `destroy`. */
export interface ServerStream extends ByteStream {
  /** Like `destroy`, but with RST on TCP. */
  resetPeer?(): void;
}

export class ConnectionDriver implements ByteStreamListener, LineOwner, FaultyConnection {
  readonly #gateway: SimulatedGateway;
  readonly #stream: ServerStream;
  readonly #line: OutputLine;
  readonly #whenClosed: () => void;
  /** The reason to turn the client away at once, as JSON; null to serve it. */
  readonly #turnAway: string | null;
  readonly #faults: ConnectionFaults | null = null;
  readonly #appliedFaults: AppliedFaults | null = null;
  readonly #idle: IdleWatch | null = null;
  #stage: RequestStage | null = null;
  #isFlushPending = false;
  /** Reading is paused because too much output waits. */
  #isFull = false;
  /** Reading is paused by a fault. */
  #isStalled = false;
  #isClosed = false;
  /** Nothing is read or written any more, and no listener is called. */
  #isDead = false;
  #ending: Ending = 'no';
  #last: 'all' | 'half' | 'none' = 'all';
  #goaway: GoawayContent = plainGoaway;
  #deadline: TimerHandle | null = null;
  readonly server: ServerConnection;

  /**
   * @param turnAway Apple's reason to turn the client away with a GOAWAY, or null.
   * @param whenClosed Called once, when the stream is over.
   */
  constructor(
    gateway: SimulatedGateway,
    stream: ServerStream,
    client: ClientIdentity,
    turnAway: string | null,
    whenClosed: () => void,
  ) {
    this.#gateway = gateway;
    this.#stream = stream;
    this.#turnAway = turnAway;
    this.#whenClosed = whenClosed;
    this.#line = new OutputLine(gateway, stream, this);
    const { scenario, settings } = gateway;
    if (scenario === null && settings.conduct === null) {
      this.server = new ServerConnection(gateway, client);
      return;
    }
    if (scenario !== null) {
      this.#appliedFaults = new AppliedFaults(settings.clock, this);
      this.#faults = scenario.join(this.#appliedFaults);
    }
    if (settings.conduct !== null && Number.isFinite(settings.conduct.idleMs)) {
      this.#idle = new IdleWatch(settings.clock, settings.conduct, () => this.#onIdle());
    }
    this.server = this.#makeStagedServer(client);
  }

  onOpen(): void {
    this.#gateway.ledger.recordConnection();
    if (this.#isRefused()) return;
    this.server.start();
    if (this.#turnAway !== null) this.#tell(goawayFor(this.#turnAway));
    this.#idle?.begin();
    this.#scheduleFlush();
  }

  onBytes(buffer: Uint8Array, length: number): void {
    if (this.#isDead) return;
    this.#idle?.touch();
    this.server.receive(buffer, length, this.#gateway.settings.clock.wallMs());
    this.#scheduleFlush();
  }

  onClosed(error: PealError | null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { clock, logger } = this.#gateway.settings;
    if (this.#deadline !== null) clock.clearTimer(this.#deadline);
    this.#line.close();
    this.#idle?.close();
    this.#appliedFaults?.close();
    this.#stage?.lose(0);
    this.#faults?.close();
    const reason = this.server.fault ?? error?.message ?? null;
    if (reason !== null) logger.warn({ reason }, 'simulator: a connection ended early');
    this.#whenClosed();
  }

  /** Ends properly: the streams under way are answered. `whenClosed` is called after at most 5 seconds. */
  close(): void {
    if (this.#isDead) this.destroy();
    else this.closeGracefully(plainGoaway);
  }

  /** Like `close`, with a text of the caller's. @param last Which of the streams under way the second step covers. */
  closeGracefully(goaway: GoawayContent, last: 'all' | 'half' | 'none' = 'all'): void {
    if (this.#isClosed || this.#isDead || this.#ending !== 'no') return;
    this.#ending = 'announced';
    this.#goaway = goaway;
    this.#last = last;
    this.server.announceClose(goaway);
    this.#setDeadline();
    this.#scheduleFlush();
  }

  /** Drops the connection at once. */
  destroy(): void {
    if (!this.#isClosed) this.#stream.destroy();
  }

  // --- what faults do ---

  /** Whether faults can still act on it. */
  get takesFaults(): boolean {
    return !this.#isClosed && !this.#isDead && this.#ending !== 'ended' && this.#ending !== 'cut';
  }

  /** Sends GOAWAY at once; the streams that it covers are answered, then the connection ends. */
  closeWithGoaway(goaway: GoawayContent, last: 'all' | 'half' | 'none'): void {
    if (!this.takesFaults) return;
    this.#last = last;
    this.#tell(goaway);
    this.#scheduleFlush();
  }

  /** Earlier output is still sent, then the connection ends. Nothing is read or processed any more. */
  cut(processedShare: number): void {
    if (!this.takesFaults) return;
    this.server.halt();
    this.#stage?.lose(processedShare);
    this.#ending = 'cut';
    this.#setDeadline();
    this.#scheduleFlush();
  }

  /** Ends the connection at once, with RST on TCP. */
  breakOff(processedShare: number): void {
    if (!this.takesFaults) return;
    this.#die(processedShare);
    if (this.#stream.resetPeer === undefined) this.#stream.destroy();
    else this.#stream.resetPeer();
  }

  /** Nothing is read or written any more. */
  fallSilent(processedShare: number): void {
    if (!this.takesFaults) return;
    this.#die(processedShare);
    this.#stream.pauseReading();
  }

  /** Nothing is read or written until it is called with false. */
  setStalled(isStalled: boolean): void {
    if (this.#isClosed || this.#isDead || this.#isStalled === isStalled) return;
    this.#isStalled = isStalled;
    if (isStalled) this.#line.hold();
    else this.#line.release();
    this.#applyPause();
  }

  /** Sends the output at the end of the turn. */
  wake(): void {
    this.#scheduleFlush();
  }

  // --- the line ---

  onReleased(chunk: Chunk): void {
    this.server.released(chunk);
    if (!this.#isFull || this.#line.waitingBytes >= resumeReadingBelowBytes) return;
    this.#isFull = false;
    this.#applyPause();
  }

  pieceBytes(): number {
    return this.#faults === null ? Number.POSITIVE_INFINITY : this.#faults.pieceBytes();
  }

  /** All output is sent. The stream ends after a fault, or if it was closing and no request is under way. */
  onDrained(): void {
    if (this.#ending === 'ended') return;
    const isAnswered = this.#ending === 'told' && this.server.activeStreams === 0;
    if (this.server.fault === null && this.#ending !== 'cut' && !isAnswered) return;
    this.#ending = 'ended';
    this.#stream.end();
    this.#setDeadline();
  }

  #makeStagedServer(client: ClientIdentity): ServerConnection {
    const { ledger, pushRates: rates, scenario, settings } = this.#gateway;
    const { clock, maxStreams } = settings;
    const faults = this.#faults;
    const host = {
      setFullStreams: (streams: number) => this.server.limits.setFullStreams(streams),
      closeGracefully: (goaway: GoawayContent) => this.closeGracefully(goaway),
    };
    const conduct =
      settings.conduct === null
        ? null
        : new ConnectionConduct(settings.conduct, maxStreams, { rates, ledger, clock, host });
    if (this.#idle !== null) this.#idle.conduct = conduct;
    return new ServerConnection(this.#gateway, client, (streams, answers) => {
      const chance = faults?.chance ?? new Chance(settings.seed, 0);
      const processingMs = scenario?.scenario.processingMs ?? 0;
      const wake = (): void => this.#scheduleFlush();
      const parts = { clock, ledger, streams, answers, faults, conduct, chance, processingMs, wake };
      this.#stage = new RequestStage(parts);
      return this.#stage;
    });
  }

  /** Returns whether the scenario refuses the connection, and if so refuses it. */
  #isRefused(): boolean {
    if (this.#faults === null) return false;
    const refusal = this.#gateway.scenario?.opened(this.#faults) ?? null;
    if (refusal === 'reset') this.breakOff(0);
    else if (refusal === 'silent') this.fallSilent(0);
    else if (refusal === 'end') this.cut(0);
    return refusal !== null;
  }

  #die(processedShare: number): void {
    this.#isDead = true;
    this.server.halt();
    this.#stage?.lose(processedShare);
    this.#line.close();
    this.#idle?.close();
  }

  #onIdle(): void {
    const { conduct } = this.#gateway.settings;
    if (conduct === null || !this.takesFaults) return;
    this.#gateway.ledger.recordFault('idle');
    if (conduct.idleEnd === 'silence') this.fallSilent(0);
    else if (conduct.idleEnd === 'reset') this.breakOff(0);
    else this.closeGracefully(goawayFor('IdleTimeout', conduct.goawayTwice));
  }

  #tell(goaway: GoawayContent): void {
    this.#ending = 'told';
    this.server.close(goaway, this.#last);
    this.#setDeadline();
  }

  #setDeadline(): void {
    this.#deadline ??= this.#gateway.settings.clock.setTimer(() => this.destroy(), closeTimeoutMs);
  }

  #scheduleFlush(): void {
    if (this.#isFlushPending || this.#isClosed || this.#isDead) return;
    this.#isFlushPending = true;
    this.#gateway.settings.clock.defer(this.#flush);
  }

  /** End of the turn: its output joins the line. */
  readonly #flush = (): void => {
    this.#isFlushPending = false;
    if (this.#isClosed || this.#isDead) return;
    if (this.#stage !== null) this.#stage.processDue();
    if (this.#ending === 'announced' && this.server.isCloseNoticed) this.#tell(this.#goaway);
    if (!this.server.output.isEmpty) this.#enterLine(this.server.output.takeAll());
    this.#line.pump();
  };

  #enterLine(chunks: readonly Chunk[]): void {
    this.#line.enter(chunks);
    if (this.#line.waitingBytes <= pauseReadingAboveBytes || this.#isFull) return;
    this.#isFull = true;
    this.#applyPause();
  }

  #applyPause(): void {
    if (this.#isFull || this.#isStalled) this.#stream.pauseReading();
    else this.#stream.resumeReading();
  }
}
