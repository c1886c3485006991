/** `peal send` through an HTTP proxy, and what can be wrong with that. */
import assert from 'node:assert/strict';
import { runCommand } from '../support/command.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { assertOneSentence, Fixture, randomTokens } from './fixture.js';

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
      [['--proxy', `http://me:${canary}@localhost:1`], {}, /--proxy: no user and password on the command line/],
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
