/** `peal broadcast` against the simulator: each channel in one outcome, in agreement with the simulator's books. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { jsonLines, runCommand } from '../../support/command.js';
import { bundleId, ChannelsFixture } from './channels-fixture.js';

const state = ['--content-state', '{"score":"2:1"}'];

describe('peal broadcast', () => {
  let fixture: ChannelsFixture;
  afterEach(() => fixture[Symbol.asyncDispose]());

  const sent = (): number => fixture.simulator.channels.summary().broadcasts.requests;

  it('sends to each channel, prints its outcome, and sums up on standard error', async () => {
    fixture = await ChannelsFixture.open();
    const [first, second] = await fixture.create(2);
    const { code, stdout, stderr } = await fixture.broadcast(['--channel', first!, '--channel', second!, ...state]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, `accepted  ${first}\naccepted  ${second}\n`);
    assert.match(stderr, /^peal: 2 channels: 2 accepted \(\d+\.\d\d s\)\n$/);
    const received = fixture.simulator.channels.received('broadcast');
    assert.deepEqual(received.map(({ channelId }) => channelId).sort(), [first, second].sort());
    for (const { payload, priority, expiration, pushType } of received) {
      const { aps } = JSON.parse(payload) as { aps: Record<string, unknown> };
      assert.deepEqual([aps.event, aps['content-state']], ['update', { score: '2:1' }]);
      assert.ok(Math.abs(Number(aps.timestamp) - Date.now() / 1000) < 60, String(aps.timestamp));
      assert.deepEqual([priority, expiration, pushType], ['10', '0', 'liveactivity']);
    }
  });

  it('takes every option of the message', async () => {
    fixture = await ChannelsFixture.open();
    const [id] = await fixture.create(1, '--storage-policy', 'most-recent');
    const file = await fixture.fixture.write('state.json', '\uFEFF{"score":"3:1"}');
    const requestId = '7d8ed3e9-9a5b-4a4f-9b1a-1d2b8c0f5a11';
    const times = ['--timestamp', '1900000000', '--stale-date', '1900000100', '--dismissal-date', '1900000200'];
    const alert = ['--alert', 'Over', '--title', 'Match', '--sound', 'default', '--relevance-score', '0.5'];
    const delivery = ['--priority', '5', '--expiration', '1900000300', '--request-id', requestId];
    const args = ['--event', 'end', '--content-state', file, ...times, ...alert, ...delivery];
    const { code, stderr } = await fixture.broadcast(['--channel', id!, ...args]);
    assert.equal(code, 0, stderr);
    const [request] = fixture.simulator.channels.received('broadcast');
    assert.deepEqual(JSON.parse(request!.payload), {
      aps: {
        alert: { title: 'Match', body: 'Over' },
        sound: 'default',
        'relevance-score': 0.5,
        timestamp: 1900000000,
        event: 'end',
        'content-state': { score: '3:1' },
        'stale-date': 1900000100,
        'dismissal-date': 1900000200,
      },
    });
    assert.deepEqual([request!.priority, request!.expiration, request!.requestId], ['5', '1900000300', requestId]);
  });

  it('sends a whole payload of up to 5,120 bytes', async () => {
    fixture = await ChannelsFixture.open();
    const [id] = await fixture.create(1);
    const aps = { event: 'update', timestamp: 1900000000, 'content-state': { text: 'x'.repeat(5_000) } };
    const file = await fixture.fixture.write('payload.json', JSON.stringify({ aps }, null, 2));
    const { code, stderr } = await fixture.broadcast(['--channel', id!, '--payload', file]);
    assert.equal(code, 0, stderr);
    const [request] = fixture.simulator.channels.received('broadcast');
    assert.deepEqual(JSON.parse(request!.payload), { aps });
  });

  it('reads lists as peal channels list prints them, and counts duplicates and invalid lines', async () => {
    fixture = await ChannelsFixture.open();
    await fixture.create(3);
    const { stdout: list } = await fixture.channels(['list']);
    const ids = list.trimEnd().split('\n');
    const file = await fixture.fixture.write('channels.txt.gz', gzipSync(`${list}not an id\n${ids[0]}`));
    const result = await fixture.broadcast(['--channels', file, '--channel', ids[2]!, ...state]);
    assert.equal(result.code, 3);
    assert.equal(result.stdout, `accepted  ${ids[2]}\naccepted  ${ids[0]}\naccepted  ${ids[1]}\ninvalid   ${file}:4\n`);
    const summary = /^peal: 4 channels: 3 accepted, 1 invalid; 2 duplicates dropped \(\d+\.\d\d s\)$/m;
    assert.match(result.stderr, summary);
    assert.match(result.stderr, /^peal: one line is not the id of a channel: line 4 of .*channels\.txt\.gz$/m);
    assert.doesNotMatch(result.stdout + result.stderr, /not an id/);
    assert.equal(sent(), 3);
  });

  it('prints JSON lines whose summary is the sum of the outcomes', async () => {
    fixture = await ChannelsFixture.open();
    const [id] = await fixture.create(1);
    const args = ['--channel', id!, '--channel', 'AAAA', '--channels', '-', '--json', ...state];
    const { code, stdout } = await fixture.broadcast(args, { stdin: `${id}\nnot an id\n` });
    assert.equal(code, 3);
    const [accepted, rejected, invalid, error, summary, ...others] = jsonLines(stdout);
    assert.deepEqual(others, []);
    const { requestId, uniqueId, ...answer } = accepted!;
    const none = { retryAfterSeconds: null, code: null };
    const wanted = { messageType: 'channel', channelId: id, outcome: 'accepted', status: 200, reason: null };
    assert.deepEqual(answer, { ...wanted, ...none, attempts: 1 });
    assert.match(String(requestId), /^[0-9a-f-]{36}$/);
    assert.ok(uniqueId === null || typeof uniqueId === 'string');
    assert.deepEqual(
      [rejected!.channelId, rejected!.outcome, rejected!.status, rejected!.reason, rejected!.code],
      ['AAAA', 'rejected', 400, 'ChannelNotRegistered', null],
    );
    assert.deepEqual(
      [invalid!.channelId, invalid!.outcome, invalid!.code, invalid!.list, invalid!.line],
      [null, 'invalid', 'ERR_PEAL_CHANNEL', 'standard input', 2],
    );
    assert.deepEqual([error!.code, error!.count, error!.retryable], ['ERR_PEAL_REJECTED', 1, false]);
    const { seconds, ...counts } = summary!;
    assert.equal(typeof seconds, 'number');
    const outcomes = { accepted: 1, rejected: 1, unsent: 0, unknown: 0, invalid: 1, duplicate: 1 };
    const why = { reasons: { ChannelNotRegistered: 1 }, causes: {}, stopped: null };
    assert.deepEqual(counts, { messageType: 'summary', channels: 3, ...outcomes, ...why, exitCode: 3 });
  });

  it('sends again after a temporary fault, as often as --retries says', async () => {
    const faults = [{ when: { requests: 1 }, do: 'answer', reason: 'ServiceUnavailable' }] as const;
    fixture = await ChannelsFixture.open({ scenario: { faults } });
    const [id] = await fixture.create(1);
    const result = await fixture.broadcast(['--channel', id!, ...state, '--retries', '1', '--json']);
    const [channel, error, summary] = jsonLines(result.stdout);
    assert.deepEqual([channel!.outcome, channel!.reason, channel!.attempts], ['rejected', 'ServiceUnavailable', 2]);
    assert.deepEqual([error!.code, error!.retryable], ['ERR_PEAL_REJECTED', true]);
    assert.deepEqual([result.code, summary!.exitCode], [4, 4]);
    assert.equal(sent(), 2);
    const once = await fixture.broadcast(['--channel', id!, ...state, '--retries', '0']);
    assert.equal(once.code, 4);
    assert.equal(sent(), 3);
  });

  it('calls unknown what was written and never answered, and ends with 3', async () => {
    const faults = [{ when: { requests: 1 }, do: 'noAnswer', processed: 1 }] as const;
    fixture = await ChannelsFixture.open({ scenario: { faults } });
    const [id] = await fixture.create(1);
    const result = await fixture.broadcast(['--channel', id!, ...state, '--timeout', '300ms']);
    assert.deepEqual([result.code, result.stdout], [3, `unknown   ${id}  ERR_PEAL_TIMEOUT\n`]);
    assert.match(result.stderr, /^peal: 1 unknown: The broadcast to a channel was not over within 300 ms\.$/m);
    assert.equal(sent(), 1);
  });

  it('ends at once after a second Ctrl-C', async () => {
    const faults = [{ when: { requests: 1 }, do: 'noAnswer', processed: 1 }] as const;
    fixture = await ChannelsFixture.open({ scenario: { faults } });
    const [id] = await fixture.create(1);
    const { code, stdout, stderr } = await fixture.broadcast(['--channel', id!, ...state], {
      whileRunning: async (child) => {
        while (sent() < 1) await new Promise((resolve) => setImmediate(resolve));
        child.kill('SIGINT');
        await once(child.stderr!, 'data');
        child.kill('SIGINT');
      },
    });
    assert.deepEqual([code, stdout], [130, '']);
    assert.match(stderr, /^peal: ended at once: requests that were under way may have been carried out$/m);
  });

  it('leaves all unsent where the gateway cannot be reached, and ends with 4', async () => {
    fixture = await ChannelsFixture.open();
    const nowhere = ['--bundle-id', bundleId, '--gateway', 'https://127.0.0.1:1'];
    const channels = ['--channel', 'AAAA', '--channel', 'BBBB'];
    const result = await runCommand(['broadcast', ...nowhere, ...channels, ...state]);
    assert.equal(result.code, 4);
    assert.equal(result.stdout, 'unsent    AAAA  ERR_PEAL_CONNECT\nunsent    BBBB  ERR_PEAL_CONNECT\n');
    assert.match(result.stderr, /^peal: 2 unsent: 127\.0\.0\.1:1 refused the connection: .*\.$/m);
  });

  it('stops after ten refusals for one reason, and tells the reason once', async () => {
    fixture = await ChannelsFixture.open({ broadcastTopics: ['com.example.other'] });
    const list = Array.from({ length: 1_000 }, (_, number) => String(1_000 + number)).join('\n');
    const file = await fixture.fixture.write('channels.txt', list);
    const result = await fixture.broadcast(['--channels', file, ...state, '--json']);
    const summary = jsonLines(result.stdout).at(-1) as Record<string, number>;
    assert.deepEqual([result.code, summary.stopped, summary.channels], [4, 'ERR_PEAL_STOPPED', 1_000]);
    assert.equal(summary.rejected! + summary.unsent!, 1_000);
    assert.ok(summary.unsent! > 500, `${summary.unsent} unsent`);
    assert.equal(result.stderr.match(/FeatureNotEnabled/g)?.length, 1, result.stderr);
  });

  it('shows with --dry-run what would be sent, and sends nothing', async () => {
    fixture = await ChannelsFixture.open();
    const file = await fixture.fixture.write('channels.txt', 'AAAA\nAAAA\nnot an id\n');
    const args = ['--channels', file, ...state, '--timestamp', '1900000000', '--dry-run'];
    const { code, stdout, stderr } = await fixture.broadcast(args);
    assert.deepEqual([code, stderr], [3, '']);
    const text = '{"aps":{"timestamp":1900000000,"event":"update","content-state":{"score":"2:1"}}}';
    for (const line of [
      /^ {2}channels {5}2$/m,
      /^ {2}to send {6}1$/m,
      /^ {2}invalid {6}1$/m,
      /line 3 of .*channels\.txt$/m,
      /^ {2}duplicates {3}1$/m,
      /\/4\/broadcasts\/apps\/com\.example\.app$/m,
      /apns-push-type: liveactivity$/m,
      /81 of 5,120 bytes$/m,
      /^ {2}Nothing was sent\.$/m,
    ]) {
      assert.match(stdout, line);
    }
    assert.ok(stdout.includes(text), stdout);
    const [message, ...others] = jsonLines((await fixture.broadcast([...args, '--json'])).stdout);
    assert.deepEqual(others, []);
    const { url, headers, ...facts } = message!;
    assert.deepEqual(facts, {
      messageType: 'dry-run',
      ...{ channels: 2, toSend: 1, invalid: 1, duplicate: 1, invalidLines: [{ list: file, line: 3 }] },
      ...{ payload: { bytes: 81, limit: 5120 }, example: text },
    });
    assert.deepEqual(headers, { 'apns-push-type': 'liveactivity', 'apns-expiration': '0', 'apns-priority': '10' });
    assert.equal(url, `${fixture.simulator.url}/4/broadcasts/apps/${bundleId}`);
    assert.equal(sent(), 0);
  });

  it('leaves unsent after Ctrl-C what is not written, and prints the outcome of each channel', async () => {
    fixture = await ChannelsFixture.open({ roundTripMs: 300, maxStreams: 10 });
    const ids = await fixture.create(100);
    const file = await fixture.fixture.write('channels.txt', ids.join('\n'));
    const { code, stdout, stderr } = await fixture.broadcast(['--channels', file, ...state, '--json'], {
      whileRunning: async (child) => {
        while (sent() < 20) await new Promise((resolve) => setImmediate(resolve));
        child.kill('SIGINT');
      },
    });
    assert.equal(code, 130, stderr);
    const lines = jsonLines(stdout);
    const outcomes = new Map(lines.slice(0, 100).map(({ channelId, outcome }) => [channelId, outcome]));
    assert.deepEqual([...outcomes.keys()], ids);
    const summary = lines.at(-1) as Record<string, number>;
    assert.equal(summary.accepted! + summary.unsent!, 100, JSON.stringify(summary));
    assert.ok(summary.accepted! >= 20 && summary.unsent! > 0, JSON.stringify(summary));
    assert.equal(sent(), summary.accepted);
    assert.deepEqual([summary.stopped, summary.exitCode], ['ERR_PEAL_ABORTED', 130]);
    for (const { channelId, broadcasts } of fixture.simulator.channels.list()) {
      assert.equal(outcomes.get(channelId), broadcasts.accepted === 1 ? 'accepted' : 'unsent');
    }
    assert.match(stderr, /The run was interrupted \(SIGINT\): \d+ channels unsent, 0 unknown\.$/m);
  });
});
