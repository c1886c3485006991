/** `peal doctor` against gateways in order, and what a gateway refuses. */
import assert from 'node:assert/strict';
import { systemClock } from '../../../src/base/clock.js';
import { createThrowAwayProviderKey, ThrowAwayAuthority } from '../../../src/simulator/listen/certificate.js';
import { startSimulator } from '../../../src/simulator/simulator.js';
import { runCommand } from '../../support/command.js';
import { LoopbackTimeServer } from '../../support/time-server.js';
import { Fixture, topic } from '../fixture.js';
import { type Examined, examine, statesOf } from './doctor-fixture.js';

const hourMs = 3_600_000;

describe('peal doctor', () => {
  let fixture: Fixture;

  before(async () => {
    fixture = await Fixture.open({ fcm: true, ledger: 'full' });
    await fixture.write('account.json', JSON.stringify(fixture.simulator.fcm!.serviceAccount));
  });
  beforeEach(() => {
    fixture.simulator.ledger.reset();
    fixture.simulator.fcm!.reset();
  });
  after(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  const fcm = (): string[] => [
    ...['--provider', 'fcm', '--service-account', fixture.path('account.json')],
    ...['--gateway', fixture.simulator.fcm!.url, '--ca', fixture.path('ca.pem')],
  ];

  describe('with everything in order', () => {
    it('finds so with a key, and delivers nothing', async () => {
      await using time = await LoopbackTimeServer.open();
      const args = [...fixture.gateway, ...fixture.credential, '--topic', topic, '--time-server', time.name];
      const run = await examine(args, { secrets: [fixture.providerKey.p8.split('\n')[1]!] });
      assert.equal(run.code, 0);
      assert.deepEqual(statesOf(run), {
        ...{ key: 'ok', topic: 'ok', trust: 'ok', clock: 'ok', name: 'ok', connection: 'ok', tls: 'ok', alpn: 'ok' },
        ...{ http2: 'ok', push: 'ok' },
      });
      assert.match(run.step('push').found, /accepts the credential \(400 BadDeviceToken/);
      assert.match(run.step('http2').found, /^1 request at a time until the first push, round trip [\d.]+ ms$/);
      const { requests, accepted } = fixture.simulator.ledger.summary();
      assert.deepEqual([requests, accepted], [1, 0]);
    });

    it('finds so with a certificate, and says what it is for and how long', async () => {
      const authority = new ThrowAwayAuthority();
      const client = authority.issueClient(topic, { topics: [topic, `${topic}.voip`] });
      const cert = await fixture.write('client.pem', client.cert + client.key);
      await using simulator = await startSimulator({ auth: 'certificate', clientCa: authority.certificate });
      const ca = await fixture.write('cert-ca.pem', simulator.caCertificate!);
      const run = await examine(['--gateway', simulator.url, '--ca', ca, '--cert', cert, '--topic', topic]);
      assert.equal(run.code, 0, run.stdout);
      assert.deepEqual(run.failed, []);
      const { found, details } = run.step('certificate');
      assert.match(
        found,
        /CN=Apple Push Services: com\.example\.app; for com\.example\.app, com\.example\.app\.voip; sandbox/,
      );
      assert.match(found, /valid until \d{4}-\d\d-\d\d \((?:89|90) days\)$/);
      assert.deepEqual(details.topics, [topic, `${topic}.voip`]);
      assert.match(run.step('push').found, /accepts the credential/);
    });

    it('finds so with FCM, which only checks a message', async () => {
      const { private_key: secret } = fixture.simulator.fcm!.serviceAccount;
      const run = await examine(fcm(), { secrets: [secret.split('\n')[1]!, 'ya29'] });
      assert.equal(run.code, 0, run.stdout);
      assert.deepEqual(statesOf(run), {
        ...{
          'service-account': 'ok',
          trust: 'ok',
          clock: 'skipped',
          name: 'ok',
          connection: 'ok',
          tls: 'ok',
          alpn: 'ok',
        },
        ...{ http2: 'ok', 'access-token': 'ok', push: 'ok' },
      });
      assert.match(
        run.step('push').found,
        /^the gateway accepts a message for the project \S+, which it only checked$/,
      );
      const [received, ...more] = fixture.simulator.fcm!.ledger.received();
      assert.equal(more.length, 0);
      assert.equal((JSON.parse(received!.payload) as { validate_only: unknown }).validate_only, true);
    });

    it('finds so with a gateway of the binary protocol', async () => {
      const authority = new ThrowAwayAuthority();
      const client = authority.issueClient(topic);
      const cert = await fixture.write('binary.pem', client.cert + client.key);
      const options = { auth: 'certificate', clientCa: authority.certificate, binaryPort: 0 } as const;
      await using simulator = await startSimulator(options);
      const ca = await fixture.write('binary-ca.pem', simulator.caCertificate!);
      const run = await examine(['--gateway', simulator.binaryUrl!, '--ca', ca, '--cert', cert]);
      assert.equal(run.code, 0, run.stdout);
      assert.match(run.step('push').found, /^the gateway accepts the certificate \(status 2/);
      assert.equal(run.step('alpn').state, 'skipped');
      assert.equal(simulator.ledger.summary().accepted, 0);
    });

    it('looks at both services in one run where the credentials of both are given', async () => {
      const { keyId, teamId } = fixture.providerKey;
      const settings = { key: 'key.p8', keyId, teamId, topic, ca: 'ca.pem', gateway: fixture.simulator.url };
      const ofFcm = { serviceAccount: 'account.json', fcmGateway: fixture.simulator.fcm!.url };
      await fixture.write('both.json', JSON.stringify({ ...settings, ...ofFcm }));
      const config = ['--config', fixture.path('both.json')];
      const both = await examine(config);
      assert.equal(both.code, 0, both.stdout);
      const order = (run: Examined): string[] =>
        run.steps.slice(3).map(({ service, step, state }) => `${service ?? ''} ${step} ${state}`);
      const before = ['apns key ok', 'apns topic ok'];
      const network = ['name', 'connection', 'tls', 'alpn', 'http2'];
      const ways = {
        apns: [...network, 'push'].map((step) => `apns ${step} ok`),
        fcm: [...network, 'access-token', 'push'].map((step) => `fcm ${step} ok`),
      };
      const shared = [' trust ok', ' clock skipped'];
      assert.deepEqual(order(both), [...before, 'fcm service-account ok', ...shared, ...ways.apns, ...ways.fcm]);
      assert.match(both.step('push', 'apns').found, /accepts the credential/);
      assert.match(both.step('push', 'fcm').found, /accepts a message for the project/);
      const asked = await examine([...config, '--provider', 'both']);
      assert.deepEqual(order(asked), order(both));
      // One service alone, with the steps in the same order.
      const apns = await examine([...config, '--provider', 'apns']);
      assert.deepEqual(order(apns), [...before, ...shared, ...ways.apns]);
      const fcmAlone = await examine([...config, '--provider', 'fcm']);
      assert.deepEqual(order(fcmAlone), ['fcm service-account ok', ...shared, ...ways.fcm]);
      assert.equal(fixture.simulator.ledger.summary().accepted, 0);
      const text = await runCommand(['doctor', ...config]);
      assert.match(text.stdout, /^ok {7}APNs {2}key {11}key /m);
      assert.match(text.stdout, /^ok {7}FCM {3}access token {2}/m);
    });

    it('goes on with the other service where one fails', async () => {
      const account = await fixture.write('no-account.json', '{}');
      const ofFcm = ['--service-account', account, '--fcm-gateway', fixture.simulator.fcm!.url];
      const run = await examine([...fixture.gateway, ...fixture.credential, '--topic', topic, ...ofFcm]);
      assert.deepEqual([run.code, run.failed], [5, ['service-account']], run.stdout);
      assert.deepEqual([run.step('push', 'apns').state, run.step('push', 'fcm').state], ['ok', 'skipped']);
      assert.equal(run.step('tls', 'fcm').state, 'ok');
      const missing = await examine([...fixture.credential, '--provider', 'both', '--offline']);
      assert.deepEqual([missing.code, missing.failed], [2, ['service-account']], missing.stdout);
    });

    it('takes one service for the only one where nothing of the other is given', async () => {
      const services = async (...args: string[]): Promise<unknown[]> => {
        const { steps } = await examine([...args, '--offline']);
        return [...new Set(steps.map(({ service }) => service))];
      };
      const account = ['--service-account', fixture.path('account.json')];
      assert.deepEqual(await services(), [null, 'apns']);
      assert.deepEqual(await services(...fixture.credential), [null, 'apns']);
      assert.deepEqual(await services(...account), [null, 'fcm']);
      assert.deepEqual(await services(...account, '--gateway', 'fcm://localhost'), [null, 'fcm']);
      assert.deepEqual(await services(...account, '--environment', 'sandbox'), [null, 'apns', 'fcm']);
      assert.deepEqual(await services(...account, ...fixture.credential, '--gateway', 'fcm'), [null, 'apns', 'fcm']);
    });

    it('leaves the credential of the other service aside where the service is named', async () => {
      const account = ['--service-account', fixture.path('account.json')];
      const apns = await examine([...fixture.credential, ...account, '--provider', 'apns', '--offline']);
      assert.deepEqual([apns.code, apns.step('service-account').state, apns.step('key').state], [0, 'skipped', 'ok']);
      const both = await examine([...fcm(), ...fixture.credential, '--topic', topic]);
      assert.deepEqual([both.code, both.step('service-account').state, both.step('key').state], [0, 'ok', 'skipped']);
    });

    it('says that no credential was asked for where none is given', async () => {
      await using simulator = await startSimulator({ binaryPort: 0 });
      const ca = ['--ca', await fixture.write('open-ca.pem', simulator.caCertificate!)];
      const run = await examine(['--gateway', simulator.url, ...ca, '--topic', topic]);
      assert.deepEqual([run.code, run.step('key').state], [0, 'skipped'], run.stdout);
      assert.equal(
        run.step('push').found,
        'no credential is given, and the gateway asked for none (400 BadDeviceToken to a token that cannot exist)',
      );
      const binary = await examine(['--gateway', simulator.binaryUrl!, ...ca]);
      assert.equal(binary.code, 0, binary.stdout);
      assert.match(
        binary.step('push').found,
        /^no certificate is given, and the gateway asked for none \(status 2 to a notification without a token\)$/,
      );
    });

    it('says which configuration file and which variables it uses, and which have no effect', async () => {
      const { keyId, teamId } = fixture.providerKey;
      await fixture.write('peal.config.json', JSON.stringify({ key: 'key.p8', keyId, teamId, topic, ca: 'ca.pem' }));
      const env = { PEAL_GATEWAY: fixture.simulator.url, PEAL_TEAMID: 'x' };
      const run = await examine([], { env, cwd: fixture.folder });
      assert.deepEqual([run.code, run.step('push').state], [0, 'ok'], run.stdout);
      const { state, found, advice, details } = run.step('settings');
      assert.equal(state, 'warning');
      assert.equal(found, 'the configuration file is peal.config.json; 6 options from it and the environment');
      assert.match(
        advice!,
        /^There is no variable PEAL_TEAMID \(did you mean PEAL_TEAM_ID\?\), so it has no effect\. Correct the name, or unset it\.$/,
      );
      assert.ok((details.sources as string[]).includes('--gateway is from PEAL_GATEWAY'));
      const none = await examine(['--config', 'none'], { cwd: fixture.folder });
      assert.equal(none.step('settings').found, 'no configuration file');
    });

    it('looks at this machine alone without a gateway, and opens nothing with --offline', async () => {
      const alone = await examine(fixture.credential);
      assert.equal(alone.code, 0);
      assert.match(alone.step('push').found, /^no gateway is given: --environment production/);
      const before = fixture.simulator.ledger.summary().connections;
      const offline = await examine([...fixture.gateway, ...fixture.credential, '--topic', topic, '--offline']);
      assert.equal(offline.code, 0);
      for (const name of ['clock', 'name', 'connection', 'tls', 'push']) {
        assert.equal(offline.step(name).found, 'nothing is opened with --offline');
      }
      assert.equal(fixture.simulator.ledger.summary().connections, before);
    });
  });

  describe('says what the gateway refuses:', () => {
    const withKey = (...more: string[]): string[] => [...fixture.gateway, ...fixture.credential, ...more];

    it('the id of another team', async () => {
      const { keyId } = fixture.providerKey;
      const key = ['--key', fixture.path('key.p8'), '--key-id', keyId, '--team-id', 'OTHERTEAM1'];
      const run = await examine([...fixture.gateway, ...key, '--topic', topic]);
      assert.equal(run.code, 5);
      assert.deepEqual(run.failed, ['push']);
      assert.match(run.step('push').found, /403 InvalidProviderToken/);
      assert.match(run.step('push').advice!, /the key id and the team id belong together/);
    });

    it('a topic of somebody else, and one that it does not know as such', async () => {
      const run = await examine(withKey('--topic', 'com.example.other'));
      assert.deepEqual([run.code, run.failed], [5, ['push']]);
      assert.match(run.step('push').found, /400 TopicDisallowed/);
      const missing = await examine(withKey());
      assert.deepEqual([missing.code, missing.failed], [2, ['push']]);
      assert.match(missing.step('push').found, /400 MissingTopic/);
    });

    it('a key that is restricted to the other environment', async () => {
      const { keyId, teamId, publicKey, p8 } = createThrowAwayProviderKey();
      const providerKeys = [{ keyId, teamId, publicKey, environment: 'production' as const }];
      await using simulator = await startSimulator({ auth: 'token', environment: 'sandbox', providerKeys });
      const files = [
        await fixture.write('bound.p8', p8),
        await fixture.write('bound-ca.pem', simulator.caCertificate!),
      ];
      const key = ['--key', files[0]!, '--key-id', keyId, '--team-id', teamId];
      const run = await examine(['--gateway', simulator.url, '--ca', files[1]!, ...key, '--topic', topic]);
      assert.deepEqual([run.code, run.failed], [5, ['push']]);
      assert.match(
        run.step('push').advice!,
        /Use the other gateway or a key for this one|restricted to the other environment/,
      );
    });

    it('a push without a credential', async () => {
      const run = await examine([...fixture.gateway, '--topic', topic]);
      assert.deepEqual([run.code, run.failed], [5, ['push']]);
      assert.match(run.step('push').found, /403 MissingProviderToken/);
    });

    it('a client certificate of another authority, with its reason or without a word', async () => {
      const client = new ThrowAwayAuthority().issueClient(topic);
      const cert = await fixture.write('stranger.pem', client.cert + client.key);
      const clientCa = new ThrowAwayAuthority().certificate;
      for (const [auth, code, found, advice] of [
        ['either', 5, /refuses this credential \(GOAWAY BadCertificate\)/, /^Check certificate or key and environment/],
        ['certificate', 4, /closed the connection/, /do not know a client certificate/],
      ] as const) {
        await using simulator = await startSimulator({ auth, clientCa });
        const ca = await fixture.write('stranger-ca.pem', simulator.caCertificate!);
        const run = await examine(['--gateway', simulator.url, '--ca', ca, '--cert', cert, '--topic', topic]);
        assert.deepEqual([run.code, run.failed], [code, ['http2']], run.stdout);
        assert.match(run.step('http2').found, found);
        assert.match(run.step('http2').advice!, advice);
        assert.equal(run.step('push').state, 'skipped');
      }
    });

    it('a service account that is disabled, and one of another project', async () => {
      const { serviceAccount } = fixture.simulator.fcm!;
      const serviceAccounts = [{ ...serviceAccount, state: 'disabled' as const }];
      await using simulator = await startSimulator({ fcm: { serviceAccounts } });
      const { tokenUrl } = simulator.fcm!;
      const account = await fixture.write('disabled.json', JSON.stringify({ ...serviceAccount, token_uri: tokenUrl }));
      const ca = await fixture.write('fcm-ca.pem', simulator.caCertificate!);
      const gateway = ['--provider', 'fcm', '--gateway', simulator.fcm!.url, '--ca', ca];
      const disabled = await examine([...gateway, '--service-account', account]);
      assert.deepEqual([disabled.code, disabled.failed], [5, ['access-token']], disabled.stdout);
      assert.match(disabled.step('access-token').advice!, /nable it in the Google Cloud console/);
      assert.equal(disabled.step('push').state, 'skipped');
      const other = await examine([...fcm(), '--project', 'another-project']);
      assert.deepEqual([other.code, other.failed], [5, ['push']]);
      assert.match(other.step('push').advice!, /check the project id/);
    });
  });

  describe('says that the clock is wrong', () => {
    for (const [aheadMs, way] of [
      [hourMs, 'slow'],
      [-hourMs, 'fast'],
    ] as const) {
      it(`by an hour (${way}): a time server says so, and the gateway refuses the provider token`, async () => {
        const { keyId, teamId, publicKey } = fixture.providerKey;
        const providerKeys = [{ keyId, teamId, publicKey }];
        // This machine's clock is off where everybody else's is off the other way.
        const clock = { ...systemClock, wallMs: () => Date.now() + aheadMs + Math.sign(aheadMs) * 1_000 };
        await using simulator = await startSimulator({ auth: 'token', providerKeys, clock });
        await using time = await LoopbackTimeServer.open({ aheadMs });
        const cert = await fixture.write('clock-ca.pem', simulator.caCertificate!);
        const gateway = ['--gateway', simulator.url, '--ca', cert, ...fixture.credential, '--topic', topic];
        const run = await examine([...gateway, '--time-server', time.name]);
        assert.equal(run.code, 5);
        assert.deepEqual(run.failed, ['clock', 'push']);
        assert.match(
          run.step('clock').found,
          new RegExp(`^(?:1 hour|59 minutes 5\\d seconds) ${way}, by 127\\.0\\.0\\.1$`),
        );
        assert.match(run.step('clock').advice!, way === 'slow' ? /^Set it forward by/ : /^Set it back by/);
        const reason = way === 'slow' ? 'ExpiredProviderToken' : 'InvalidProviderToken';
        assert.match(run.step('push').found, new RegExp(`403 ${reason}`));
        assert.match(run.step('push').advice!, /The clock of this machine is wrong, as said above: set it first\.$/);
        const untold = await examine(gateway);
        assert.deepEqual([untold.code, untold.failed], [5, ['push']]);
        assert.match(untold.step('push').advice!, /clock/);
      });
    }
  });

  it('refuses options that do not go together with 2, before it looks at anything', async () => {
    const wrong: [string[], RegExp][] = [
      [['--key', 'k.p8'], /--key needs --key-id and --team-id/],
      [['--provider', 'fcm', '--gateway', 'https://localhost'], /not Google's/],
      [['--gateway', 'feedback://localhost:2196'], /this is a feedback gateway/],
      [['--gateway', 'binary://localhost:2195', '--topic', 'a.b'], /--topic does not go with a binary gateway/],
      [['--gateway', 'nowhere'], /nowhere/],
      [['--provider', 'fcm', '--fcm-gateway', 'fcm://h'], /--fcm-gateway does not go with --provider fcm/],
      [['--provider', 'apns', '--fcm-gateway', 'fcm://h'], /--fcm-gateway is for FCM/],
      [['--time-server', 'a b'], /HOST or HOST:PORT/],
      [['--proxy', 'ftp://x'], /--proxy: The URL of the proxy must be/],
    ];
    for (const [args, message] of wrong) {
      const { code, stdout, stderr } = await runCommand(['doctor', ...args]);
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.match(stderr, message);
    }
  });
});
