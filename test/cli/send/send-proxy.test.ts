/** `peal send` through an HTTP proxy, and what can be wrong with that. */
import assert from 'node:assert/strict';
import { runCommand } from '../../support/command.js';
import { ConnectProxy } from '../../support/connect-proxy.js';
import { assertOneSentence, Fixture, randomTokens } from '../fixture.js';

const canary = 'PEAL-CANARY-SECRET';

describe('peal send through a proxy', () => {
  let fixture: Fixture;
  let proxy: ConnectProxy | null = null;
  let tokens: string;

  before(async () => {
    fixture = await Fixture.open();
    tokens = await fixture.write('tokens.txt', randomTokens(50).join('\n'));
  });

  beforeEach(() => fixture.simulator.ledger.reset());

  afterEach(async () => {
    await proxy?.close();
    proxy = null;
  });

  after(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  it('goes through the proxy of --proxy', async () => {
    proxy = await ConnectProxy.open();
    const { code, stderr } = await runCommand(fixture.send(tokens, { with: ['--proxy', proxy.url()] }));
    assert.equal(code, 0, stderr);
    assert.equal(fixture.simulator.ledger.summary().requests, 50);
    assert.equal(proxy.requests.length, 1);
  });

  it('takes user and password from the environment, also with threads', async () => {
    proxy = await ConnectProxy.open({ login: `me:${canary}` });
    const env = { PEAL_PROXY: proxy.url(`me:${canary}`) };
    const args = fixture.send(tokens, { without: ['--threads'], with: ['--threads', '1'] });
    const { code, stdout, stderr } = await runCommand(args, { env });
    assert.equal(code, 0, stderr);
    assert.equal(fixture.simulator.ledger.summary().requests, 50);
    assert.ok(!`${stdout}${stderr}`.includes(canary));
  });

  describe('that the environment names', () => {
    /**
     * A name that nobody but the proxy resolves; the simulator's certificate is for localhost, which is found out last.
     */
    const named = (threads = '0'): string[] => {
      const { port } = new URL(fixture.simulator.url);
      return fixture.send(tokens, {
        without: ['--gateway', '--threads'],
        with: ['--gateway', `https://gateway.invalid:${port}`, '--threads', threads],
      });
    };

    it('goes through HTTPS_PROXY, https_proxy and ALL_PROXY, also with threads', async () => {
      proxy = await ConnectProxy.open({ host: '127.0.0.1', login: `me:${canary}` });
      const login = proxy.url(`me:${canary}`);
      for (const [env, threads] of [
        [{ HTTPS_PROXY: login }, '0'],
        [{ https_proxy: login.replace('http://', ''), HTTPS_PROXY: 'http://127.0.0.1:1' }, '0'],
        [{ ALL_PROXY: login }, '1'],
      ] as const) {
        const before = proxy.requests.length;
        const { code, stderr, stdout } = await runCommand(named(threads), { env });
        assert.match(stderr, /The certificate of gateway\.invalid:\d+ is for .*localhost/);
        assert.equal(code, 4);
        assert.ok(proxy.requests.length > before);
        assert.match(proxy.requests.at(-1)!, /^CONNECT gateway\.invalid:\d+ HTTP/);
        assert.ok(!`${stdout}${stderr}`.includes(canary));
      }
    });

    it('is left aside for NO_PROXY, this machine, PEAL_PROXY and --proxy', async () => {
      proxy = await ConnectProxy.open({ answer: 'HTTP/1.1 403 Forbidden\r\n\r\n' });
      const wrong = { HTTPS_PROXY: proxy.url() };
      const direct = await runCommand(named(), { env: { ...wrong, NO_PROXY: '.invalid' } });
      assert.match(direct.stderr, /gateway\.invalid does not resolve|gateway\.invalid.*resolve/);
      assert.equal((await runCommand(fixture.send(tokens), { env: wrong })).code, 0);
      const none = await runCommand([...named(), '--proxy', 'none'], { env: wrong });
      assert.match(none.stderr, /gateway\.invalid.*resolve/);
      assert.equal(proxy.requests.length, 0);
      const refused = await runCommand(named(), { env: wrong });
      assert.match(refused.stderr, /The proxy localhost:\d+ does not allow gateway\.invalid/);
      assert.equal(proxy.requests.length > 0, true);
      await using own = await ConnectProxy.open();
      const sent = await runCommand(fixture.send(tokens), { env: { ...wrong, PEAL_PROXY: own.url() } });
      assert.equal(sent.code, 0, sent.stderr);
      assert.equal(own.requests.length, 1);
    });

    it('is refused with 2 where peal does not speak to it, without quoting it', async () => {
      const result = await runCommand(named(), { env: { ALL_PROXY: `socks5://me:${canary}@localhost:1` } });
      assert.equal(result.code, 2);
      assertOneSentence(result, /The environment variable ALL_PROXY names a SOCKS proxy, which peal does not speak/);
      assert.ok(!result.stderr.includes(canary));
    });
  });

  it('ends with 4 and one sentence when the proxy refuses', async () => {
    proxy = await ConnectProxy.open({ login: 'me:right' });
    const result = await runCommand(fixture.send(tokens), { env: { PEAL_PROXY: proxy.url(`me:${canary}`) } });
    assert.equal(result.code, 4);
    assertOneSentence(result, /The proxy localhost:\d+ refuses its user or password \(407\)/);
    assert.ok(!`${result.stdout}${result.stderr}`.includes(canary));
    assert.equal((await fixture.outputLines('unsent.txt')).length, 50);
  });

  it('ends with 2 for a password on the command line, and for a URL that is none, without quoting either', async () => {
    const wrong: [string[], Record<string, string>, RegExp][] = [
      [
        ['--proxy', `http://me:${canary}@localhost:1`],
        {},
        /--proxy: a user and password on the command line can be read by others/,
      ],
      [['--proxy', canary], {}, /--proxy: The URL of the proxy must be http:\/\/HOST:PORT/],
      [[], { PEAL_PROXY: `socks5://me:${canary}@localhost:1` }, /PEAL_PROXY: The URL of the proxy must be/],
    ];
    for (const [args, env, message] of wrong) {
      const result = await runCommand(fixture.send(tokens, { with: args }), { env });
      assert.equal(result.code, 2);
      assertOneSentence(result, message);
      assert.ok(!`${result.stdout}${result.stderr}`.includes(canary));
    }
    assert.equal(fixture.simulator.ledger.summary().requests, 0);
  });
});
