/**
 * `peal dispatch --provider fcm` and workers with a service account: books, outputs and access tokens are those of one
 * process.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { viewCampaign } from '../../../src/campaign/view/campaign-view.js';
import { type SimulatorOptions, scriptedFcmToken, scriptedToken } from '../../../src/simulator/index.js';
import { Fixture, randomTokens, topic } from '../../cli/fixture.js';
import { until } from '../../faults/accounts.js';
import { runCommand } from '../../support/command.js';
import { RedisServer } from '../../support/redis-server.js';
import { ClusterFixture, type PealProcess } from './cluster-fixture.js';
import { assertSameOutputs, busyWorkers, isOfProcess } from './cluster-judge.js';

const recipients = 20_000;

/** Registration tokens, of which one in a hundred belongs to nobody any more. */
const tokens = Array.from({ length: recipients }, (_, number) =>
  number % 100 === 7
    ? scriptedFcmToken('UNREGISTERED', number)
    : `d${String(number).padStart(21, '0')}:APA91b${'Q'.repeat(110)}`,
);
const rejected = recipients / 100;
const apnsTokens = randomTokens(recipients);

interface ServiceBooks {
  readonly service: string;
  readonly accepted: number;
  readonly rejected: number;
  readonly latencyMs: { readonly answers: number };
}

