/**
 * examples/pyapns against the simulator: by requests that are written by hand, by Python's own client where there is
 * one, and as a process of its own.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type PyapnsServer, startServer } from '../../examples/pyapns/server.js';
import { type ReceivedRequest, type Simulator, scriptedToken, startSimulator } from '../../src/index.js';
import { ThrowAwayAuthority } from '../../src/simulator/index.js';
import { randomTokens } from '../cli/fixture.js';

const main = fileURLToPath(new URL('../../examples/pyapns/main.js', import.meta.url));
const hasPython = spawnSync('python3', ['-c', 'import xmlrpc.client']).status === 0;

const text = (value: string): string => `<value><string>${value}</string></value>`;
const list = (values: readonly string[]): string => `<value><array><data>${values.join('')}</data></array></value>`;
const alert = (words: string): string => {
  const aps = `<member><name>alert</name>${text(words)}</member>`;
  return `<value><struct><member><name>aps</name><value><struct>${aps}</struct></value></member></struct></value>`;
};

describe('examples/pyapns', () => {
  let home: string;
  let simulator: Simulator;
  let server: PyapnsServer;
  let pems: readonly [string, string];
  const received: ReceivedRequest[] = [];
  const log: string[] = [];

  before(async () => {
    home = mkdtempSync(path.join(tmpdir(), 'peal-pyapns-'));
    const authority = new ThrowAwayAuthority();
    const onRequest = (request: ReceivedRequest): unknown => received.push(request);
    simulator = await startSimulator({ clientCa: authority.certificate, auth: 'certificate', onRequest });
    const pem = (topic: string): string => Object.values(authority.issueClient(topic)).join('\n');
    pems = [pem('com.example.one'), pem('com.example.two')];
    mkdirSync(path.join(home, 'certificates'));
    writeFileSync(path.join(home, 'certificates', 'two.pem'), pems[1], { mode: 0o600 });
    writeFileSync(path.join(home, 'secret.pem'), pems[1], { mode: 0o600 });
    writeFileSync(path.join(home, 'ca.pem'), simulator.caCertificate!);
  });

  after(async () => {
    await simulator.close();
    rmSync(home, { recursive: true, force: true });
  });

  const start = (gateway = simulator.url): Promise<PyapnsServer> =>
    startServer({
      port: 0,
      certificates: path.join(home, 'certificates'),
      gateways: { sandbox: gateway, production: gateway },
      ca: simulator.caCertificate,
      log: (line) => log.push(line),
    });

  beforeEach(async () => {
    received.length = 0;
    log.length = 0;
    server = await start();
  });

  afterEach(() => server.close());

  const post = (body: string, headers: Readonly<Record<string, string>> = {}, where = ''): Promise<Response> =>
    fetch(server.url + where, { method: 'POST', body, headers: { 'Content-Type': 'text/xml', ...headers } });

  /** The answer to a call, without what is around its value. */
  async function call(method: string, ...params: readonly string[]): Promise<string> {
    const all = params.map((param) => `<param>${param}</param>`).join('');
    const name = `<methodName>${method}</methodName>`;
    const answer = await post(`<?xml version="1.0"?><methodCall>${name}<params>${all}</params></methodCall>`);
    assert.equal(answer.status, 200);
    return contentOf(await answer.text());
  }

  function contentOf(answer: string): string {
    const good = /<methodResponse><params><param><value>(.*)<\/value><\/param><\/params>/s.exec(answer)?.[1];
    if (good !== undefined) return good;
    const [, code, why] = /<int>(\d+)<.*<string>(.*)<\/string>/s.exec(answer)!;
    return `fault ${code}: ${why}`;
  }

  const provision = async (): Promise<void> => {
    assert.equal(
      await call('provision', text('one'), text(pems[0]), text('sandbox'), '<value><int>60</int></value>'),
      '<nil/>',
    );
    assert.equal(await call('provision', text('two'), text('two.pem'), text('production')), '<nil/>');
  };

  it('sends for two apps under the certificate of each', async () => {
    await provision();
    const [first, second] = randomTokens(2) as [string, string];
    assert.equal(await call('notify', text('one'), text(first), alert('Hello')), '<nil/>');
    const spaced = second.replaceAll(/.{8}/g, '$& ').trim();
    assert.equal(await call('notify', text('two'), text(spaced), alert('Bye')), '<nil/>');
    assert.deepEqual(
      received.map(({ token, payload, answer }) => [token, payload, answer]),
      [
        [first, '{"aps":{"alert":"Hello"}}', 'accepted'],
        [second, '{"aps":{"alert":"Bye"}}', 'accepted'],
      ],
    );
    assert.notEqual(received[0]!.connection, received[1]!.connection);
    assert.deepEqual(log, ['"one": 1 accepted', '"two": 1 accepted']);
  });

  it('sends many notifications, each to its token, and one to many', async () => {
    await provision();
    const tokens = randomTokens(500);
    const notifications = tokens.map((_, index) => alert(`Number ${index}`));
    assert.equal(await call('notify', text('one'), list(tokens.map(text)), list(notifications)), '<nil/>');
    const sent = new Map(received.map(({ token, payload }) => [token, payload]));
    assert.equal(received.length, 500);
    for (const [index, token] of tokens.entries()) {
      assert.equal(sent.get(token), `{"aps":{"alert":"Number ${index}"}}`);
    }
    received.length = 0;
    assert.equal(await call('notify', text('one'), list(tokens.map(text)), alert('All')), '<nil/>');
    assert.deepEqual(new Set(received.map(({ token }) => token)), new Set(tokens));
    assert.ok(received.every(({ payload }) => payload === '{"aps":{"alert":"All"}}'));
  });

  it('sends nothing of a call with a token, a notification or a number of them that cannot be', async () => {
    await provision();
    const tokens = randomTokens(2).map(text);
    const calls: readonly (readonly [given: readonly [string, string], answer: RegExp])[] = [
      [[list([...tokens, text('abc')]), alert('a')], /^fault 8002: Token 3 has 3 hex digits/],
      [[list(tokens), list([alert('a')])], /^fault 8002: There are 2 tokens and 1 notifications\./],
      [[tokens[0]!, text('a')], /^fault 8002: Notification 1 is not a struct\./],
      [[list(tokens), list([alert('a'), '<value><struct/></value>'])], /^fault 8002: .*aps/],
      [[tokens[0]!, alert('x'.repeat(5_000))], /^fault 8002: The payload has 5020 bytes/],
      [['<value><int>1</int></value>', alert('a')], /^fault 8002: Token 1 is not a text\./],
    ];
    for (const [given, answer] of calls) assert.match(await call('notify', text('one'), ...given), answer);
    assert.equal(received.length, 0);
  });

  it('tells of tokens that are gone by feedback, once, and of each app its own', async () => {
    await provision();
    const gone = scriptedToken('Unregistered');
    const [good] = randomTokens(1) as [string];
    assert.equal(await call('feedback', text('one')), '<array><data></data></array>');
    assert.equal(await call('notify', text('one'), list([gone, good].map(text)), alert('a')), '<nil/>');
    const told = log.at(-1)!.replace('"one": ', '').split(', ');
    assert.deepEqual(told.sort(), ['1 accepted', '1 rejected (Unregistered)']);
    assert.equal(await call('feedback', text('two')), '<array><data></data></array>');
    const feedback = await call('feedback', text('one'));
    assert.match(
      feedback,
      new RegExp(`^<array><data><value><array><data><value><dateTime.iso8601>\\d{8}T[\\d:]{8}<.*${gone}`),
    );
    assert.ok(!feedback.includes(good));
    assert.equal(await call('feedback', text('one')), '<array><data></data></array>');
  });

  it('leaves an app as it is when it is provisioned again, and has none after a restart', async () => {
    await provision();
    assert.equal(await call('provision', text('one'), text('no certificate'), text('production')), '<nil/>');
    const [token] = randomTokens(1) as [string];
    assert.equal(await call('notify', text('one'), text(token), alert('a')), '<nil/>');
    await server.close();
    server = await start();
    const unknown = 'fault 404: The app_id specified has not been provisioned.';
    assert.equal(await call('notify', text('one'), text(token), alert('a')), unknown);
    assert.equal(await call('feedback', text('one')), unknown);
    await provision();
    assert.equal(await call('notify', text('one'), text(token), alert('a')), '<nil/>');
    assert.equal(received.length, 2);
  });

  it('refuses what cannot be provisioned, and tells nothing of other files', async () => {
    const calls: readonly (readonly [params: readonly string[], answer: RegExp])[] = [
      [[text('a'), text(pems[0]), text('staging')], /^fault 401: The environment must be sandbox or production\./],
      [[text('a'), text(pems[0])], /^fault 8002: provision takes 3 to 5 parameters, not 2\./],
      [[text(''), text(pems[0]), text('sandbox')], /^fault 8002: app_id/],
      [[text('a'), text(pems[0]), text('sandbox'), '<value><int>0</int></value>'], /^fault 8002: timeout/],
      [[text('a'), text('-----BEGIN CERTIFICATE-----'), text('sandbox')], /^fault 8002: /],
      ...['../secret.pem', path.join(home, 'secret.pem'), '/etc/passwd', 'missing.pem', '.', '\u2028'].map(
        (file) =>
          [
            [text('a'), text(file), text('sandbox')],
            /^fault 8002: The certificate is neither PEM nor a file of the folder of certificates\.$/,
          ] as const,
      ),
    ];
    for (const [params, answer] of calls) assert.match(await call('provision', ...params), answer);
    assert.match(await call('notify', text('a'), text(randomTokens(1)[0]!), alert('a')), /^fault 404/);
    assert.match(await call('system.listMethods'), /^fault 8001/);
    assert.match(await call('constructor'), /^fault 8001/);
  });

  it('says so when no gateway can be reached', async () => {
    await server.close();
    server = await start('https://127.0.0.1:1');
    await provision();
    const answer = await call('notify', text('one'), text(randomTokens(1)[0]!), alert('a'));
    assert.equal(answer, 'fault 500: Connection to the APNS server could not be made.');
    assert.match(log.at(-1)!, /^"one": 1 unsent \(ERR_PEAL_CONNECT\)$/);
  });

  it('answers what is no request of XML-RPC, and goes on', async () => {
    assert.match(
      contentOf(await (await post('<methodCall>')).text()),
      /^fault 8002: The request is not valid at character/,
    );
    const large = await post(`<methodCall>${' '.repeat(9 << 20)}`);
    assert.match(contentOf(await large.text()), /^fault 8002: The request has more than 8388608 bytes\./);
    assert.equal((await post('', { 'Content-Type': 'text/plain' })).status, 415);
    assert.equal((await post('', { Origin: 'https://example.com' })).status, 403);
    assert.equal((await post('', {}, 'elsewhere')).status, 404);
    assert.equal((await fetch(server.url)).status, 405);
    await provision();
  });

  it('serves the client of Python, as a process of its own', async function () {
    if (!hasPython) this.skip();
    const env = {
      ...process.env,
      PYAPNS_PORT: '0',
      PYAPNS_CERTIFICATES: path.join(home, 'certificates'),
      PEAL_GATEWAY: simulator.url,
      PEAL_CA: path.join(home, 'ca.pem'),
    };
    const child: ChildProcess = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
      const url = /http:\S+/.exec(line)![0];
      const gone = scriptedToken('Unregistered', 1);
      const tokens = [gone, ...randomTokens(20)];
      const { stdout } = await promisify(execFile)('python3', ['-c', pythonClient], {
        env: { ...process.env, URL: url, ONE: pems[0], TOKENS: tokens.join(' ') },
      });
      const told = JSON.parse(stdout) as Record<string, unknown>;
      assert.deepEqual(told, {
        provisioned: [null, null, null],
        notified: [null, null],
        feedback: [gone],
        years: [new Date().getUTCFullYear()],
        faults: [404, 401, 8002, 8001],
      });
      assert.equal(received.length, 22);
      assert.deepEqual(JSON.parse(received.find(({ token }) => token === tokens[20])!.payload), {
        aps: { alert: 'Grüße & <b>', badge: 20, 'content-available': 1 },
        order: { id: 17, ratio: 0.5, paid: true, note: null },
      });
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      assert.deepEqual(await exit, [0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

const pythonClient = `
import json, os, xmlrpc.client
server = xmlrpc.client.ServerProxy(os.environ['URL'].rstrip('/'), allow_none=True, use_builtin_types=True)
tokens = os.environ['TOKENS'].split()
def note(n):
    return {'aps': {'alert': 'Grüße & <b>', 'badge': n, 'content-available': 1},
            'order': {'id': 17, 'ratio': 0.5, 'paid': True, 'note': None}}
def fault(call, *args):
    try:
        call(*args)
    except xmlrpc.client.Fault as error:
        return error.faultCode
told = {}
told['provisioned'] = [
    server.provision('one', os.environ['ONE'], 'sandbox', 15, False),
    server.provision('two', 'two.pem', 'production'),
    server.provision('one', os.environ['ONE'], 'sandbox'),
]
told['notified'] = [
    server.notify('one', tokens, [note(n) for n in range(len(tokens))]),
    server.notify('two', tokens[1], note(1)),
]
feedback = server.feedback('one')
told['feedback'] = [token for when, token in feedback]
told['years'] = [when.year for when, token in feedback]
told['faults'] = [
    fault(server.notify, 'three', tokens[0], note(1)),
    fault(server.provision, 'three', os.environ['ONE'], 'elsewhere'),
    fault(server.notify, 'one', 'zz', note(1)),
    fault(server.reload),
]
print(json.dumps(told))
`;
