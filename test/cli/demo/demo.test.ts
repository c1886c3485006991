/** `peal demo` end to end, in a few tokens. */
import assert from 'node:assert/strict';
import { runCommand } from '../../support/command.js';

describe('peal demo', () => {
  it('ends with 0 when both books agree, whatever the environment says of proxies, pins and passphrases', async () => {
    const others = { PEAL_PIN: 'none', PEAL_PASSPHRASE: 'of another key' };
    const env = { PEAL_PROXY: 'http://127.0.0.1:1', ALL_PROXY: 'socks5://proxy:1080', no_proxy: 'x', ...others };
    const { code, stdout, stderr } = await runCommand(['demo', '--tokens', '200', '--threads', '0'], { env });
    assert.equal(code, 0, `${stdout}${stderr}`);
  });
});
