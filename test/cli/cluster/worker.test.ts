/** `peal worker`: what it refuses, and at which gateways it uses its credential. */
import assert from 'node:assert/strict';
import { openWorkerCredentials } from '../../../src/cli/cluster/worker-credentials.js';
import type { WorkerFlags } from '../../../src/cli/cluster/worker-options.js';
import type { CampaignDefinition } from '../../../src/cluster/store/cluster-store.js';
import { Session } from '../../../src/index.js';
import { createThrowAwayProviderKey } from '../../../src/simulator/index.js';
import { runCommand } from '../../support/command.js';

describe('peal worker', () => {
  for (const [args, sentence] of [
    [[], /no cluster is given\. Give --redis/],
    [['--redis', 'redis://127.0.0.1:9'], /Redis at 127\.0\.0\.1:9 .*/],
    [['--redis', 'redis://u:p@127.0.0.1:9'], /every user of this machine can read the command line/],
    [['--redis', 'redis://127.0.0.1:9', '--name', 'a b'], /--name: a name has 1 to 100 letters/],
    [['--redis', 'redis://127.0.0.1:9', '--slots', '0'], /whole number from 1 to 64/],
    [['--redis', 'redis://127.0.0.1:9', '--metrics-host', '::1'], /--metrics-host goes with --metrics-port/],
    [
      ['--redis', 'redis://127.0.0.1:9', '--credentials', 'redis://u:p@h'],
      /--credentials: a password on the command line/,
    ],
    [
      ['--redis', 'redis://127.0.0.1:9', '--credentials', 'env:', '--cert', 'c.pem'],
      /leave --key, --cert and --pfx out/,
    ],
  ] as const) {
    it(`refuses ${args.join(' ') || 'to begin without a cluster'}`, async () => {
      const { code, stderr } = await runCommand(['worker', ...args]);
      assert.ok(code === 2 || code === 4, `${code} ${stderr}`);
      assert.match(stderr, sentence);
      assert.doesNotMatch(stderr, /u:p/);
    });
  }

  const definition = (gateway: string, app: string | null = null): CampaignDefinition => {
    const message = { tokens: [], payload: '{}', headers: {}, attempt: 1 };
    return { version: 1, id: '0'.repeat(32), title: 't', gateway, app, message, send: {} };
  };

  async function open(flags: Partial<WorkerFlags>, env: Record<string, string> = {}) {
    const terminal = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env };
    const session = new Session();
    return openWorkerCredentials(
      { slots: 1, threads: 0, quiet: true, ...flags },
      session,
      terminal as never,
      (credential) => credential,
    );
  }

  it('uses its credential at the gateways of Apple and at those that it was told, and nowhere else', async () => {
    const { p8, keyId, teamId } = createThrowAwayProviderKey();
    const credentials = await open({ key: 'env:KEY', keyId, teamId, gateway: ['https://127.0.0.1:8443'] }, { KEY: p8 });
    for (const gateway of ['https://api.push.apple.com', 'https://127.0.0.1:8443']) {
      assert.equal((await credentials.gatewayOf(definition(gateway))).credential.kind, 'token');
    }
    await assert.rejects(credentials.gatewayOf(definition('https://gateway.example')), {
      code: 'ERR_PEAL_ADDRESS',
      retryable: false,
    });
  });

  it('without a credential goes to every gateway but those of Apple', async () => {
    const credentials = await open({});
    assert.equal((await credentials.gatewayOf(definition('https://127.0.0.1:8443'))).credential.kind, 'none');
    await assert.rejects(credentials.gatewayOf(definition('https://api.push.apple.com')), {
      code: 'ERR_PEAL_CREDENTIAL',
      message: /started without a credential/,
    });
  });

  it('takes the credential of the app that the campaign names', async () => {
    const credentials = await open({ credentials: 'env:' });
    await assert.rejects(credentials.gatewayOf(definition('https://api.push.apple.com')), { message: /names no app/ });
    await assert.rejects(credentials.gatewayOf(definition('https://api.push.apple.com', 'com.example.app')), {
      code: 'ERR_PEAL_CREDENTIAL',
      message: /com\.example\.app/,
    });
    await credentials.close();
  });
});
