/** A service in this process, the simulator that it sends to, and clients. For the tests of the service. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadCredential } from '../../src/apns/credentials/load-credential.js';
import { BearerTokens } from '../../src/service/http/bearer-tokens.js';
import { OneCredential } from '../../src/service/push/one-credential.js';
import { Service, type ServiceOptions } from '../../src/service/service.js';
import { Session } from '../../src/session/session.js';
import type { SimulatorOptions } from '../../src/simulator/settings/options.js';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js';

export const topic = 'com.example.app';
export const bearer = 'a-bearer-token-of-tests';

/** What a client sees of an answer. */
export interface Seen {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any form, compared field by field
  readonly json: any;
}

export class ServiceWorld implements AsyncDisposable {
  service: Service;
  url = '';

  private constructor(
    readonly folder: string,
    readonly simulator: Simulator,
    readonly options: Partial<ServiceOptions>,
    service: Service,
  ) {
    this.service = service;
  }

  static async open(
    options: Partial<ServiceOptions> = {},
    simulatorOptions: SimulatorOptions = {},
    gateway: string | null = null,
  ): Promise<ServiceWorld> {
    const folder = await mkdtemp(path.join(tmpdir(), 'peal-service-'));
    const simulator = await startSimulator(simulatorOptions);
    const opened = await open(simulator, gateway, options);
    const world = new ServiceWorld(folder, simulator, options, opened);
    world.url = await opened.listen();
    return world;
  }

  /** A service with a folder of its own for each thing that it keeps. */
  static async withFolders(
    options: Partial<ServiceOptions> = {},
    simulatorOptions: SimulatorOptions = {},
  ): Promise<ServiceWorld> {
    const folder = await mkdtemp(path.join(tmpdir(), 'peal-service-'));
    const folders = { campaignsFolder: path.join(folder, 'campaigns'), pushJournalFolder: path.join(folder, 'pushes') };
    const simulator = await startSimulator(simulatorOptions);
    const all = { ...folders, ...options };
    const opened = await open(simulator, null, all);
    const world = new ServiceWorld(folder, simulator, all, opened);
    world.url = await opened.listen();
    return world;
  }

  /** Another service with the same folders, once this one has ended. */
  async restart(): Promise<void> {
    await this.service.close();
    this.service = await open(this.simulator, null, this.options);
    this.url = await this.service.listen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service.close();
    await this.simulator.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  get(where: string, headers: Readonly<Record<string, string>> = {}): Promise<Seen> {
    return this.ask('GET', where, undefined, headers);
  }

  post(where: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Seen> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return this.ask('POST', where, text, { 'Content-Type': 'application/json', ...headers });
  }

  async ask(
    method: string,
    where: string,
    body: string | Buffer | undefined,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Seen> {
    const options = body === undefined ? { method, headers } : { method, headers, body };
    const answer = await fetch(this.url + where, options as RequestInit);
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json') === true && text !== '';
    return { status: answer.status, headers: answer.headers, json: isJson ? JSON.parse(text) : text };
  }

  /** A socket of a client that speaks as it likes. */
  socket(): Socket {
    const { hostname, port } = new URL(this.url);
    return connect({ host: hostname, port: Number(port) });
  }

  /** What such a socket gets until it ends, after `text`. */
  async raw(text: string): Promise<string> {
    const socket = this.socket();
    socket.write(text);
    let got = '';
    socket.setEncoding('latin1').on('data', (piece: string) => {
      got += piece;
    });
    await new Promise((resolve) => socket.once('close', resolve).on('error', () => {}));
    return got;
  }
}

async function open(simulator: Simulator, gateway: string | null, options: Partial<ServiceOptions>): Promise<Service> {
  const session = new Session({ ca: simulator.caCertificate! });
  const source = new OneCredential(session, loadCredential(null), gateway ?? simulator.url, true);
  return Service.open({ source, session, host: '127.0.0.1', port: 0, bearers: null, topic, ...options });
}

export const someBearers = (): BearerTokens => BearerTokens.of(bearer, 'the test');

/** Asks again until `isEnough` is true of the answer. */
export async function until<T>(ask: () => Promise<T>, isEnough: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isEnough(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A problem as every path tells it: one plain sentence. */
export function assertProblem(seen: Seen, status: number, code: string, message: RegExp): void {
  assert.equal(seen.status, status, JSON.stringify(seen.json));
  assert.deepEqual(Object.keys(seen.json), ['error']);
  assert.equal(seen.json.error.code, code);
  assert.match(seen.json.error.message, message);
  assert.match(seen.json.error.message, /^[A-Zp-w][^\n]*[.?]$/);
}
