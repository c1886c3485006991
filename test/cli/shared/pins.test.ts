/** Pinned keys on the command line: `--pin` and PEAL_PIN. */
import assert from 'node:assert/strict';
import { createHash, randomBytes, type X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { pinOf } from '../../../src/transport/chain-pins.js';
import { runCommand } from '../../support/command.js';
import { assertOneSentence, Fixture, randomTokens } from '../fixture.js';

const strange = `sha256/${createHash('sha256').update(randomBytes(8)).digest('base64')}`;

describe('peal send and peal feedback with pinned keys', () => {
  let fixture: Fixture;
  let tokens: string;
  let pin: string;

  before(async () => {
    fixture = await Fixture.open({ auth: 'any', feedbackPort: 0 });
    tokens = await fixture.write('tokens.txt', randomTokens(20).join('\n'));
    pin = pinOf(await certificateOf(fixture));
  });

  after(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  it('sends to a gateway with one of them, given by option or environment', async () => {
    const several = ['--pin', strange, '--pin', pin];
    for (const [args, env] of [
      [several, {}],
      [[], { PEAL_PIN: `${strange} ${pin}` }],
      [['--pin', pin], { PEAL_PIN: strange }],
      [['--pin', pin], { PEAL_PIN: '' }],
    ] as const) {
      const { code, stderr } = await runCommand(fixture.send(tokens, { with: args }), { env });
      assert.equal(code, 0, stderr);
    }
  });

  it('ends with 4 and the pins of the gateway where none matches', async () => {
    for (const [args, env] of [
      [['--pin', strange], {}],
      [[], { PEAL_PIN: strange }],
    ] as const) {
      const result = await runCommand(fixture.send(tokens, { with: args }), { env });
      assert.equal(result.code, 4);
      assertOneSentence(result, /None of the pinned keys is in the certificate chain of/);
      assert.ok(result.stderr.includes(pin));
      assert.equal((await fixture.outputLines('unsent.txt')).length, 20);
    }
  });

  it('ends with 2 for what is no pin, and names where it stood', async () => {
    const result = await runCommand(fixture.send(tokens, { with: ['--pin', pin, '--pin', 'sha256/short'] }));
    assert.equal(result.code, 2);
    assertOneSentence(result, /--pin: pin 2 of 2 is not valid. Expected sha256\//);
    const byEnvironment = await runCommand(fixture.send(tokens), { env: { PEAL_PIN: 'secret' } });
    assert.equal(byEnvironment.code, 2);
    assertOneSentence(byEnvironment, /PEAL_PIN: pin 1 of 1 is not valid/);
    assert.ok(!byEnvironment.stderr.includes('secret'));
  });

  it('holds for peal feedback', async () => {
    const gateway = ['--gateway', fixture.simulator.feedbackUrl!, '--ca', fixture.path('ca.pem')];
    const read = (pinned: string) => runCommand(['feedback', ...gateway, '--pin', pinned]);
    assert.equal((await read(pin)).code, 0);
    const refused = await read(strange);
    assert.equal(refused.code, 4);
    assert.match(refused.stderr, /None of the pinned keys/);
  });
});

function certificateOf({ simulator }: Fixture): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: simulator.port, ca: simulator.caCertificate! }, () => {
      resolve(socket.getPeerX509Certificate()!);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
