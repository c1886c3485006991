/**
 * docs/coming-from.md: each program and command of peal on it, run as it stands against a simulator of its own. What
 * the gateway got and what the program printed is compared with what the page promises.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type ReceivedRequest, type Simulator, scriptedToken, startSimulator } from '../src/index.js';
import { createThrowAwayProviderKey, ThrowAwayAuthority } from '../src/simulator/index.js';
import { randomTokens } from './cli/fixture.js';
import { quietPort } from './support/quiet-port.js';
import { repositoryRoot } from './support/repository.js';
import { type Snippet, snippetsOf } from './support/snippets.js';

const page = 'docs/coming-from.md';
const lines = readFileSync(path.join(repositoryRoot, page), 'utf8').split('\n');
const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const world = new URL('./support/snippet-world.js', import.meta.url).href;
/** Within the package, so that `peal` means the one that is tested. */
const folder = path.join(repositoryRoot, 'dist', 'coming-from');
const [good] = randomTokens(1) as [string];
const gone = scriptedToken('Unregistered');

/** The heading over a snippet. */
function libraryOf({ line }: Snippet): string {
  return lines
    .slice(0, line)
    .findLast((text) => text.startsWith('## '))!
    .slice(3);
}

const snippets = snippetsOf(page).map((snippet) => ({ ...snippet, library: libraryOf(snippet) }));

/** The only snippet of a library in a language. */
function snippetOf(library: string, language: string, including = ''): string {
  const found = snippets.filter(
    (one) => one.library === library && one.language === language && one.text.includes(including),
  );
  assert.equal(found.length, 1, `${library}, ${language}`);
  return found[0]!.text;
}

