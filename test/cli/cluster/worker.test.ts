/** `peal worker`: what it refuses, and at which gateways it uses its credential. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
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
    [['--redis', 'redis+sentinel://127.0.0.1:9/x'], /--redis or PEAL_REDIS must be a URL redis:\/\/HOST:PORT/],
    [['--redis', 'postgres://127.0.0.1:9/x'], /--redis or PEAL_REDIS must be a URL redis:\/\/HOST:PORT/],
    [['--redis', 'redis://127.0.0.1:9', '--redis-ca', import.meta.filename], /--redis-ca goes with a URL rediss:/],
    [['--redis', 'rediss://127.0.0.1:9', '--redis-ca', import.meta.filename], /holds no certificate in PEM/],
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
    return openWorkerCredentials({ slots: 1, threads: 0, quiet: true, ...flags }, session, terminal as never, {
      share: (credential) => credential,
      shareAccess: (credential) => credential,
    });
  }

  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const account = JSON.stringify({
    client_email: 'sender@my-app.iam.gserviceaccount.com',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  });

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

  it('sends for the project of the campaign, through FCM and the stand-ins that it was told, and nowhere else', async () => {
    const gateway = ['fcm://127.0.0.1:8445', 'https://127.0.0.1:8443'];
    const credentials = await open({ gateway, slots: 1 }, { PEAL_SERVICE_ACCOUNT: account });
    for (const place of ['fcm://fcm.googleapis.com', 'fcm://127.0.0.1:8445']) {
      const { address, credential, rate } = await credentials.gatewayOf(definition(`${place}/other-project`));
      assert.deepEqual([address.project, credential.kind, rate], ['other-project', 'token', null]);
    }
    await assert.rejects(credentials.gatewayOf(definition('fcm://gateway.example/other-project')), {
      code: 'ERR_PEAL_ADDRESS',
      retryable: false,
      message: /fcm:\/\/gateway\.example:?\d*\/other-project, where this worker does not use its credential/,
    });
    assert.equal((await credentials.gatewayOf(definition('https://127.0.0.1:8443'))).credential.kind, 'none');
  });

  it('without a service account stops campaigns for FCM, and with one those for Apple', async () => {
    const without = await open({});
    for (const place of ['fcm://fcm.googleapis.com', 'fcm://127.0.0.1:8445']) {
      await assert.rejects(without.gatewayOf(definition(`${place}/project`)), {
        code: 'ERR_PEAL_CREDENTIAL',
        message: /started without a credential of FCM: give it --service-account FILE/,
      });
    }
    const credentials = await open({ serviceAccount: 'env:ACCOUNT' }, { ACCOUNT: account });
    await assert.rejects(credentials.gatewayOf(definition('https://api.push.apple.com')), {
      code: 'ERR_PEAL_CREDENTIAL',
      message: /started without a credential of APNs: give it --key/,
    });
  });

  it('refuses a service account that is none, and a gateway of FCM without one, before it begins', async () => {
    await assert.rejects(open({ serviceAccount: 'env:ACCOUNT' }, { ACCOUNT: '{"project_info":{},"client":[]}' }), {
      code: 'ERR_PEAL_CREDENTIAL',
      message: /is google-services\.json, which belongs into an Android app/,
    });
    await assert.rejects(open({ gateway: ['fcm://127.0.0.1:8445'] }), {
      code: 'ERR_PEAL_OPTION',
      message: /--gateway fcm:\/\/… needs --service-account FILE/,
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
