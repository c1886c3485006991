/** `peal channels` against the simulator: what it prints, what the simulator's books say, and how it ends. */
import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { runRemove } from '../../../src/cli/channels/channels.js';
import { ThrowAwayAuthority } from '../../../src/simulator/listen/certificate.js';
import { jsonLines, runCommand } from '../../support/command.js';
import { ConnectProxy } from '../../support/connect-proxy.js';
import { assertOneSentence } from '../fixture.js';
import { bundleId, ChannelsFixture } from './channels-fixture.js';

describe('peal channels', () => {
  let fixture: ChannelsFixture;
  afterEach(() => fixture[Symbol.asyncDispose]());

  const there = (): string[] => fixture.simulator.channels.list(bundleId).map(({ channelId }) => channelId);

  it('creates a channel, and prints its id alone on standard output', async () => {
    fixture = await ChannelsFixture.open();
    const { code, stdout, stderr } = await fixture.channels(['create', '--storage-policy', 'most-recent']);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, `peal: created 1 channel of ${bundleId} (storage policy most-recent)\n`);
    const [channel, ...others] = fixture.simulator.channels.list();
    assert.deepEqual([channel!.bundleId, channel!.storagePolicy, others], [bundleId, 'most-recent', []]);
    assert.equal(stdout, `${channel!.channelId}\n`);
  });

  it('creates as many as it is told to, and with --json prints a line for each', async () => {
    fixture = await ChannelsFixture.open();
    const { code, stdout, stderr } = await fixture.channels(['create', '--count', '40', '--json']);
    assert.deepEqual([code, stderr], [0, '']);
    const lines = jsonLines(stdout);
    assert.deepEqual(lines.map(({ channelId }) => channelId).sort(), there().sort());
    assert.equal(there().length, 40);
    for (const { messageType, storagePolicy, pushType, requestId } of lines) {
      assert.deepEqual([messageType, storagePolicy, pushType], ['channel', 'none', 'liveactivity']);
      assert.match(String(requestId), /^[0-9a-f-]{36}$/);
    }
  });

  it('reads a channel, with the request id that is given', async () => {
    fixture = await ChannelsFixture.open();
    const [id] = await fixture.create(1, '--storage-policy', 'most-recent');
    const read = await fixture.channels(['read', id!]);
    assert.deepEqual([read.code, read.stdout, read.stderr], [0, `${id}  most-recent  liveactivity\n`, '']);
    const requestId = '7d8ed3e9-9a5b-4a4f-9b1a-1d2b8c0f5a11';
    const { stdout } = await fixture.channels(['read', id!, '--json', '--request-id', requestId]);
    const message = { messageType: 'channel', channelId: id, storagePolicy: 'most-recent', pushType: 'liveactivity' };
    assert.deepEqual(jsonLines(stdout), [{ ...message, requestId }]);
    assert.equal(fixture.simulator.channels.received('read').at(-1)!.requestId, requestId);
  });

  it('lists what there is', async () => {
    fixture = await ChannelsFixture.open();
    const none = await fixture.channels(['list']);
    assert.deepEqual([none.code, none.stdout, none.stderr], [0, '', `peal: there are no channels of ${bundleId}\n`]);
    await fixture.create(3);
    const { stdout, stderr } = await fixture.channels(['list']);
    assert.deepEqual([stdout.trimEnd().split('\n'), stderr], [there(), `peal: 3 channels of ${bundleId}\n`]);
    const json = await fixture.channels(['list', '--json']);
    assert.deepEqual(
      jsonLines(json.stdout),
      there().map((channelId) => ({ messageType: 'channel', channelId })),
    );
    assert.equal((await fixture.channels(['list', '--quiet'])).stderr, '');
  });

  it('removes those that are named, and those of a file or standard input', async () => {
    fixture = await ChannelsFixture.open();
    const ids = await fixture.create(6);
    const [first, second, third, fourth, ...rest] = ids as [string, string, string, string, string, string];
    const list = await fixture.fixture.write('channels.txt', `${second}\r\n\n${third}\n`);
    const removed = await fixture.channels(['remove', first, '--from', list, '--yes']);
    assert.deepEqual([removed.code, removed.stderr], [0, `peal: removed 3 of 3 channels of ${bundleId}\n`]);
    assert.deepEqual(
      removed.stdout.trimEnd().split('\n').sort(),
      [first, second, third].map((id) => `removed   ${id}`).sort(),
    );
    const piped = await fixture.channels(['remove', '--from', '-', '--yes', '--json'], { stdin: fourth });
    const outcome = { outcome: 'removed', status: null, reason: null };
    assert.deepEqual(jsonLines(piped.stdout), [{ messageType: 'channel', channelId: fourth, ...outcome }]);
    assert.deepEqual(there(), rest);
  });

  it('goes on with the others after one that is not there, and ends with 3', async () => {
    fixture = await ChannelsFixture.open();
    const ids = await fixture.create(2);
    const result = await fixture.channels(['remove', 'AAAA', ...ids, '--yes']);
    assert.equal(result.code, 3);
    assert.match(result.stdout, /^rejected {2}AAAA {2}400 ChannelNotRegistered$/m);
    assert.match(result.stderr, /^peal: removed 2 of 3 channels of com\.example\.app$/m);
    assert.match(
      result.stderr,
      /answered the request to remove a channel with "400 ChannelNotRegistered"\. The app has no/,
    );
    assert.deepEqual(there(), []);
    const json = await fixture.channels(['read', 'AAAA', '--json']);
    const [error] = jsonLines(json.stdout);
    assert.equal(json.code, 3);
    assert.deepEqual(
      [error!.messageType, error!.code, error!.status, error!.reason, error!.retryable, error!.count],
      ['error', 'ERR_PEAL_ANSWER', 400, 'ChannelNotRegistered', false, 1],
    );
    assertOneSentence(json, /400 ChannelNotRegistered/);
  });

  it('stops at a failure that all would meet', async () => {
    fixture = await ChannelsFixture.open({ broadcastTopics: ['com.example.other'] });
    const result = await fixture.channels(['create', '--count', '100']);
    assert.equal(result.code, 3);
    assert.equal(result.stdout, '');
    assert.match(result.stderr, /"\d+ FeatureNotEnabled"/);
    const { requests } = fixture.simulator.channels.summary().management;
    assert.ok(requests <= 16, `${requests} requests`);
  });

  it('ends with 4 where the service cannot be reached', async () => {
    fixture = await ChannelsFixture.open();
    const ids = await fixture.create(2);
    const arguments_ = ['remove', ...ids, '--yes', '--gateway', 'https://127.0.0.1:1', '--bundle-id', bundleId];
    const result = await runCommand(['channels', ...arguments_]);
    assert.equal(result.code, 4);
    assert.deepEqual(
      result.stdout.trimEnd().split('\n'),
      ids.map((id) => `unsent    ${id}`),
    );
    assert.match(result.stderr, /refused the connection/);
    assert.equal(there().length, 2);
  });

  it('says that a channel may have been created whose id did not arrive', async () => {
    const channelsScenario = { faults: [{ when: { requests: 1 }, do: 'noAnswer' }] } as const;
    fixture = await ChannelsFixture.open({ channelsScenario });
    const result = await fixture.channels(['create', '--timeout', '300ms']);
    assert.deepEqual([result.code, result.stdout], [4, '']);
    assert.match(
      result.stderr,
      /^peal: 1 channel more may have been created, whose id did not arrive: peal channels list/m,
    );
    assert.match(
      result.stderr,
      /^peal: The request to create a channel was not over within 300 ms\. The channel may have been created all the same\.$/m,
    );
    const removed = await fixture.channels(['remove', 'AAAA', '--yes', '--timeout', '300ms']);
    assert.deepEqual([removed.code, removed.stdout], [4, 'unknown   AAAA\n']);
  });

  it('says the same after a fault of the service, which may have come too late to undo the channel', async () => {
    const channelsScenario = {
      faults: [{ when: { requests: 1 }, do: 'answer', reason: 'InternalServerError' }],
    } as const;
    fixture = await ChannelsFixture.open({ channelsScenario });
    const result = await fixture.channels(['create']);
    assert.deepEqual([result.code, result.stdout], [4, '']);
    assert.match(result.stderr, /^peal: 1 channel more may have been created, whose id did not arrive/m);
  });

  it('says so where a gateway for pushes answers', async () => {
    fixture = await ChannelsFixture.open();
    const result = await fixture.channelsAt(fixture.simulator.url!, ['list']);
    assert.equal(result.code, 3);
    assert.match(result.stderr, /^peal: --gateway has to be a channel management service, .*: check host and port$/m);
  });

  it('goes through a proxy', async () => {
    fixture = await ChannelsFixture.open();
    const proxy = await ConnectProxy.open();
    try {
      const [id] = await fixture.create(1, '--proxy', proxy.url());
      const { code, stderr } = await fixture.broadcast(['--channel', id!, '--event', 'end'], {
        env: { PEAL_PROXY: proxy.url() },
      });
      assert.equal(code, 0, stderr);
      assert.equal(proxy.requests.length, 2);
    } finally {
      await proxy.close();
    }
  });

  it('takes a client certificate as credential, and says which', async () => {
    const authority = new ThrowAwayAuthority();
    const { cert, key } = authority.issueClient(bundleId);
    fixture = await ChannelsFixture.open({ auth: 'certificate', clientCa: authority.certificate, providerKeys: [] });
    const files = await Promise.all([fixture.fixture.write('c.pem', cert), fixture.fixture.write('c.key', key)]);
    const credential = ['--cert', files[0]!, '--cert-key', files[1]!];
    const result = await fixture.channelsAt(fixture.simulator.channelsUrl!, ['create'], credential);
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stderr, /^peal: client certificate .*com\.example\.app, valid until \d{4}-\d\d-\d\d$/m);
    assert.equal(there().length, 1);
  });

  it('takes a reader of the list that leaves for no problem', async () => {
    fixture = await ChannelsFixture.open();
    await fixture.create(200);
    const { code, stderr } = await fixture.channels(['list', '--quiet'], {
      whileRunning: (child) => void child.stdout!.destroy(),
    });
    assert.deepEqual([code, stderr], [0, '']);
  });

  describe('asked on a terminal', () => {
    /** The answer of a person to `peal channels remove`. */
    const answered = async (answer: string): Promise<{ readonly code: number; readonly said: string }> => {
      const [id] = await fixture.create(1);
      const stdin = Object.assign(new PassThrough(), { isTTY: true });
      let said = '';
      const stderr = new Writable({
        write: (chunk: Buffer, _, done) => {
          said += chunk.toString();
          if (said.endsWith('[y/N] ')) stdin.write(`${answer}\n`);
          done();
        },
      });
      const { keyId, teamId } = fixture.fixture.providerKey;
      const key = { key: fixture.fixture.path('key.p8'), keyId, teamId };
      const flags = { ...key, bundleId, gateway: fixture.simulator.channelsUrl!, ca: fixture.fixture.path('ca.pem') };
      const code = await runRemove([id!], flags, { stdin, stdout: new PassThrough(), stderr, env: {} });
      return { code, said };
    };

    it('removes nothing without a yes', async () => {
      fixture = await ChannelsFixture.open();
      const { code, said } = await answered('no');
      assert.equal(code, 0);
      assert.match(
        said,
        /^Subscribers of a removed channel get no more updates\.\nRemove 1 channel of com\.example\.app/,
      );
      assert.match(said, /peal: nothing was removed\n$/);
      assert.equal(there().length, 1);
    });

    it('removes them after a yes', async () => {
      fixture = await ChannelsFixture.open();
      const { code, said } = await answered('y');
      assert.equal(code, 0, said);
      assert.match(said, /peal: removed 1 of 1 channel/);
      assert.equal(there().length, 0);
    });
  });

  it('begins no further request after Ctrl-C, waits for answers and prints their ids', async () => {
    fixture = await ChannelsFixture.open({ roundTripMs: 400 });
    const { code, stdout, stderr } = await fixture.channels(['create', '--count', '200'], {
      whileRunning: async (child) => {
        while (fixture.simulator.channels.summary().management.requests < 16) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        child.kill('SIGINT');
      },
    });
    assert.equal(code, 130, stderr);
    const ids = stdout.trimEnd().split('\n');
    assert.deepEqual(ids.sort(), there().sort());
    assert.ok(ids.length < 100, `${ids.length} were created`);
    assert.match(stderr, /^peal: stopping: waiting for answers; press Ctrl-C again to end at once$/m);
    assert.match(stderr, new RegExp(`^peal: created ${ids.length} of 200 channels of com\\.example\\.app`, 'm'));
  });

  for (const [subject, ...args] of [
    ['removal', 'remove', 'AAAA', '--yes'],
    ['creation', 'create'],
  ]) {
    it(`calls a ${subject} unknown that was written before Ctrl-C and never answered`, async () => {
      fixture = await ChannelsFixture.open({
        channelsScenario: { faults: [{ when: { requests: 1 }, do: 'noAnswer', processed: 1 }] },
      });
      const { code, stdout, stderr } = await fixture.channels(args, {
        whileRunning: async (child) => {
          while (fixture.simulator.channels.summary().management.requests < 1) {
            await new Promise((resolve) => setImmediate(resolve));
          }
          child.kill('SIGINT');
        },
      });
      assert.equal(code, 130, stderr);
      if (subject === 'removal') assert.deepEqual(stdout.match(/^\w+/gm), ['unknown']);
      else assert.match(stderr, /^peal: 1 channel more may have been created, whose id did not arrive/m);
    });
  }
});