describe('messages to FCM from the command line, by several machines', () => {
  let cluster: ClusterFixture;

  before(function () {
    if (!RedisServer.isInstalled) this.skip();
  });

  afterEach(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });

  async function open(simulator: SimulatorOptions = {}): Promise<void> {
    cluster = await ClusterFixture.open({ simulator: { ...simulator, fcm: true } });
    await cluster.base.write('account.json', JSON.stringify(cluster.base.simulator.fcm!.serviceAccount));
    await cluster.base.write('list.txt', tokens.join('\n'));
  }

  const account = (): string[] => ['--service-account', cluster.base.path('account.json')];
  const worker = (...more: readonly string[]): Promise<PealProcess> =>
    cluster.worker({ with: [...account(), '--gateway', cluster.base.simulator.fcm!.url, ...more] });

  function dispatch(more: readonly string[]): PealProcess {
    const { base, redis } = cluster;
    const where = ['--redis', redis.url, '--provider', 'fcm', '--gateway', base.simulator.fcm!.url];
    const what = ['--title', 'Hello', '--alert', 'there', '--fcm-quota', 'off', '--accepted'];
    return cluster.run(['dispatch', base.path('list.txt'), ...where, ...what, '--out', base.path('out'), ...more]);
  }

  /** A list of both platforms, every second row for each. */
  async function writeBoth(): Promise<string> {
    const rows = tokens.map((token, index) => {
      if (index % 2 === 1) return `android,${token},n${index}`;
      return `ios,${index % 100 === 4 ? scriptedToken('Unregistered', index) : apnsTokens[index]},n${index}`;
    });
    return await cluster.base.write('both.csv', `os,token,name\n${rows.join('\n')}`);
  }

  const toBoth = ({ simulator }: Fixture): string[] => [
    ...['--platform-column', 'os', '--gateway', simulator.url!, '--fcm-gateway', simulator.fcm!.url, '--topic', topic],
    ...['--title', 'Hi {{name}}', '--fcm-quota', 'off', '--accepted'],
  ];

  function dispatchBoth(list: string, more: readonly string[]): PealProcess {
    const { base, redis } = cluster;
    const where = ['--redis', redis.url, '--project', 'peal-simulator', '--out', base.path('out')];
    return cluster.run(['dispatch', list, ...where, ...toBoth(base), '--slice', '1000', ...more]);
  }

  const messages = () => cluster.base.simulator.fcm!.summary().messages;
  const summaryIn = (folder: string): Record<string, number> =>
    JSON.parse(readFileSync(cluster.base.path(`${folder}/summary.json`), 'utf8'));

  it('leaves what peal send leaves, with the books of the service, and one access token for all', async () => {
    await open();
    await using alone = await Fixture.open({ fcm: true });
    const fcm = alone.simulator.fcm!;
    await alone.write('account.json', JSON.stringify(fcm.serviceAccount));
    const sending = runCommand(
      [
        ...['send', cluster.base.path('list.txt'), '--provider', 'fcm', '--gateway', fcm.url],
        ...['--service-account', alone.path('account.json'), '--ca', alone.path('ca.pem'), '--threads', '0'],
        ...['--title', 'Hello', '--alert', 'there', '--fcm-quota', 'off', '--accepted', '--json'],
        ...['--out', alone.path('out')],
      ],
      { ownProcess: true },
    );
    // One slice at a time for each, at a rate that leaves both the time to take some.
    const workers = await Promise.all([worker('--slots', '1'), worker('--slots', '1')]);
    const dispatcher = dispatch(['--project', 'peal-simulator', '--slice', '2000', '--rate', '8000/s', '--json']);
    const [one, { code }] = await Promise.all([sending, dispatcher.ended]);
    assert.deepEqual([one.code, code], [3, 3], `${one.stderr}${dispatcher.stderr}`);
    assert.equal(dispatcher.stderr, one.stderr);
    assertSameOutputs(cluster.base.path('out'), alone.path('out'));
    const { connections: _, ...books } = messages() as unknown as Record<string, unknown>;
    const { connections: __, ...others } = fcm.summary().messages as unknown as Record<string, unknown>;
    assert.deepEqual(books, others);
    assert.deepEqual([messages().accepted, messages().rejected], [recipients - rejected, rejected]);
    assert.deepEqual([messages().distinctTokens, messages().duplicates], [recipients, 0]);
    assert.equal(cluster.base.simulator.fcm!.summary().tokens.minted, 1);
    for (const one of workers) one.kill('SIGTERM');
    await Promise.all(workers.map(({ ended }) => ended));
    for (const { stderr } of workers) assert.match(stderr, /has ended \d+ slices?: [1-9][\d,]* accepted/);
    assert.deepEqual(await cluster.cluster.store.campaigns(), [], 'nothing of it is left in the store');
  });

  it('loses nobody, and sends to nobody twice, when a worker is killed in the middle', async () => {
    await open({ roundTripMs: 50 });
    const workers = await Promise.all([worker(), worker()]);
    const dispatcher = dispatch([...account(), '--slice', '1000', '--rate', '6000/s', '--quiet']);
    await until(() => messages().requests >= recipients / 4 || dispatcher.hasEnded, 'a quarter was sent to');
    let busy: PealProcess | undefined;
    await until(async () => {
      const names = await busyWorkers(cluster);
      busy = workers.find(({ pid }) => names.some((name) => isOfProcess(name, pid)));
      return busy !== undefined || dispatcher.hasEnded;
    }, 'a worker had a slice');
    assert.ok(busy !== undefined, 'the campaign has not ended before');
    busy.kill('SIGKILL');
    const { code } = await dispatcher.ended;
    assert.equal(code, 3, dispatcher.stderr);
    const { accepted, unknown, unsent, rejected: refused } = summaryIn('out');
    const books = messages();
    assert.deepEqual([accepted! + refused! + unknown!, unsent], [recipients, 0]);
    assert.equal(books.duplicates, 0, 'nobody is sent to twice');
    assert.ok(books.accepted >= accepted! && books.rejected >= refused!, 'the books have what the files have');
    const unanswered = books.accepted + books.rejected - accepted! - refused!;
    assert.ok(unanswered <= unknown!, `${unanswered} were sent to and are not known, ${unknown} are unknown`);
    assert.ok(accepted! + refused! > recipients / 2, `${unknown} are unknown`);
  });

  it('sends one list to both services, and leaves what peal send leaves', async () => {
    await open();
    const list = await writeBoth();
    await using alone = await Fixture.open({ fcm: true });
    await alone.write('account.json', JSON.stringify(alone.simulator.fcm!.serviceAccount));
    const own = ['--service-account', alone.path('account.json'), '--ca', alone.path('ca.pem'), '--threads', '0'];
    const sending = runCommand(
      ['send', list, ...toBoth(alone), ...own, ...alone.credential, '--json', '--out', alone.path('out')],
      { ownProcess: true },
    );
    await Promise.all([worker(), worker()]);
    const dispatcher = dispatchBoth(list, ['--json']);
    const [one, { code }] = await Promise.all([sending, dispatcher.ended]);
    assert.deepEqual([one.code, code], [3, 3], `${one.stderr}${dispatcher.stderr}`);
    assert.equal(dispatcher.stderr, one.stderr);
    assertSameOutputs(cluster.base.path('out'), alone.path('out'));
    const [apns, google] = [cluster.base.simulator.ledger.summary(), messages()];
    const services = summaryIn('out').services as unknown as readonly ServiceBooks[];
    assert.deepEqual(
      services.map(({ service, accepted, rejected: refused, latencyMs }) => [
        ...[service, accepted, refused],
        latencyMs.answers,
      ]),
      [
        ['apns', apns.accepted, apns.rejected, apns.accepted + apns.rejected],
        ['fcm', google.accepted, google.rejected, google.accepted + google.rejected],
      ],
    );
    assert.deepEqual([apns.rejected, google.rejected], [rejected, rejected]);
    assert.deepEqual([apns.distinctTokens, google.distinctTokens], [recipients / 2, recipients / 2]);
    assert.deepEqual([apns.duplicates, google.duplicates], [0, 0]);
    assert.deepEqual(await cluster.cluster.store.campaigns(), [], 'nothing of it is left in the store');
    assert.equal(cluster.redis.cli('--scan', '--pattern', '*s[0-9]*'), '', 'no slice and no job is left in Redis');
  });

  it('goes on with both services after kill -9 of the dispatcher, and sends to nobody twice', async () => {
    await open({ roundTripMs: 20 });
    const list = await writeBoth();
    await Promise.all([worker(), worker()]);
    const sent = (): number => cluster.requests + messages().requests;
    for (const count of [2_000, 9_000]) {
      const dispatcher = dispatchBoth(list, ['--rate', '5000/s', '--quiet']);
      await until(() => sent() >= count || dispatcher.hasEnded, `${count} were sent to`);
      assert.equal(dispatcher.hasEnded, false, dispatcher.stderr);
      dispatcher.kill('SIGKILL');
      await dispatcher.ended;
    }
    const { next } = (await viewCampaign(cluster.base.path('out'))).summary;
    assert.ok(next[0]!.text.includes('are at workers, whose books are asked first'), next[0]!.text);
    assert.deepEqual(
      next.filter(({ command }) => command?.includes('--on-unknown')),
      [],
    );
    const last = cluster.run(['resume', cluster.base.path('out'), '--rate', 'off', '--quiet']);
    assert.equal((await last.ended).code, 3, last.stderr);
    const { accepted, rejected: refused, unknown, unsent } = summaryIn('out');
    assert.deepEqual([accepted! + refused!, unknown, unsent], [recipients, 0, 0]);
    const [apns, google] = [cluster.base.simulator.ledger.summary(), messages()];
    assert.deepEqual([apns.accepted + google.accepted, apns.rejected + google.rejected], [accepted, refused]);
    const services = summaryIn('out').services as unknown as readonly ServiceBooks[];
    assert.deepEqual(
      services.map(({ accepted: taken, rejected: not }) => [taken, not]),
      [
        [apns.accepted, apns.rejected],
        [google.accepted, google.rejected],
      ],
    );
    assert.deepEqual([apns.duplicates, google.duplicates], [0, 0]);
    assert.deepEqual(await cluster.cluster.store.campaigns(), []);
  });

  it('stops both services where a worker has no service account', async () => {
    await open();
    const list = await writeBoth();
    await cluster.worker();
    const dispatcher = dispatchBoth(list, ['--quiet']);
    assert.equal((await dispatcher.ended).code, 5, dispatcher.stderr);
    assert.match(dispatcher.stderr, /started without a credential of FCM/);
    const { accepted, rejected: refused, unsent, unknown } = summaryIn('out');
    assert.deepEqual([accepted! + refused! + unsent!, unknown, messages().requests], [recipients, 0, 0]);
    assert.equal(accepted! + refused!, cluster.requests, 'what went to APNs is in the books');
  });

  it('stops where a worker has no service account, with everybody left, and goes on with a worker that has one', async () => {
    await open();
    const without = await cluster.worker();
    const first = dispatch(['--project', 'peal-simulator', '--quiet']);
    assert.equal((await first.ended).code, 5, first.stderr);
    assert.match(first.stderr, /started without a credential of FCM: give it --service-account FILE/);
    assert.deepEqual([summaryIn('out').unsent, summaryIn('out').unknown, messages().requests], [recipients, 0, 0]);
    without.kill('SIGTERM');
    await without.ended;
    await worker();
    const second = cluster.run(['resume', cluster.base.path('out'), '--quiet']);
    assert.equal((await second.ended).code, 3, second.stderr);
    assert.deepEqual([messages().accepted, messages().rejected], [recipients - rejected, rejected]);
    assert.equal(messages().duplicates, 0);
  });
});
