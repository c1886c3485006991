/**
 * A back-end in memory whose connections lead to gateways that tests script: it keeps each gateway and the time of each
 * attempt to connect. The kinds of gateways are in scripted-gateway.ts (HTTP/2) and binary-gateway.ts.
 */
import { type Clock, systemClock } from '../../src/base/clock.js';
import { PealError } from '../../src/base/errors.js';
import type { Backend, ByteStream, ByteStreamListener, OpenOptions } from '../../src/transport/backend.js';
import { createMemoryBackend, type MemoryOptions } from '../../src/transport/memory.js';

/** Makes the gateway's end of one connection. */
export type OpenGateway<Gateway, Script> = (
  stream: ByteStream,
  options: OpenOptions,
  script: Script,
  clock: Clock,
) => Gateway;

export class Gateways<Gateway extends ByteStreamListener, Script> {
  /** One for each connection that was opened, in order. */
  readonly all: Gateway[] = [];
  readonly attemptsAtMs: number[] = [];
  readonly backend: Backend;

  /** @param script The script of connection number `n` (from 0), or why it cannot be opened. */
  constructor(
    open: OpenGateway<Gateway, Script>,
    script: (n: number) => Script | PealError,
    memory: Partial<MemoryOptions> = {},
  ) {
    const clock = memory.clock ?? systemClock;
    this.backend = createMemoryBackend(
      (stream, options) => {
        const its = script(this.attemptsAtMs.length);
        this.attemptsAtMs.push(clock.now());
        if (its instanceof PealError) return its;
        const gateway = open(stream, options, its, clock);
        this.all.push(gateway);
        return gateway;
      },
      { ...memory, clock },
    );
  }
}
