import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { APNs, Message, type PealError, Session, type SessionOptions } from '../../../src/index.js';
import { checkSessionOptions } from '../../../src/session/options/session-options.js';
import { createTlsBackend } from '../../../src/transport/tls.js';

const canary = 'PEAL-CANARY-SECRET';
const backend = createTlsBackend();
class Own {
  readonly open = backend.open;
}

describe('the options backend and backendOptions of a session', () => {
  const wrong: [SessionOptions, RegExp][] = [
    [{ backend, threads: 1 }, /^The option backend is an object of this thread: with threads, give a name/],
    [{ backend: Own, threads: 'auto' }, /^The option backend is an object of this thread/],
    [{ backend: '' }, /^The option backend must be a name/],
    [{ backend: 7 as never }, /^The option backend must be a name/],
    [{ backend: {} as never }, /^The option backend must be a name .* or an object with the method open/],
    [{ proxy: 'http://proxy:1', backend: 'tls' }, /^The option proxy does not go with backend/],
    [{ proxy: `socks5://me:${canary}@x` }, /^The URL of the proxy must be http/],
    [{ proxy: 7 as never }, /^The URL of the proxy must be http/],
    [{ backendOptions: { url: canary } }, /^The option backendOptions goes with backend, which is missing/],
    [{ backend, backendOptions: { url: canary } }, /^The option backendOptions is for a name, a module or a class/],
    [{ backend: 'proxy', backendOptions: canary as never }, /^The option backendOptions must be an object/],
    [
      { backend: 'memory', backendOptions: { accept() {} }, threads: 1 },
      /^The option backendOptions must be plain data/,
    ],
  ];

  for (const [options, message] of wrong) {
    it(`are refused: ${inspect(options, { depth: 0 })}`, () => {
      assert.throws(
        () => new Session(options),
        (error: PealError) => {
          assert.equal(error.code, 'ERR_PEAL_OPTION');
          assert.match(error.message, message);
          assert.ok(!error.message.includes(canary));
          return true;
        },
      );
    });
  }

  it('are accepted as name, class or object without anything being loaded, and never shown', () => {
    const accepted: SessionOptions[] = [
      { backend },
      { backend: Own },
      { backend: 'tls', threads: 2 },
      { backend: 'no-such-package-of-peal', threads: 2 },
      { backend: 'proxy', backendOptions: { url: `http://user:${canary}@localhost` }, threads: 2 },
    ];
    for (const options of accepted) {
      const session = new Session(options);
      assert.ok(!`${inspect(session, { depth: 9, showHidden: true })}${JSON.stringify(session)}`.includes(canary));
    }
  });

  for (const threads of [0, 1]) {
    it(`reject a send when the back-end cannot be made, threads: ${threads}`, async () => {
      await using session = new Session({ threads, backend: 'no-such-package-of-peal' });
      const apns = new APNs(session.getConnection('https://localhost:1', null));
      const message = new Message('ab'.repeat(32), { alert: 'Hello', topic: 'com.example.app' });
      await assert.rejects(apns.send(message), (error: PealError) => {
        assert.equal(error.code, 'ERR_PEAL_OPTION');
        assert.match(error.message, /"no-such-package-of-peal" cannot be loaded/);
        return true;
      });
      assert.deepEqual((await session.stats()).shards, []);
    });
  }
});

describe('the option proxy of a session', () => {
  const names = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'no_proxy', 'NO_PROXY'];
  const before = names.map((name) => [name, process.env[name]] as const);
  beforeEach(() => {
    for (const name of names) delete process.env[name];
  });
  after(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  it('reads the environment where it is asked to, and only there', () => {
    const chosen = (proxy?: string) => checkSessionOptions(proxy === undefined ? {} : { proxy }).backend;
    assert.equal(chosen('environment'), null);
    process.env.HTTPS_PROXY = 'http://proxy:3128';
    process.env.NO_PROXY = 'example.com';
    assert.equal(chosen(), null);
    const environment = { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'example.com' };
    assert.deepEqual(chosen('environment'), { backend: 'proxy', options: { environment } });
    assert.deepEqual(chosen('http://other:1'), { backend: 'proxy', options: { url: 'http://other:1' } });
    process.env.HTTPS_PROXY = `socks5://me:${canary}@x`;
    assert.throws(
      () => chosen('environment'),
      (error: PealError) => {
        assert.match(error.message, /variable HTTPS_PROXY names a SOCKS proxy/);
        return !error.message.includes(canary);
      },
    );
  });
});
