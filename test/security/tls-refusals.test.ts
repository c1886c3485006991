/** TLS: whom a session does not talk to. Nothing of a send reaches a gateway that is not proven to be the right one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TlsOptions } from 'node:tls';
import { APNs, Message, type PealErrorCode, Session, type SessionOptions } from '../../src/index.js';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { hurried } from './canaries.js';

const dayMs = 24 * 3600 * 1000;
const authority = new ThrowAwayAuthority();
const other = new ThrowAwayAuthority('another authority');
const good = { ...authority.issueServer(), ALPNProtocols: ['h2'] };
const expired = { from: new Date(Date.now() - dayMs), to: new Date(Date.now() - 1000) };
const oldTls = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
const trusted: SessionOptions = { ca: authority.certificate };

interface Refusal {
  readonly name: string;
  readonly server: TlsOptions;
  readonly session: SessionOptions;
  readonly code: PealErrorCode;
  readonly host?: string;
}

const refusals: readonly Refusal[] = [
  { name: 'no ALPN', server: authority.issueServer(), session: trusted, code: 'ERR_PEAL_ALPN' },
  { name: 'ALPN http/1.1', server: { ...good, ALPNProtocols: ['http/1.1'] }, session: trusted, code: 'ERR_PEAL_ALPN' },
  { name: 'TLS 1.1', server: { ...good, ...oldTls }, session: trusted, code: 'ERR_PEAL_TLS' },
  {
    name: 'a certificate for another host',
    server: { ...good, ...authority.issueServer(['elsewhere.example']) },
    session: trusted,
    code: 'ERR_PEAL_TLS',
  },
  {
    name: 'a certificate for the name where the address was given',
    server: { ...good, ...authority.issueServer(['localhost']) },
    session: trusted,
    code: 'ERR_PEAL_TLS',
    host: '127.0.0.1',
  },
  { name: 'an authority that is not trusted', server: good, session: { ca: other.certificate }, code: 'ERR_PEAL_TLS' },
  { name: 'an authority that the system does not know', server: good, session: {}, code: 'ERR_PEAL_TLS' },
  {
    name: 'an expired certificate',
    server: { ...good, ...authority.issueServer(undefined, expired) },
    session: trusted,
    code: 'ERR_PEAL_TLS',
  },
  {
    name: 'a certificate of tomorrow',
    server: { ...good, ...authority.issueServer(undefined, { from: new Date(Date.now() + dayMs / 2) }) },
    session: trusted,
    code: 'ERR_PEAL_TLS',
  },
];

describe('security: a gateway that is not proven to be the right one', () => {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  let received = 0;

  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
    for (const socket of sockets) socket.destroy();
    received = 0;
  });

  async function listen(options: TlsOptions): Promise<number> {
    const server = createServer(options, (socket) => {
      socket.on('data', (bytes) => {
        received += bytes.length;
      });
      socket.on('error', () => {});
    });
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    server.on('tlsClientError', () => {});
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  async function assertRefused(url: string, options: SessionOptions, code: PealErrorCode): Promise<void> {
    const session = new Session({ ...hurried, ...options });
    try {
      const apns = new APNs(session.getConnection(url, null));
      const result = await apns.send(new Message(['ab'.repeat(32)], { alert: 'Hello' }));
      assert.equal(result.stopped?.code, code);
      assert.equal(result.stopped.retryable, false, 'and it is not tried again');
      assert.equal(result.counts.unsent, 1);
      assert.equal(received, 0, 'nothing was said to it');
    } finally {
      await session.shutdown();
    }
  }

  for (const { name, server, session, code, host = 'localhost' } of refusals) {
    it(`TLS: ${name} is refused`, async () => {
      await assertRefused(`https://${host}:${await listen(server)}`, session, code);
    });
  }

  it('TLS: the same certificates are refused by the binary protocol, and within the tunnel of a proxy', async () => {
    const proxy = await ConnectProxy.open();
    try {
      for (const { name, server, session, code, host = 'localhost' } of refusals) {
        const port = await listen(server);
        if (code === 'ERR_PEAL_TLS') await assertRefused(`binary://${host}:${port}`, session, code);
        const tunnel = { ...session, backend: 'proxy', backendOptions: { url: proxy.url() } };
        await assertRefused(`https://${host}:${port}`, tunnel, code);
        assert.ok(proxy.requests.length > 0, name);
      }
    } finally {
      await proxy.close();
    }
  });

  it('TLS: NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing, for a gateway or for a proxy', async () => {
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    const proxy = await ConnectProxy.open({ tls: good });
    try {
      for (const { server, session, code, host = 'localhost' } of refusals) {
        await assertRefused(`https://${host}:${await listen(server)}`, session, code);
      }
      const backendOptions = { url: proxy.url(), ca: other.certificate };
      await assertRefused('https://localhost:1', { backend: 'proxy', backendOptions }, 'ERR_PEAL_TLS');
      assert.equal(proxy.requests.length, 0);
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
      await proxy.close();
    }
  });

  it('TLS: no option switches the check off', () => {
    for (const name of ['insecure', 'rejectUnauthorized', 'checkServerIdentity', 'servername', 'minVersion']) {
      assert.throws(() => new Session({ [name]: false }), { code: 'ERR_PEAL_OPTION' }, name);
    }
    assert.throws(() => new Session({ ca: '' }), { code: 'ERR_PEAL_OPTION' });
  });
});
