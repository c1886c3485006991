/**
 * Runs that take their settings from files and variables, as nightly jobs, containers and services do, in processes of
 * their own.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type CommandResult, jsonLines, runCommand } from '../../support/command.js';
import { Fixture, randomTokens, topic } from '../fixture.js';

describe('a run with settings of files and variables', () => {
  let fixture: Fixture;

  beforeEach(async () => {
    fixture = await Fixture.open();
  });
  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  /** The file of a nightly job: everything but the key, which a secret store hands out. */
  const nightly = (more = ''): string =>
    [
      `topic: ${topic}`,
      `gateway: ${fixture.simulator.url}`,
      'ca: ca.pem',
      `keyId: "${fixture.providerKey.keyId}"`,
      `teamId: "${fixture.providerKey.teamId}"`,
      'threads: 0',
      'send:',
      '  tokens: [lists/a.txt, lists/b.txt]',
      '  alert: Hello there',
      '  out: campaign',
      '  aps: {thread-id: orders}',
      '  progress: 0',
      more,
    ].join('\r\n');

  const withLists = async (): Promise<void> => {
    await mkdir(fixture.path('lists'));
    await fixture.write('lists/a.txt', randomTokens(5).join('\n'));
    await fixture.write('lists/b.txt', randomTokens(6).join('\n'));
  };

  const peal = async (args: readonly string[], env: Record<string, string> = {}, cwd = ''): Promise<CommandResult> =>
    runCommand(args, { cwd: path.join(fixture.folder, cwd), env: { PEAL_KEY: fixture.providerKey.p8, ...env } });

  const pushes = (): number => fixture.simulator.ledger.summary().requests;

  it('sends by peal.config.yaml of its directory and a key in the environment, and goes on when it is given again', async () => {
    await withLists();
    await fixture.write('peal.config.yaml', `\ufeff${nightly()}`);
    const first = await peal(['send']);
    assert.deepEqual([first.code, first.stderr], [0, '']);
    assert.equal(pushes(), 11);
    const again = await peal(['send']);
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stderr, /finished/);
    assert.equal(pushes(), 11);
  });

  it('keeps its settings, so that peal resume goes on from anywhere, without the file', async () => {
    await withLists();
    const config = await fixture.write('settings.yaml', nightly('  rate: 5/s\r\n  maxFailures: 3'));
    await mkdir(fixture.path('elsewhere'));
    const stopped = await peal(['send', '--config', config, '--max-duration', '3s', '--rate', '1/s'], {}, 'elsewhere');
    assert.equal(stopped.code, 7, stopped.stderr);
    const before = pushes();
    assert.ok(before > 0 && before < 11, String(before));
    await fixture.write('settings.yaml', 'nonsense');
    // Paths of the file count from its folder, --out from the folder of the run as the file says it.
    const resumed = await peal(['resume', fixture.path('campaign'), '--rate', 'off', '--max-duration', '1h'], {
      PEAL_CONFIG: config,
      PEAL_RATE: 'nonsense',
    });
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal(pushes(), 11);
    const body = fixture.providerKey.p8.split('\n')[1]!;
    for (const name of await readdir(fixture.path('campaign'))) {
      const content = await readFile(fixture.path(`campaign/${name}`), 'latin1');
      assert.ok(!content.includes(body), `${name} holds the key`);
      if (name === 'report.html') assert.match(content, /env:PEAL_KEY/);
    }
  });

  it('refuses another message when it is given again with a file that has changed', async () => {
    await withLists();
    await fixture.write('peal.config.yaml', nightly('  maxDuration: 1s'));
    const stopped = await peal(['send', '--rate', '2/s']);
    assert.equal(stopped.code, 7, stopped.stderr);
    await fixture.write('peal.config.yaml', nightly('  title: New'));
    const changed = await peal(['send']);
    assert.equal(changed.code, 2, changed.stderr);
    await fixture.write('peal.config.yaml', nightly());
    assert.equal((await peal(['send'])).code, 0);
    assert.equal(pushes(), 11);
  });

  it('sends by variables alone, as in a container, beside those that Kubernetes sets', async () => {
    await withLists();
    const { keyId, teamId } = fixture.providerKey;
    const result = await peal(['send', '--json'], {
      PEAL_TOPIC: topic,
      PEAL_GATEWAY: fixture.simulator.url,
      PEAL_CA: `${fixture.simulator.caCertificate}`,
      PEAL_KEY_ID: `${keyId}\n`,
      PEAL_TEAM_ID: teamId,
      PEAL_SEND_ALERT: 'Hello',
      PEAL_TOKENS: 'lists/a.txt\nlists/b.txt',
      PEAL_ACCEPTED: 'false',
      PEAL_STOP_ON: 'TopicDisallowed,BadTopic',
      PEAL_PORT: 'tcp://10.0.0.1:80',
      PEAL_SERVICE_HOST: '10.0.0.1',
      PEAL_METRICS_PORT: 'tcp://10.0.0.2:9464',
    });
    assert.deepEqual([result.code, result.stderr], [0, '']);
    assert.equal(jsonLines(result.stdout).at(-1)!.accepted, 11);
    assert.equal(pushes(), 11);
  });

  it('takes lists, flags and --config none of the command line before the file', async () => {
    await withLists();
    await fixture.write('peal.config.yaml', nightly());
    await fixture.write('one.txt', randomTokens(1)[0]!);
    const one = await peal(['send', 'one.txt', '--out', 'other']);
    assert.deepEqual([one.code, one.stderr], [0, '']);
    assert.equal(pushes(), 1);
    const none = await peal(['send', 'one.txt', '--config', 'none']);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /the message is empty/);
    const before = await peal(['--config', 'peal.config.yaml', 'send', 'one.txt', '--dry-run']);
    assert.equal(before.code, 0, before.stderr);
    assert.match(before.stdout, /Hello there/);
  });

  it('writes its log as JSON where file or variable say so', async () => {
    await withLists();
    await fixture.write('peal.config.yaml', `logFormat: json\r\n${nightly()}`);
    const { code, stderr } = await peal(['send', '--alert', '{{']);
    assert.equal(code, 2);
    for (const line of jsonLines(stderr)) assert.equal(typeof line.msg, 'string');
    assert.match(stderr, /"level":"error"/);
  });

  it('runs the service and its simulator by sections of one file', async () => {
    await fixture.write(
      'peal.config.json',
      JSON.stringify({
        serve: { port: 0, json: true },
        simulate: { json: true, seed: 7 },
        gateway: fixture.simulator.url,
      }),
    );
    for (const command of ['serve', 'simulate']) {
      const result = await runCommand([command], {
        cwd: fixture.folder,
        env: { PEAL_PORT: 'tcp://10.0.0.1:80' },
        whileRunning: async (child, output) => {
          while (!output().includes('\n')) await once(child.stdout!, 'data');
          child.kill('SIGTERM');
        },
      });
      assert.equal(result.code, 0, result.stderr);
      assert.match(jsonLines(result.stdout)[0]!.url as string, /^https?:\/\/127\.0\.0\.1:\d+$/, command);
    }
  });

  it('does nothing with a file where the command has no settings, and needs none in a directory that it may not read', async () => {
    await fixture.write('peal.config.yaml', 'nonsense');
    const { code, stderr } = await peal(['pause', 'campaign']);
    assert.notEqual(code, 0);
    assert.doesNotMatch(stderr, /peal\.config/);
    assert.match((await peal(['send', 'x'])).stderr, /peal\.config\.yaml, line 1: the file has to be a mapping/);
  });
});
