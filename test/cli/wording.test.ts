import assert from 'node:assert/strict';
import { PealError } from '../../src/base/errors.js';
import { either, option, theOption } from '../../src/base/wording.js';
import { sendOptionGroups } from '../../src/cli/send-options.js';
import { commandMessage, flagWords, inFlagWords } from '../../src/cli/wording.js';

const said = (message: string): string =>
  commandMessage(new PealError('ERR_PEAL_OPTION', message, { origin: 'usage' }));

describe('words of the command line', () => {
  it('are flags', () => {
    assert.equal(said(`${theOption('collapseId')} is wrong.`), '--collapse-id is wrong.');
    assert.equal(said(`${theOption('retry.timeMs')} and ${option('pins')}.`), '--retry-time and --pin.');
    assert.equal(said(`${theOption('payload.aps.badge')} is wrong.`), '--payload: aps.badge is wrong.');
    assert.equal(said(`${theOption('pins[2]')} is wrong.`), '--pin (value 3) is wrong.');
    assert.equal(said(`Give ${either('{ seconds: 3600 }', '1h')}.`), 'Give 1h.');
  });

  it('can be a command’s own', () => {
    const error = new PealError('ERR_PEAL_CREDENTIAL', `${theOption('key')} is empty.`, { origin: 'credential' });
    assert.equal(commandMessage(error), '--key is empty.');
    const own = inFlagWords(error, { key: '--cert-key' });
    assert.deepEqual(
      [own.message, own.code, own.origin],
      ['--cert-key is empty.', 'ERR_PEAL_CREDENTIAL', 'credential'],
    );
  });

  it('name flags that exist for what a message, a send and a session take', () => {
    const known = sendOptionGroups().flatMap(({ options }) => options.map(({ long }) => long));
    const paths = ['alert', 'alert.title', 'alert.body', 'payload', 'badge', 'sound', 'topic', 'pushType', 'priority'];
    const others = ['expiration', 'expiry', 'collapseId', 'ca', 'pins', 'maxConnections', 'threads', 'address'];
    const sending = ['retry', 'retry.attempts', 'retry.timeMs', 'onUnknown', 'stopAtBadTokens'];
    for (const path of [...paths, ...others, ...sending]) {
      assert.ok(known.includes(flagWords().option(path, '')), path);
    }
  });
});
