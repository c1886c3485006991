/** The options of `peal/compat/node-apn`: defaults, files, and what they come to. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Notification, Provider, type ProviderOptions } from '../../../src/compat/node-apn/index.js';
import { createThrowAwayProviderKey, startSimulator, ThrowAwayAuthority } from '../../../src/simulator/index.js';
import { ConnectProxy } from '../../support/connect-proxy.js';

const topic = 'com.example.app';
const device = 'ab'.repeat(32);
const { keyId, p8, teamId } = createThrowAwayProviderKey();
const token = { key: p8, keyId, teamId };

interface Configured {
  readonly config: { readonly production: boolean; readonly address: string; readonly port: number };
}

describe('the options of compat/node-apn', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'peal-node-apn-'));

  after(() => rmSync(folder, { recursive: true, force: true }));

  function written(name: string, text: string): string {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  }

  async function configOf(options: ProviderOptions): Promise<Configured['config']> {
    const provider = new Provider({ token, ...options });
    const { config } = provider.client as unknown as Configured;
    await provider.shutdown();
    return config;
  }

  async function acceptedWith(options: ProviderOptions): Promise<number> {
    const provider = new Provider({ address: 'localhost', ...options });
    const { sent } = await provider.send(new Notification({ alert: 'x', topic }), device);
    await provider.shutdown();
    return sent.length;
  }

  it('choose the environment by address, by production, and by NODE_ENV', async () => {
    const given = process.env.NODE_ENV;
    try {
      process.env.NODE_ENV = 'production';
      assert.equal((await configOf({})).address, 'api.push.apple.com');
      assert.equal((await configOf({ production: false })).address, 'api.sandbox.push.apple.com');
      delete process.env.NODE_ENV;
      assert.deepEqual(await configOf({}).then(({ address, port }) => [address, port]), [
        'api.sandbox.push.apple.com',
        443,
      ]);
      assert.equal((await configOf({ production: true })).address, 'api.push.apple.com');
      assert.equal((await configOf({ address: 'api.push.apple.com' })).production, true);
      assert.equal((await configOf({ address: 'localhost', production: true })).production, false);
    } finally {
      if (given !== undefined) process.env.NODE_ENV = given;
    }
  });

  it('take certificates, keys and authorities as files, as text and as bytes', async () => {
    const authority = new ThrowAwayAuthority();
    const { cert, key } = authority.issueClient(topic);
    const settings = { controlPort: null, auth: 'certificate', clientCa: authority.certificate } as const;
    const simulator = await startSimulator(settings);
    const port = Number(new URL(simulator.url).port);
    const ca = simulator.caCertificate!;
    const files = { cert: written('cert.pem', cert), key: written('key.pem', key), ca: [written('ca.pem', ca)] };
    try {
      assert.equal(await acceptedWith({ ...files, port }), 1);
      assert.equal(await acceptedWith({ cert, key, ca: [authority.certificate, ca], port }), 1);
      assert.equal(
        await acceptedWith({ cert: Buffer.from(cert), key: Buffer.from(key), ca: [Buffer.from(ca)], port }),
        1,
      );
    } finally {
      await simulator.close();
    }
  });

  it('take the key of a provider token as a file, and tunnel through a proxy', async () => {
    const simulator = await startSimulator({ controlPort: null, auth: 'token' });
    const proxy = await ConnectProxy.open();
    const { url, caCertificate } = simulator;
    try {
      const tokenFile = { token: { key: written('key.p8', p8), keyId, teamId } };
      const gateway = { port: Number(new URL(url).port), ca: [caCertificate!] };
      assert.equal(await acceptedWith({ ...tokenFile, ...gateway, proxy: { host: 'localhost', port: proxy.port } }), 1);
      assert.equal(proxy.requests.length, 1);
    } finally {
      await proxy.close();
      await simulator.close();
    }
  });

  it('warn that rejectUnauthorized has no effect', async () => {
    const warned = new Promise<NodeJS.ErrnoException>((resolve) => process.once('warning', resolve));
    await configOf({ rejectUnauthorized: false });
    assert.equal((await warned).code, 'PEAL_REJECT_UNAUTHORIZED');
  });

  it('refuse a token without ids', () => {
    assert.throws(() => new Provider({ token: { key: p8, keyId: '', teamId } }), /^Error: token.keyId is missing$/);
    assert.throws(() => new Provider({ token: { key: p8, keyId, teamId: 1 as never } }), /must be a string$/);
  });

  it('are the defaults where there are none', () => {
    // The certificate is read from cert.pem then, which is not there.
    for (const none of [undefined, null]) assert.throws(() => new Provider(none as never), /cert\.pem/);
  });
});
