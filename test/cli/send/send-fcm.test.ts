import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Simulator, scriptedToken, startSimulator } from '../../../src/index.js';
import { scriptedFcmToken } from '../../../src/simulator/index.js';
import { runCommand } from '../../support/command.js';

const fcmToken = (): string => `${randomBytes(11).toString('hex')}:APA91b${randomBytes(68).toString('hex')}`;
const hexToken = (): string => `00${randomBytes(31).toString('hex')}`;

type Books = Readonly<Record<'recipients' | 'accepted' | 'rejected' | 'unsent' | 'unknown' | 'invalid', number>>;

describe('peal send through FCM', () => {
  let folder = '';
  let simulator: Simulator;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'peal-send-fcm-'));
    simulator = await startSimulator({ auth: 'any', controlPort: null, fcm: true, ledger: 'full' });
    await write('ca.pem', simulator.caCertificate!);
    await write('account.json', JSON.stringify(simulator.fcm!.serviceAccount));
  });
  after(async () => {
    await simulator.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    simulator.fcm!.reset();
    simulator.ledger.reset();
  });

  const at = (name: string): string => path.join(folder, name);
  async function write(name: string, text: string): Promise<string> {
    await writeFile(at(name), text, { mode: 0o600 });
    return at(name);
  }

  const fcm = (): string[] => [
    ...['--provider', 'fcm', '--service-account', at('account.json'), '--gateway', simulator.fcm!.url],
    ...['--ca', at('ca.pem'), '--fcm-quota', 'off', '--quiet'],
  ];
  const read = (name: string): Promise<string> => readFile(at(name), 'utf8');
  const bodies = (): Record<string, unknown>[] =>
    simulator.fcm!.ledger.received().map(({ payload }) => JSON.parse(payload));

  it('says how long a list takes under the quota of the project', async () => {
    const list = await write('many.txt', Array.from({ length: 3_000 }, () => `${fcmToken()}\n`).join(''));
    const quota = ['--fcm-quota', '60000', '--dry-run', '--json'];
    const flags = fcm().filter((flag, at, all) => flag !== '--fcm-quota' && all[at - 1] !== '--fcm-quota');
    const { code, stdout } = await runCommand(['send', list, ...flags, '--title', 'Hi', ...quota]);
    assert.equal(code, 0);
    const { seconds, limitedBy, toSend } = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([toSend, limitedBy], [3_000, { messagesPerMinute: 60_000 }]);
    // The ramp begins with a hundred a second.
    assert.ok((seconds as number) > 3 && (seconds as number) < 30, `${seconds} s`);
    const read = await runCommand(['send', list, ...flags, '--title', 'Hi', '--fcm-quota', '60000', '--dry-run']);
    const text = read.stdout.replace(/\s+/g, ' ');
    assert.match(text, /at the project's quota of 60,000 messages a minute/);
    assert.ok(text.includes('{"message":{"token":"…","notification":{"title":"Hi"}}}'), text);
    const empty = await runCommand(['send', list, ...flags]);
    assert.match(empty.stderr, /the message is empty: give --alert TEXT or --message-file FILE\.json/);
    assert.equal(simulator.fcm!.summary().messages.requests, 0);
  });

  it('sends what the options say, to a table with personal fields', async () => {
    const list = await write(
      'users.csv',
      `token,name,n\n${fcmToken()},Ann,3\n${scriptedFcmToken('UNREGISTERED', 1)},Ben,4\n`,
    );
    const { code, stderr } = await runCommand([
      ...['send', list, ...fcm(), '--title', 'Hi {{name}}', '--alert', 'Text', '--badge', '{{n}}'],
      ...['--data', '{"order":{"id":7},"name":"{{name}}"}', '--collapse-id', 'orders', '--expiration', '1h'],
      ...['--priority', '5', '--image', 'https://example.com/a.png', '--out', at('one')],
    ]);
    assert.equal(code, 3, stderr);
    const ann = bodies().find((body) => JSON.stringify(body).includes('Ann')) as { message: Record<string, unknown> };
    const { token: _, ...message } = ann.message;
    assert.deepEqual(message, {
      data: { order: '{"id":7}', name: 'Ann' },
      notification: { title: 'Hi Ann', body: 'Text', image: 'https://example.com/a.png' },
      android: {
        notification: { notification_count: 3 },
        collapse_key: 'orders',
        ttl: '3600s',
        priority: 'NORMAL',
      },
    });
    assert.match(
      await read('one/gone.csv'),
      /^token,reason,since,name,n\nfeed-unregistered-1:\S+,UNREGISTERED,,Ben,4\n$/,
    );
    const status = await runCommand(['status', at('one')]);
    assert.match(status.stdout, /UNREGISTERED/);
    const again = await runCommand(['resume', at('one')]);
    assert.equal(again.code, 3, again.stderr);
    assert.equal(bodies().length, 2);
  });

  it('sends a whole message, takes the account from the environment, and lets FCM only check', async () => {
    const list = await write('tokens.txt', `${fcmToken()}\n`);
    const file = await write('message.json', '{ "data": { "a": "b" }, "webpush": { "headers": { "TTL": "60" } } }');
    const [first, second] = [
      ['send', list, '--provider', 'fcm', '--gateway', simulator.fcm!.url, '--ca', at('ca.pem'), '--quiet'],
      ['--message-file', file, '--validate-only'],
    ];
    for (const value of [at('account.json'), await read('account.json')]) {
      const result = await runCommand([...first, ...second], { env: { PEAL_SERVICE_ACCOUNT: value } });
      assert.equal(result.code, 0, result.stderr);
    }
    const [body] = bodies() as { message: Record<string, unknown>; validate_only: boolean }[];
    assert.equal(body!.validate_only, true);
    assert.deepEqual(body!.message.data, { a: 'b' });
  });

  it('sends one list through both services, with one set of files', async () => {
    const rows = Array.from({ length: 400 }, (_, index) => {
      if (index % 4 === 0) return `ios,${index === 40 ? scriptedToken('Unregistered', 1) : hexToken()},n${index}`;
      return `android,${index === 41 ? scriptedFcmToken('UNREGISTERED', 9) : fcmToken()},n${index}`;
    });
    const list = await write('both.csv', `os,token,name\n${rows.join('\n')}\nwindows,x,y\n`);
    const { code, stdout, stderr } = await runCommand([
      ...['send', list, '--platform-column', 'os', '--gateway', simulator.url!, '--topic', 'com.example.app'],
      ...['--fcm-gateway', simulator.fcm!.url, '--service-account', at('account.json'), '--ca', at('ca.pem')],
      ...['--title', 'Hi {{name}}', '--alert', 'Text', '--out', at('both')],
    ]);
    assert.equal(code, 3, stderr);
    for (const line of [
      /^ {2}by service +APNs +FCM +neither$/m,
      /^ {2}recipients +100 +300 +1$/m,
      /^ {2}accepted +99 +299$/m,
      /^ {2}rejected +1 +1$/m,
      /^ {6}Unregistered +1$/m,
      /^ {6}UNREGISTERED +1$/m,
      /^ {2}invalid +0 +0 +1$/m,
      /^ {2}answers +\S+\/s +\S+\/s$/m,
      /^ {2}99 % within +\S+ m?s +\S+ m?s$/m,
    ]) {
      assert.match(stdout, line);
    }
    assert.match((await runCommand(['status', at('both')])).stdout, /^ {2}accepted +99 +299$/m);
    assert.match(await read('both/report.html'), /Recipients by service/);
    const [apns, google] = [simulator.ledger.summary(), simulator.fcm!.summary().messages];
    assert.deepEqual([apns.accepted, apns.rejected, google.accepted, google.rejected], [99, 1, 299, 1]);
    const gone = await read('both/gone.csv');
    assert.match(gone, /,Unregistered,[^,]*,ios,n40\n/);
    assert.match(gone, /,UNREGISTERED,,android,n41\n/);
    assert.match(await read('both/invalid.csv'), /windows/);
    const summary = JSON.parse(await read('both/summary.json'));
    assert.deepEqual(
      summary.services.map(({ perSecond: _, latencyMs, ...counts }: Record<string, { answers: number }>) => [
        counts,
        latencyMs!.answers,
      ]),
      [
        [
          {
            ...{ service: 'apns', recipients: 100, accepted: 99, rejected: 1, unsent: 0, unknown: 0, invalid: 0 },
            reasons: { Unregistered: 1 },
          },
          100,
        ],
        [
          {
            ...{ service: 'fcm', recipients: 300, accepted: 299, rejected: 1, unsent: 0, unknown: 0, invalid: 0 },
            reasons: { UNREGISTERED: 1 },
          },
          300,
        ],
      ],
    );
    const dry = await runCommand([
      ...['send', list, '--platform-column', 'os', '--gateway', simulator.url!, '--topic', 'com.example.app'],
      ...['--fcm-gateway', simulator.fcm!.url, '--service-account', at('account.json'), '--ca', at('ca.pem')],
      ...['--title', 'Hi {{name}}', '--dry-run', '--json'],
    ]);
    assert.equal(JSON.parse(dry.stdout.trim().split('\n').at(-1)!).toSend, 400);
  });

  it('goes on after kill -9, again and again, with books that fit those of both services', async () => {
    const count = 30_000;
    const rows = Array.from({ length: count }, (_, index) => {
      if (index % 2 === 0) return `ios,${hexToken()},n${index}`;
      return `android,${index % 100 === 1 ? scriptedFcmToken('UNREGISTERED', index) : fcmToken()},n${index}`;
    });
    const list = await write('killed.csv', `os,token,name\n${rows.join('\n')}\n`);
    const command = [
      ...['send', list, '--platform-column', 'os', '--gateway', simulator.url!, '--topic', 'com.example.app'],
      ...['--fcm-gateway', simulator.fcm!.url, '--service-account', at('account.json'), '--ca', at('ca.pem')],
      ...['--fcm-quota', 'off', '--title', 'Hi {{name}}', '--out', at('killed'), '--quiet'],
    ];
    const sent = (): number => simulator.ledger.summary().requests + simulator.fcm!.summary().messages.requests;
    for (const requests of [2_000, 9_000, 16_000]) {
      const { signal } = await runCommand(command, {
        whileRunning: async (child) => {
          while (sent() < requests && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 2));
          child.kill('SIGKILL');
        },
      });
      assert.equal(signal, 'SIGKILL');
      const { stdout } = await runCommand(['status', at('killed'), '--json']);
      const killed = JSON.parse(stdout) as Books & { readonly services: readonly Books[] };
      for (const outcome of ['recipients', 'accepted', 'rejected', 'unsent', 'unknown', 'invalid'] as const) {
        const sum = killed.services.reduce((total, service) => total + service[outcome], 0);
        assert.equal(sum, killed[outcome], outcome);
      }
    }
    const { code, stderr } = await runCommand(command);
    assert.equal(code, 3, stderr);
    const { accepted, rejected, unknown, unsent, services } = JSON.parse(await read('killed/summary.json'));
    assert.deepEqual([accepted + rejected + unknown, unsent], [count, 0]);
    const books = [simulator.ledger.summary(), simulator.fcm!.summary().messages];
    let unanswered = 0;
    for (const [index, { accepted: taken, rejected: refused, duplicates }] of books.entries()) {
      assert.equal(duplicates, 0);
      assert.ok(services[index].accepted <= taken && services[index].rejected <= refused);
      unanswered += taken + refused - services[index].accepted - services[index].rejected;
    }
    assert.ok(unanswered <= unknown, `${unanswered} were sent to and are not known, ${unknown} are unknown`);
    assert.equal(services[0].accepted + services[1].accepted, accepted);
    for (const { recipients, ...counts } of services as readonly (Books & { reasons: Record<string, number> })[]) {
      const { reasons } = counts;
      assert.equal(recipients, count / 2);
      assert.equal(counts.accepted + counts.rejected + counts.unknown, recipients);
      assert.equal(reasons.UNREGISTERED ?? 0, counts.rejected);
    }
  });

  for (const [given, why] of [
    [['--alert', 'x'], /needs a credential: give --service-account/],
    [['--alert', 'x', '--topic', 'a'], /--topic does not go with --provider fcm/],
    [['--alert', 'x', '--environment', 'sandbox'], /--environment does not go with --provider fcm/],
    [['--payload', 'x.json'], /--payload does not go with --provider fcm: give the whole message with --message-file/],
    [['--alert', 'x', '--message-file', 'x.json'], /--message-file is the whole message, and --alert/],
    [['--alert', 'x', '--gateway', 'https://localhost:1'], /with --provider fcm it is fcm:/],
    [['--data', 'x', '--service-account', 'account.json'], /--data must be a JSON object/],
  ] as const) {
    it(`refuses ${given.join(' ')} in one sentence`, async () => {
      const list = await write('tokens.txt', `${fcmToken()}\n`);
      const words = given.map((word) => (word === 'account.json' ? at(word) : word));
      const { code, stderr } = await runCommand(['send', list, '--provider', 'fcm', ...words]);
      assert.ok(code === 2 || code === 5, `${code} ${stderr}`);
      assert.match(stderr, why);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    });
  }

  it('sends no message of a list for both services to Google where those for APNs go to a stand-in', async () => {
    const list = await write('stand-in.csv', `token,os\n${hexToken()},ios\n${fcmToken()},android\n`);
    const both = ['send', list, '--platform-column', 'os', '--service-account', at('account.json'), '--alert', 'x'];
    const { code, stderr } = await runCommand([...both, '--gateway', simulator.url!, '--ca', at('ca.pem')]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /is not Apple's, and nothing says where the messages to FCM go: give --fcm-gateway fcm:/);
    assert.equal(simulator.ledger.summary().requests, 0);
    const said = [...both, '--gateway', simulator.url!, '--ca', at('ca.pem'), '--fcm-gateway', 'fcm', '--dry-run'];
    assert.equal((await runCommand(said)).code, 0);
  });

  it('refuses options of FCM where nothing goes there', async () => {
    const list = await write('tokens.txt', `${hexToken()}\n`);
    const apns = ['send', list, '--gateway', simulator.url!, '--alert', 'x', '--image', 'https://example.com/a.png'];
    const { code, stderr } = await runCommand(apns);
    assert.equal(code, 2);
    assert.match(stderr, /--image is for FCM: give --provider fcm, or --platform-column/);
  });
});
