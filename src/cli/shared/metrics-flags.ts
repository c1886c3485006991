/**
 * `--metrics-port`, `--metrics-host` and `--metrics-linger`: the HTTP server that Prometheus scrapes a command by. What
 * it is made of is loaded only with `--metrics-port`. Shared by the commands that send; main thread.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Option } from 'commander';
import type { MetricsServer } from '../../metrics/metrics-server.js';
import type { MetricsSource } from '../../metrics/metrics-source.js';
import { durationBetween, wholeNumber } from './option-values.js';
import { printNote, type Terminal, usageError } from './terminal.js';

/** These options, parsed. */
export interface MetricsFlags {
  readonly metricsPort?: number;
  readonly metricsHost?: string;
  /** In milliseconds. */
  readonly metricsLinger?: number;
  readonly quiet?: boolean;
}

const longestLingerMs = 3_600_000;

/** @param ends whether the command ends by itself, so that the last scrape may have to be waited for */
export function metricsOptions({ ends }: { readonly ends: boolean }): Option[] {
  return [
    new Option(
      '--metrics-port <port>',
      'serve /metrics for Prometheus, /healthz and /readyz at this port; 0: a free one, which is printed',
    ).argParser(wholeNumber(0, 65_535)),
    new Option('--metrics-host <address>', 'address to serve them at (default: 127.0.0.1, this machine only)'),
    ...(ends
      ? [
          new Option(
            '--metrics-linger <duration>',
            'after the end, serve the final figures until they are scraped, for so long at the most (default: 0)',
          ).argParser(durationBetween(0, longestLingerMs)),
        ]
      : []),
  ];
}

/** Throws PealError ERR_PEAL_OPTION for options that need `--metrics-port`. */
export function checkMetricsFlags({ metricsPort, metricsHost, metricsLinger }: MetricsFlags): void {
  if (metricsPort !== undefined) return;
  const [name] = [
    ...(metricsHost === undefined ? [] : ['--metrics-host']),
    ...(metricsLinger === undefined ? [] : ['--metrics-linger']),
  ];
  if (name !== undefined) throw usageError(`${name} goes with --metrics-port PORT, which is missing.`);
}

/** The server of a command's metrics, from its start to its end. */
export class CommandMetrics implements AsyncDisposable {
  readonly #server: MetricsServer;
  readonly #lingerMs: number;

  constructor(server: MetricsServer, lingerMs: number) {
    this.#server = server;
    this.#lingerMs = lingerMs;
  }

  /** A part of the command has begun. */
  add(source: MetricsSource): void {
    this.#server.registry.add(source);
  }

  /** A part of the command has ended: its counts are gone from the next scrape on. */
  remove(source: MetricsSource): void {
    this.#server.registry.remove(source);
  }

  /**
   * Everything is counted. Resolves once it was scraped, or nobody did in the time of `--metrics-linger`.
   *
   * @param signal ends the wait
   */
  async linger(signal: AbortSignal): Promise<void> {
    if (this.#lingerMs === 0) return;
    const over = new AbortController();
    const waited = delay(this.#lingerMs, undefined, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => {});
    await Promise.race([this.#server.scraped(), waited]);
    over.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
  }
}

/**
 * Starts the server before anything is sent, and says where it is. Resolves with null without `--metrics-port`.
 *
 * @throws PealError ERR_PEAL_OPTION where the port cannot be listened at
 */
export async function startMetrics(
  flags: MetricsFlags,
  sources: () => readonly MetricsSource[] | Promise<readonly MetricsSource[]>,
  terminal: Terminal,
): Promise<CommandMetrics | null> {
  const { metricsPort, metricsHost, metricsLinger = 0, quiet } = flags;
  if (metricsPort === undefined) return null;
  const { MetricsServer } = await import('../../metrics/metrics-server.js');
  const host = metricsHost === undefined ? {} : { host: metricsHost };
  const server = await MetricsServer.open({ port: metricsPort, ...host });
  for (const source of await sources()) server.registry.add(source);
  // A port that was not chosen by the caller has to be told in any case.
  if (quiet !== true || metricsPort === 0) printNote(terminal, `metrics are served at ${server.url}/metrics`);
  return new CommandMetrics(server, metricsLinger);
}