describe(page, () => {
  let home: string;
  let simulator: Simulator;
  let received: ReceivedRequest[] = [];
  const children: ChildProcess[] = [];

  before(async () => {
    home = mkdtempSync(path.join(tmpdir(), 'peal-coming-from-'));
    const authority = new ThrowAwayAuthority();
    const onRequest = (request: ReceivedRequest): unknown => received.push(request);
    simulator = await startSimulator({ clientCa: authority.certificate, onRequest });
    const { cert, key } = authority.issueClient('com.example.app');
    const locked = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: '…' } as const;
    const files: Readonly<Record<string, string>> = {
      'AuthKey_ABCDE12345.p8': createThrowAwayProviderKey().p8,
      'push.pem': `${cert}\n${createPrivateKey(key).export(locked)}`,
      'ca.pem': simulator.caCertificate!,
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(path.join(home, name), content, { mode: 0o600 });
    mkdirSync(path.join(home, 'bin'));
    const script = `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`;
    writeFileSync(path.join(home, 'bin', 'peal'), script, { mode: 0o755 });
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  });

  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await simulator.close();
    rmSync(home, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  });

  beforeEach(() => {
    received = [];
  });

  const env = (): NodeJS.ProcessEnv => ({
    ...process.env,
    PATH: `${path.join(home, 'bin')}${path.delimiter}${process.env.PATH}`,
    NO_COLOR: '1',
    NODE_EXTRA_CA_CERTS: path.join(home, 'ca.pem'),
    SNIPPET_GATEWAYS: JSON.stringify({ api: simulator.url }),
  });

  /** Runs the program of a library, with a good token and one that is gone. Returns what it printed. */
  async function run(library: string): Promise<string[]> {
    const file = path.join(folder, `${library.replace(/\W/g, '-')}.mjs`);
    writeFileSync(file, snippetOf(library, 'js').replace("'1a2b…', '3c4d…'", `'${good}', '${gone}'`));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', world, file], {
      cwd: home,
      env: env(),
    });
    assert.equal(stderr, '');
    return stdout.trimEnd().split('\n');
  }

  interface Got {
    readonly token: string | null;
    readonly payload: unknown;
    readonly headers: Readonly<Record<string, string>>;
    readonly answer: string;
  }

  /** What the gateway got, by token. */
  function got(): Got[] {
    const all = received.map(({ token, payload, headers, answer }) => {
      const named = Object.entries(headers).filter(([name]) => name.startsWith('apns-') && name !== 'apns-id');
      return { token, payload: JSON.parse(payload) as unknown, headers: Object.fromEntries(named), answer };
    });
    return all.sort((one, other) => (one.token! < other.token! ? -1 : 1));
  }

  const twice = (payload: unknown, headers: Readonly<Record<string, string>>): Got[] => [
    { token: good, payload, headers, answer: 'accepted' },
    { token: gone, payload, headers, answer: 'Unregistered' },
  ];
  const sorted = (all: Got[]): Got[] => all.sort((one, other) => (one.token! < other.token! ? -1 : 1));

  it('APNSWrapper: an alert for each token, in base64 and in brackets', async () => {
    const tokens = [...snippetOf('APNSWrapper', 'js').matchAll(/token: '([^']+)'/g)].map(([, token]) => token!);
    const asHex = [Buffer.from(tokens[0]!, 'base64').toString('hex'), tokens[1]!.replaceAll(/[<> ]/g, '')];
    assert.deepEqual(await run('APNSWrapper'), ['2 of 2 accepted']);
    const alert = { body: 'Your order is ready', 'action-loc-key': 'OPEN' };
    const expected = asHex.map((token, index) => ({
      token,
      payload: { aps: { alert, badge: [3, 1][index], sound: 'default' }, order: 17 },
      headers: { 'apns-push-type': 'alert' },
      answer: 'accepted',
    }));
    assert.deepEqual(got(), sorted(expected));
  });

  it('pyapns: a payload for each token, and feedback', async () => {
    const printed = await run('pyapns');
    assert.deepEqual(printed.slice(0, 2).sort(), ['accepted ', 'rejected Unregistered']);
    assert.match(printed[2]!, new RegExp(`^${gone} is gone since \\d{4}-`));
    const expected = twice({}, { 'apns-push-type': 'alert' }).map((one, index) => ({
      ...one,
      payload: { aps: { alert: ['Hello', 'Bye'][index] } },
    }));
    assert.deepEqual(got(), sorted(expected));
  });

  it('PyAPNs2: one message to all tokens', async () => {
    assert.deepEqual(await run('PyAPNs2'), [`${gone} 410 Unregistered`, '1 of 2 accepted']);
    const alert = { title: 'Hello', body: 'Your order is ready' };
    const payload = { aps: { alert, badge: 1, sound: 'default' }, order: 17 };
    const headers = { 'apns-topic': 'com.example.app', 'apns-push-type': 'alert', 'apns-collapse-id': 'orders' };
    assert.deepEqual(got(), sorted(twice(payload, headers)));
  });

  it('Pushy: a push for each token', async () => {
    const printed = (await run('Pushy')).sort();
    assert.match(printed[0]!, /^accepted [0-9a-fA-F-]{36}$/);
    assert.match(printed[1]!, /^rejected Unregistered \d{13}$/);
    const payload = { aps: { alert: { title: 'Hello', body: 'World' }, badge: 1 } };
    assert.deepEqual(got(), sorted(twice(payload, { 'apns-topic': 'com.example.app', 'apns-push-type': 'alert' })));
  });

  it('sideshow/apns2: a stream of pushes', async () => {
    const printed = (await run('sideshow/apns2')).sort();
    assert.match(printed[0]!, /^200 [0-9a-fA-F-]{36} $/);
    assert.match(printed[1]!, /^410 [0-9a-fA-F-]{36} Unregistered$/);
    const aps = { alert: { title: 'Order', body: 'On its way' }, badge: 1 };
    const headers = { 'apns-topic': 'com.example.app', 'apns-push-type': 'alert', 'apns-priority': '5' };
    const expected = twice({}, headers).map((one, index) => ({ ...one, payload: { aps, order: index + 1 } }));
    assert.deepEqual(got(), sorted(expected));
  });

  const here = (command: string): string =>
    command.replace('--environment production', `--gateway ${simulator.url} --ca ca.pem`);

  it('gorush: the service, and the request of its clients', async function () {
    if (spawnSync('curl', ['--version']).status !== 0) this.skip();
    const port = String(await quietPort());
    const command = here(snippetOf('gorush', 'sh', 'peal serve')).replace('8088', port);
    const child = spawn('bash', ['-c', `exec ${command}`], {
      cwd: home,
      env: env(),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(child);
    await once(createInterface({ input: child.stdout! }), 'line');
    const ask = snippetOf('gorush', 'sh', 'curl').replace('8088', port).replace('1a2b…', good).replace('3c4d…', gone);
    const { stdout } = await promisify(execFile)('bash', ['-ec', ask], { cwd: home, env: env() });
    const { counts, success, logs } = JSON.parse(stdout) as {
      counts: number;
      success: string;
      logs: { token: string }[];
    };
    assert.deepEqual([counts, success, logs.map(({ token }) => token)], [2, 'ok', [gone]]);
    const payload = { aps: { alert: { title: 'Hello', body: 'Your order is ready' }, badge: 1 }, order: 17 };
    const headers = { 'apns-topic': 'com.example.app', 'apns-push-type': 'alert' };
    assert.deepEqual(got(), sorted(twice(payload, headers)));
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  });

  it('rpush: rows of a database, by a campaign', async () => {
    writeFileSync(path.join(home, 'devices.csv'), `token,name,order_id\n${good},Zoë,17\n${gone},,18\n`);
    writeFileSync(path.join(home, 'ready.json'), snippetOf('rpush', 'json'));
    const command = here(snippetOf('rpush', 'sh', 'peal send'));
    await promisify(execFile)('bash', ['-ec', command], { cwd: home, env: env() }).catch((error: { code: number }) => {
      // 3: some were rejected.
      if (error.code !== 3) throw error;
    });
    const headers = { 'apns-topic': 'com.example.app', 'apns-push-type': 'alert' };
    const expected = twice({}, headers).map((one, index) => ({
      ...one,
      payload: { aps: { alert: ['Hello Zoë', 'Hello there'][index], sound: 'default' }, order: 17 + index },
    }));
    assert.deepEqual(got(), sorted(expected));
    const rowsOf = (name: string): string[] =>
      readFileSync(path.join(home, 'ready', name), 'utf8')
        .trimEnd()
        .split('\n');
    assert.match(rowsOf('accepted.csv')[1]!, new RegExp(`^${good},.*Zoë,17$`));
    assert.deepEqual(rowsOf('rejected.csv').slice(1), []);
    assert.match(rowsOf('gone.csv')[1]!, new RegExp(`^${gone},Unregistered,.*,18$`));
  });

  it('has a program or a command of peal for each library, and each is run here', () => {
    const libraries = new Set(snippets.map(({ library }) => library));
    const ran = ['APNSWrapper', 'pyapns', 'PyAPNs2', 'Pushy', 'sideshow/apns2', 'gorush', 'rpush'];
    assert.deepEqual([...libraries], ran);
    const own = snippets.filter(({ language }) => ['js', 'ts', 'json'].includes(language));
    assert.deepEqual(
      own.map(({ library, language }) => `${library}: ${language}`),
      ['APNSWrapper: js', 'pyapns: js', 'PyAPNs2: js', 'Pushy: js', 'sideshow/apns2: js', 'rpush: json'],
    );
  });
});
