import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import type { PealError } from '../../src/base/errors.js';
import { createTlsBackend } from '../../src/transport/tls.js';
import { certificate, privatePem, type Subject, subject } from '../support/certificate-chain.js';

/** As everybody else makes them: openssl x509 -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256. */
function pin({ publicKey }: Subject): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`;
}

const root = subject('root');
const intermediate = subject('intermediate');
const leaf = subject('leaf');
const stranger = subject('stranger');
const chain = [certificate(leaf, intermediate, 'server'), certificate(intermediate, root, 'authority')];
const rootCertificate = certificate(root, root, 'authority');

describe('transport/chain-pins', () => {
  const servers: Server[] = [];

  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  /** Null where a connection was opened, otherwise why not. */
  async function connect(
    options: { readonly cert: readonly string[]; readonly key?: Subject; readonly ca?: string },
    pins: readonly string[] | null,
  ): Promise<PealError | null> {
    const { cert, key = leaf, ca = rootCertificate } = options;
    const server = createServer({ cert: cert.join('\n'), key: privatePem(key) }, (socket) => {
      socket.on('error', () => {});
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return new Promise((resolve) => {
      let isOpen = false;
      const stream = createTlsBackend().open(
        {
          ...{ address: { protocol: 'binary', host: 'localhost', port }, certificate: null, ca, pins },
          ...{ alpnProtocol: null, connectTimeoutMs: 60_000 },
        },
        {
          onOpen: () => {
            isOpen = true;
            stream.destroy();
          },
          onBytes: () => {},
          onClosed: (error) => resolve(isOpen ? null : error),
        },
      );
    });
  }

  it('takes the key of the gateway, of the intermediate or of the root, alone or among several', async () => {
    for (const pinned of [leaf, intermediate, root]) {
      assert.equal(await connect({ cert: chain }, [pin(pinned)]), null, pinned.name);
      assert.equal(await connect({ cert: chain }, [pin(stranger), pin(pinned)]), null, pinned.name);
    }
    assert.equal(await connect({ cert: chain }, null), null);
  });

  it('refuses a gateway that is trusted and has none of them, and says which it has', async () => {
    const error = await connect({ cert: chain }, [pin(stranger), pin(subject('another'))]);
    assert.equal(error?.code, 'ERR_PEAL_TLS');
    assert.equal(error.retryable, false);
    assert.match(error.message, /^None of the pinned keys is in the certificate chain of localhost:\d+, .*\.$/);
    for (const one of [leaf, intermediate, root]) assert.ok(error.message.includes(pin(one)), one.name);
    assert.ok(!error.message.includes(pin(stranger)));
  });

  it('takes no pin for trust', async () => {
    const self = certificate(leaf, leaf, 'server');
    assert.equal((await connect({ cert: [self] }, [pin(leaf)]))?.code, 'ERR_PEAL_TLS');
  });

  it('takes no key of a certificate that the gateway only sends along', async () => {
    // An authority that is trusted, too, and does not hold the pinned key, under the same name.
    const rogue = subject('intermediate');
    const rogueRoot = subject('rogue root');
    const ca = certificate(rogueRoot, rogueRoot, 'authority') + rootCertificate;
    const own = [certificate(leaf, rogue, 'server'), certificate(rogue, rogueRoot, 'authority')];
    const real = certificate(intermediate, root, 'authority');
    for (const cert of [
      [...own, real],
      [own[0]!, real, own[1]!],
    ]) {
      assert.equal((await connect({ cert, ca }, [pin(intermediate)]))?.code, 'ERR_PEAL_TLS');
      assert.equal((await connect({ cert, ca }, [pin(root)]))?.code, 'ERR_PEAL_TLS');
    }
    assert.equal(await connect({ cert: [...own, real], ca }, [pin(rogue)]), null);
  });

  it('takes no key above a certificate that is of no authority', async () => {
    // Somebody has a certificate from the pinned intermediate, and signs another with its key; a rogue root calls that
    // key an authority, which makes the chain a trusted one.
    const customer = subject('customer');
    const rogueRoot = subject('rogue root');
    const ca = certificate(rogueRoot, rogueRoot, 'authority') + rootCertificate;
    const signed = certificate(leaf, customer, 'server');
    const asAuthority = certificate(customer, rogueRoot, 'authority');
    const asCustomer = [certificate(customer, intermediate, 'server'), chain[1]!];
    for (const cert of [
      [signed, ...asCustomer, asAuthority],
      [signed, asAuthority, ...asCustomer],
    ]) {
      assert.equal((await connect({ cert, ca }, [pin(intermediate)]))?.code, 'ERR_PEAL_TLS');
    }
  });
});
