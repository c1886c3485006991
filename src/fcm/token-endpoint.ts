/**
 * One POST to the endpoint that gives out access tokens, directly or through the proxy that the environment names.
 * Bounded in time and size. Called by fcm/access-token about once in an hour; main thread. Neither what is sent nor
 * what is answered gets into an error.
 */
import { Buffer } from 'node:buffer';
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '../base/clock.js';
import { accessTokenTimeoutMs, maxTokenAnswerBytes } from '../base/limits.js';
import { type ProxyVariables, proxyOf } from '../base/proxy-environment.js';
import type { ProxyAddress } from '../base/proxy-url.js';

/** What the endpoint answered. */
export interface TokenAnswer {
  readonly status: number;
  readonly body: string;
}

/** Posts a form. Rejects with an error whose `code` says why there is no answer. */
export type PostForm = (form: string) => Promise<TokenAnswer>;

interface EndpointOptions {
  /** PEM certificates that the endpoint is trusted by instead of the system's; null: the system's. */
  readonly ca: string | null;
  /** Variables that may name a proxy. */
  readonly environment: ProxyVariables;
  readonly clock: Clock;
}

/** @throws PealError ERR_PEAL_OPTION for a variable that names no proxy that can be used */
export function tokenEndpoint(url: URL, { ca, environment, clock }: EndpointOptions): PostForm {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const found = proxyOf(environment);
  const proxy = found === null || found.isDirect(host, port) ? null : found.address;
  const target = { url, host, port, ca };
  return async (form) => {
    const abort = new AbortController();
    const timer = clock.setTimer(() => abort.abort(), accessTokenTimeoutMs);
    try {
      const tunnel = proxy === null ? null : await tunnelThrough(proxy, target, abort.signal);
      return await post(target, form, tunnel, abort.signal);
    } catch (error) {
      throw abort.signal.aborted ? Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }) : error;
    } finally {
      clock.clearTimer(timer);
    }
  };
}

interface Target {
  readonly url: URL;
  readonly host: string;
  readonly port: number;
  readonly ca: string | null;
}

function post(
  { url, host, port, ca }: Target,
  form: string,
  tunnel: Duplex | null,
  signal: AbortSignal,
): Promise<TokenAnswer> {
  const trust = ca === null ? {} : { ca };
  const servername = isIP(host) === 0 ? host : '';
  // Node ignores createConnection where an agent is given.
  const within =
    tunnel === null
      ? { agent: false as const }
      : { createConnection: () => connectTls({ socket: tunnel, servername, ...trust }) };
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': Buffer.byteLength(form),
    accept: 'application/json',
  };
  const options = {
    host,
    port,
    path: url.pathname + url.search,
    method: 'POST',
    headers,
    signal,
  };
  return new Promise((resolve, reject) => {
    const request =
      url.protocol === 'https:'
        ? secureRequest({ ...options, ...trust, servername, ...within })
        : plainRequest({ ...options, agent: false });
    request.once('error', reject);
    request.once('response', (answer) => {
      bodyOf(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject);
    });
    request.end(form);
  });
}

async function bodyOf(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > maxTokenAnswerBytes) break;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** The stream behind a proxy that was asked to CONNECT (RFC 9110 §9.3.6). */
function tunnelThrough(proxy: ProxyAddress, { host, port }: Target, signal: AbortSignal): Promise<Duplex> {
  const path = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const { authorization } = proxy;
  const headers = { Host: path, ...(authorization !== null && { 'Proxy-Authorization': authorization }) };
  const options = {
    host: proxy.host,
    port: proxy.port,
    method: 'CONNECT',
    path,
    headers,
    signal,
    agent: false as const,
  };
  return new Promise((resolve, reject) => {
    const request = proxy.isSecure ? secureRequest(options) : plainRequest(options);
    const refuse = (status: number): void =>
      reject(Object.assign(new Error('the proxy refuses'), { code: `the proxy answers ${status}` }));
    request.once('error', reject);
    request.once('response', (answer) => {
      answer.destroy();
      refuse(answer.statusCode ?? 0);
    });
    request.once('connect', (answer, stream) => {
      if (answer.statusCode === 200) resolve(stream);
      else {
        stream.destroy();
        refuse(answer.statusCode ?? 0);
      }
    });
    request.end();
  });
}
