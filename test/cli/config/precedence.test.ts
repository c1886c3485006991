/** Which source has precedence, and what is left out beside it. */
import assert from 'node:assert/strict';
import { runCommand } from '../../support/command.js';
import { ConfigFolder } from './config-folder.js';

describe('the precedence of settings', () => {
  let folder: ConfigFolder;

  before(() => {
    folder = new ConfigFolder();
  });
  after(() => folder[Symbol.dispose]());

  const everywhere = 'topic: top\nsend:\n  topic: section\n';

  it('is command line, variable of the command, variable, section, top', async () => {
    const all = { PEAL_TOPIC: 'variable', PEAL_SEND_TOPIC: 'of-command' };
    const topicOf = async (line: readonly string[], env: Record<string, string>, text = everywhere): Promise<unknown> =>
      (await folder.values(text, ['send', ...line], env))['--topic'];
    assert.equal(await topicOf(['--topic', 'flag'], all), 'flag');
    assert.equal(await topicOf(['--topic=flag'], all), 'flag');
    assert.equal(await topicOf([], all), 'of-command');
    assert.equal(await topicOf([], { PEAL_TOPIC: 'variable' }), 'variable');
    assert.equal(await topicOf([], {}), 'section');
    assert.equal(await topicOf([], {}, 'topic: top\n'), 'top');
    assert.equal(await topicOf([], {}, 'metricsPort: 1\n'), undefined);
  });

  it('puts the section of an action before that of its command', async () => {
    const text = 'bundleId: a\nchannels:\n  bundleId: b\n  create:\n    bundleId: c\n    count: 3\n';
    const create = await folder.values(text, ['channels', 'create']);
    assert.deepEqual(create, { '--bundle-id': 'c', '--count': '3' });
    assert.deepEqual(await folder.values(text, ['channels', 'list']), { '--bundle-id': 'b' });
    assert.deepEqual(await folder.values(text, ['broadcast']), { '--bundle-id': 'a' });
  });

  it('says where each value comes from, defaults included, and why another does not hold', async () => {
    const { settings, leftOut } = await folder.print('topic: a\nsend:\n\n  rate: 5/s\n', ['send', '--rate', '9/s'], {
      PEAL_RETRIES: '1',
    });
    const file = folder.path('settings.yaml');
    assert.deepEqual(settings, [
      { name: '--topic', value: 'a', source: 'file', from: `${file}, line 1`, file, line: 1 },
      { name: '--retries', value: '1', source: 'variable', from: 'PEAL_RETRIES' },
      { name: '--rate', value: '9/s', source: 'flag', from: 'the command line' },
      { name: '--threads', value: 'auto', source: 'default', from: 'default' },
    ]);
    assert.deepEqual(leftOut, [
      {
        ...{ name: '--rate', value: '5/s', source: 'file', from: `${file}, line 4`, file, line: 4 },
        why: 'the command line has precedence',
      },
    ]);
  });

  it('leaves out what cannot stand beside a setting with precedence, in both directions', async () => {
    const apple = 'environment: production\nkey: k.p8\nkeyId: A\nteamId: B\nsend:\n  alert: Hi\n  progress: 30s\n';
    const beside = async (line: readonly string[], env: Record<string, string> = {}): Promise<string[]> =>
      Object.keys(await folder.values(apple, ['send', ...line], env)).sort();
    const all = ['--alert', '--environment', '--key', '--key-id', '--progress', '--team-id'];
    assert.deepEqual(await beside([]), all);
    const without = (...names: string[]): string[] => all.filter((name) => !names.includes(name));
    assert.deepEqual(await beside(['--gateway', 'https://x']), [...without('--environment'), '--gateway'].sort());
    assert.deepEqual(
      await beside([], { PEAL_GATEWAY: 'https://x' }),
      [...without('--environment'), '--gateway'].sort(),
    );
    assert.deepEqual(await beside(['--cert', 'c']), [...without('--key', '--key-id', '--team-id'), '--cert'].sort());
    assert.deepEqual(await beside(['--payload', 'p']), [...without('--alert'), '--payload'].sort());
    assert.deepEqual(await beside(['--quiet']), [...without('--progress'), '--quiet'].sort());
  });

  it('takes the key from a variable and its ids from the file', async () => {
    const text = 'key: dev.p8\nkeyId: A\nteamId: B\n';
    const pem = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
    assert.deepEqual(await folder.values(text, ['send'], { PEAL_KEY: pem }), {
      '--key': 'env:PEAL_KEY',
      '--key-id': 'A',
      '--team-id': 'B',
    });
    const base64 = Buffer.from(pem.repeat(8)).toString('base64');
    assert.deepEqual(await folder.values('# nothing\n', ['send'], { PEAL_PFX: base64, PEAL_CA: '/etc/ca.pem\n' }), {
      '--pfx': 'env:PEAL_PFX',
      '--ca': '/etc/ca.pem',
    });
  });

  it('leaves out the key and the identity of a certificate in whose place another one holds', async () => {
    const text = 'cert: a.pem\ncertKey: a.key\nidentity: A\nmetricsHost: 0.0.0.0\n';
    assert.deepEqual(await folder.values(text, ['send', '--cert', 'b.pem']), { '--cert': 'b.pem' });
    assert.deepEqual(await folder.values(text, ['send', '--pfx', 'b.p12']), { '--pfx': 'b.p12' });
    assert.deepEqual(await folder.values('certKey: a.key\n', ['send', '--cert', 'b.pem']), {
      '--cert': 'b.pem',
      '--cert-key': folder.path('a.key'),
    });
    assert.deepEqual(await folder.values(text, ['send', '--metrics-port', '0', '--key', 'k']), {
      '--key': 'k',
      '--metrics-port': '0',
      '--metrics-host': '0.0.0.0',
    });
  });

  it('leaves out the settings of the service that a send does not go to', async () => {
    const text =
      'topic: t\nenvironment: sandbox\nkey: /k.p8\nkeyId: A\nteamId: B\nserviceAccount: /s.json\nfcmQuota: 1000\n';
    const names = async (...line: string[]): Promise<string[]> => Object.keys(await folder.values(text, line)).sort();
    const apns = ['--environment', '--key', '--key-id', '--team-id', '--topic'];
    assert.deepEqual(await names('send'), apns);
    assert.deepEqual(await names('send', '--provider', 'fcm'), ['--fcm-quota', '--provider', '--service-account']);
    assert.deepEqual(
      await names('send', '--platform-column', 'os'),
      [...apns, '--fcm-quota', '--platform-column', '--service-account'].sort(),
    );
    assert.deepEqual(await names('dispatch'), ['--environment', '--topic']);
    // The doctor looks at both, unless it is told one.
    assert.deepEqual(await names('doctor'), [...apns, '--service-account'].sort());
    assert.deepEqual(await names('doctor', '--provider', 'apns'), [...apns, '--provider'].sort());
    assert.deepEqual(await names('doctor', '--provider', 'fcm'), ['--provider', '--service-account']);
  });

  it('leaves out a gateway of the other service, which its address tells, and takes the one of FCM', async () => {
    const toFcm = ['send', '--provider', 'fcm'];
    const gateways = async (text: string, line: readonly string[], env = {}): Promise<Record<string, unknown>> => {
      const { '--provider': _, '--platform-column': __, ...values } = await folder.values(text, line, env);
      return values;
    };
    const apple = { PEAL_GATEWAY: 'https://h:8443' };
    assert.deepEqual(await gateways('gateway: api_sandbox', toFcm), {});
    assert.deepEqual(await gateways('gateway: fcm://h:2', toFcm), { '--gateway': 'fcm://h:2' });
    assert.deepEqual(await gateways('send: {gateway: fcm}', toFcm, apple), { '--gateway': 'fcm' });
    assert.deepEqual(await gateways('fcmGateway: fcm://h:2', toFcm, apple), { '--gateway': 'fcm://h:2' });
    assert.deepEqual(await gateways('fcmGateway: fcm://h:2', [...toFcm, '--gateway', 'fcm://h:3']), {
      '--gateway': 'fcm://h:3',
    });
    // What is left out takes the place of nothing.
    assert.deepEqual(await gateways('environment: sandbox', ['send'], { PEAL_GATEWAY: 'fcm://h:2' }), {
      '--environment': 'sandbox',
    });
    const both = { '--gateway': 'https://h:8443', '--fcm-gateway': 'fcm://h:2' };
    assert.deepEqual(await gateways('fcmGateway: fcm://h:2', ['send', '--platform-column', 'os'], apple), both);
    const { leftOut } = await folder.print('gateway: production', toFcm);
    assert.equal(leftOut![0]!.why, 'it is a gateway of APNs, and this goes to FCM');
    // On the command line it is a mistake.
    const flag = await runCommand([...toFcm, 'x', '--alert', 'Hi', '--gateway', 'https://h:1']);
    assert.equal(flag.code, 2);
    assert.match(flag.stderr, /--gateway: with --provider fcm it is fcm:\/\/HOST:PORT/);
  });

  it('sends nothing to Apple or Google where the address of a stand-in is one of the other service', async () => {
    const toFcm = ['--provider', 'fcm'];
    const cases: readonly (readonly [env: Record<string, string>, line: readonly string[], sentence: RegExp])[] = [
      [
        { PEAL_GATEWAY: 'https://h:8443' },
        toFcm,
        /--gateway \(PEAL_GATEWAY\) does not hold, because it is a gateway of APNs, and this goes to FCM: give the gateway, or --gateway fcm\./,
      ],
      [{ PEAL_GATEWAY: 'fcm://h:8443' }, [], /is a gateway of FCM, .* give the gateway, or --environment production\./],
    ];
    for (const [env, line, sentence] of cases) {
      for (const command of [
        ['send', 'list.csv', '--alert', 'Hi'],
        ['config', 'print', 'send'],
      ]) {
        const { code, stderr } = await runCommand([...command, ...line], { env });
        assert.equal(code, 2);
        assert.match(stderr, sentence);
      }
    }
    const said = await folder.values('gateway: https://h:1', ['send', ...toFcm, '--gateway', 'fcm']);
    assert.equal(said['--gateway'], 'fcm');
  });

  it('counts a variable that a command reads itself, and shows no secret of it', async () => {
    const text = 'proxy: http://file:1\nstore: file:/etc/peal\nkey: /k.p8\nkeyId: A\nteamId: B\n';
    const env = { PEAL_PROXY: 'http://user:Geheim@proxy:1', PEAL_CREDENTIALS: 'redis://:Geheim@h:1/2' };
    assert.deepEqual(await folder.values(text, ['serve'], env), {
      '--store': 'redis://****@h:1/2',
      '--proxy': 'http://****@proxy:1',
    });
    assert.deepEqual(
      await folder.values(text, ['serve', '--proxy', 'none'], env).then((values) => values['--proxy']),
      'none',
    );
    assert.deepEqual(await folder.values('serve: {store: "file:s"}\nkey: k\nkeyId: A\n', ['serve']), {
      '--store': `file:${folder.path('s')}`,
    });
  });

  it('shows no password that a URL should not have, and no key or account that stands in the place of a path', async () => {
    const key = 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg'.padEnd(184, 'Geheim');
    for (const [name, value] of [
      ['PEAL_REDIS', 'redis://:Ge/heim#x@h:6379'],
      ['PEAL_PROXY', 'user:Geheim@h:6379'],
      ['PEAL_PROXY', 'http://u:Ge?heim@h:1'],
      ['PEAL_CREDENTIALS', 'postgres://u@h/db?password=Geheim&sslpassword=Geheim'],
      ['PEAL_SERVICE_ACCOUNT', '"Geheim'],
      ['PEAL_KEY', key],
    ] as const) {
      const { code, stdout, stderr } = await runCommand(['config', 'print', '--json'], { env: { [name]: value } });
      assert.deepEqual([code, stderr], [0, '']);
      assert.doesNotMatch(stdout, /heim/, name);
    }
    const line = ['send', '--proxy', 'http://u:Ge/heim@h', '--key', key];
    assert.doesNotMatch(JSON.stringify(await folder.print('{}', line)), /heim/);
  });

  it('turns switches on and off, also against a source behind', async () => {
    const text = 'send:\n  json: true\n  header: true\nsimulate:\n  scripted: false\n';
    assert.deepEqual(await folder.values(text, ['send']), { '--json': true, '--header': true });
    assert.deepEqual(await folder.values(text, ['send', '--no-header'], { PEAL_JSON: '0' }), {
      '--json': false,
      '--header': false,
    });
    assert.deepEqual(await folder.values(text, ['send'], { PEAL_HEADER: 'FALSE' }), {
      '--json': true,
      '--header': false,
    });
    assert.deepEqual(await folder.values(text, ['simulate']), { '--no-scripted': false });
  });

  it('takes repeated options whole, from lines or JSON of a variable and from a list of the file', async () => {
    const pins = ['sha256/AAAA', 'sha256/BBBB'];
    assert.deepEqual((await folder.values(`pin: [${pins}]`, ['send']))['--pin'], pins);
    assert.equal((await folder.values(`pin: [${pins}]`, ['send', '--pin', 'x']))['--pin'], 'x');
    const tokens = 'send: {tokens: [a.csv, /b.csv, "-"]}\n';
    assert.deepEqual((await folder.values(tokens, ['send']))['--tokens'], [folder.path('a.csv'), '/b.csv', '-']);
    assert.deepEqual((await folder.values(tokens, ['send'], { PEAL_TOKENS: 'x.csv\ny z.csv\n' }))['--tokens'], [
      'x.csv',
      'y z.csv',
    ]);
    assert.deepEqual((await folder.values(tokens, ['send'], { PEAL_TOKENS: '["x","y"]' }))['--tokens'], ['x', 'y']);
    assert.equal((await folder.values(tokens, ['send', 'list.csv']))['--tokens'], undefined);
  });

  it('keeps to what a command means by a name', async () => {
    const text = 'gateway: https://g\ntopic: t\nthreads: 2\nredis: redis://h\ncert: /c\n';
    const env = { PEAL_TEAM_ID: 'B', PEAL_PORT: '1' };
    assert.deepEqual(await folder.values(text, ['simulate'], env), {});
    assert.deepEqual(await folder.values(text, ['demo'], env), {});
    assert.deepEqual(await folder.values(text, ['simulate'], { ...env, PEAL_SIMULATE_PORT: '8443' }), {
      '--port': '8443',
    });
    assert.deepEqual(await folder.values(text, ['feedback'], { PEAL_GATEWAY: 'x' }), { '--cert': '/c' });
    assert.deepEqual(await folder.values(text, ['channels', 'list']), { '--cert': '/c' });
    assert.deepEqual(await folder.values(text, ['credentials', 'add'], env), {});
    assert.deepEqual(await folder.values(text, ['status', 'dir']), {});
    assert.deepEqual(await folder.values(text, ['status', '--cluster']), { '--redis': 'redis://h' });
    assert.deepEqual((await folder.values(text, ['worker']))['--gateway'], 'https://g');
  });

  it('leaves alone what Kubernetes sets for a service called peal, and names what means nothing', async () => {
    const kubernetes = {
      PEAL_PORT: 'tcp://10.0.0.1:80',
      PEAL_SERVICE_HOST: '10.0.0.1',
      PEAL_SERVICE_PORT: '80',
      PEAL_SERVICE_PORT_HTTP: '80',
      PEAL_PORT_80_TCP: 'tcp://10.0.0.1:80',
      PEAL_PORT_80_TCP_PROTO: 'tcp',
      PEAL_PORT_80_TCP_PORT: '80',
      PEAL_PORT_80_TCP_ADDR: '10.0.0.1',
      PEAL_METRICS_PORT: 'tcp://10.0.0.2:9464',
      PEAL_SERVE_SERVICE_HOST: '10.0.0.3',
    };
    assert.deepEqual(await folder.values('topic: t\n', ['serve'], kubernetes), { '--topic': 't' });
    const { unknownVariables } = await folder.print('topic: t\n', [], {
      ...{ ...kubernetes, PEAL_CREDENTIAL_MAIN: '{}', PEAL_VERSION: '1', PEAL_RAET: '5/s', PEAL_FORMAT: 'csv' },
    });
    assert.deepEqual(unknownVariables, ['PEAL_RAET']);
  });
});
