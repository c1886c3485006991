/** Reads the metrics of a run once a second, as Prometheus does, and says how often somebody answered. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export class Scraper {
  readonly #ended = new AbortController();
  readonly #scraping: Promise<void>;
  #scrapes = 0;

  constructor(port: number) {
    this.#scraping = this.#scrapeAll(`http://127.0.0.1:${port}/metrics`);
  }

  /** Resolves with how many scrapes there were. */
  async stop(): Promise<number> {
    this.#ended.abort();
    await this.#scraping;
    return this.#scrapes;
  }

  async #scrapeAll(url: string): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      const text = await fetch(url, { signal })
        .then((response) => response.text())
        .catch(() => '');
      if (text !== '') this.#scrapes += 1;
      // Until the process listens, it is asked more often.
      await sleep(this.#scrapes > 0 ? 1000 : 50, undefined, { signal }).catch(() => {});
    }
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
