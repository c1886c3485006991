/** The pages about credentials and the way to the gateway of docs/how-to, run as a reader runs them. */
import assert from 'node:assert/strict';
import { ConnectProxy } from '../support/connect-proxy.js';
import { hasOpenssl, makePkcs12 } from '../support/pkcs12.js';
import { list } from './lists.js';
import { PageWorld } from './page-world.js';
import { runPage } from './run-page.js';

describe('docs/how-to: credentials and gateways', () => {
  let world: PageWorld;

  before(async () => {
    world = await PageWorld.open();
  });

  after(() => world[Symbol.asyncDispose]());

  it('use a certificate instead of a key', async function () {
    if (!hasOpenssl()) return this.skip();
    const { cert, key } = world.authority.issueClient('com.example.app');
    await runPage(world, 'how-to/use-a-certificate', {
      files: {
        'push.p12': makePkcs12({ cert, key, passphrase: 'open sesame' }),
        'passphrase.txt': 'open sesame\n',
        'tokens.txt': list(10),
      },
      ledger: { accepted: 30, rejected: 0 },
    });
  });

  it('replace a key or a certificate without a gap', async () => {
    await runPage(world, 'how-to/replace-a-key', {
      files: { 'AuthKey_KLMNO67890.p8': world.secondKey, 'tokens.txt': list(100) },
      codes: { '--out doors': 7 },
      ledger: 'of campaigns',
      after: (page) => {
        assert.equal(page.books('doors').accepted, 100);
        const keys = new Set(world.simulator.ledger.received().map(({ providerKey }) => providerKey));
        assert.deepEqual([...keys], ['FGHIJ67890/ABCDE12345', 'FGHIJ67890/KLMNO67890']);
      },
    });
  });

  it('keep secrets off the command line', async () => {
    await runPage(world, 'how-to/keep-secrets', {
      files: { 'tokens.txt': list(10) },
      ledger: { accepted: 40, rejected: 0 },
    });
  });

  it('send through a proxy', async () => {
    await using open = await ConnectProxy.open();
    await using locked = await ConnectProxy.open({ login: 'user:p@ss' });
    await runPage(world, 'how-to/send-through-a-proxy', {
      files: { 'tokens.txt': list(10) },
      instead: {
        'user:p%40ss@proxy.example.com:3128': `user:p%40ss@localhost:${locked.port}`,
        'proxy.example.com:3128': `localhost:${open.port}`,
      },
      ledger: { accepted: 30, rejected: 0 },
    });
    for (const proxy of [open, locked]) assert.ok(proxy.tunnelledBytes > 1000, `${proxy.tunnelledBytes} bytes`);
  });

  it('pin the gateway', async function () {
    if (!hasOpenssl()) return this.skip();
    await runPage(world, 'how-to/pin-the-gateway', {
      files: { 'tokens.txt': list(10) },
      instead: { 'api.push.apple.com:443': `127.0.0.1:${world.simulator.port}` },
      codes: { '--out refused': 4 },
      ledger: { accepted: 20, rejected: 0 },
    });
  });
});
