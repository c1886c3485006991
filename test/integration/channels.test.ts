/** Channels and broadcasts of the library against the simulator: both books say the same. */
import assert from 'node:assert/strict';
import { APNs, type BroadcastResult, Channels, type MessageOptions, Session } from '../../src/index.js';
import {
  createThrowAwayProviderKey,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../src/simulator/index.js';

const bundleId = 'com.example.app';
const update = { event: 'update', timestamp: new Date(1_700_000_000_000), contentState: { score: 1 } } as const;
const { p8, keyId, teamId, publicKey } = createThrowAwayProviderKey();
const key = { key: p8, keyId, teamId };

describe('channels and broadcasts against the simulator', () => {
  let simulator: Simulator;
  let session: Session;

  async function open(options: SimulatorOptions = {}, threads = 0): Promise<Channels> {
    simulator = await startSimulator({
      ...{ auth: 'token', providerKeys: [{ keyId, teamId, publicKey }], controlPort: null, channelsPort: 0 },
      ...options,
    });
    session = new Session({ ca: simulator.caCertificate!, threads });
    return channelsOf(bundleId);
  }

  const channelsOf = (app: string): Channels =>
    new Channels(session.getConnection(simulator.url, key), { bundleId: app, address: simulator.channelsUrl! });
  const broadcast = (message: MessageOptions, ids: Iterable<string>, address?: string): Promise<BroadcastResult> => {
    const apns = new APNs(session.getConnection(simulator.url, key));
    return apns.broadcast(message, ids, { bundleId, ...(address !== undefined && { address }) });
  };

  afterEach(async () => {
    await session.close();
    await simulator.close();
  });

  for (const threads of [0, 1]) {
    it(`creates, reads, lists and removes, and sends to each channel once, threads: ${threads}`, async () => {
      const channels = await open({}, threads);
      const made = await Promise.all(Array.from({ length: 20 }, () => channels.create()));
      const kept = await channels.create({ storagePolicy: 'most-recent' });
      const ids = [...made.map(({ channelId }) => channelId), kept.channelId];
      assert.deepEqual(await channels.list(), ids);
      assert.deepEqual(
        simulator.channels.list(bundleId).map(({ channelId, storagePolicy }) => `${channelId} ${storagePolicy}`),
        ids.map((id) => `${id} ${id === kept.channelId ? 'most-recent' : 'none'}`),
      );
      assert.equal((await channels.read(kept.channelId)).storagePolicy, 'most-recent');
      const result = await broadcast(update, ids);
      assert.equal(result.accepted, 21);
      for (const { broadcasts } of simulator.channels.list(bundleId)) assert.equal(broadcasts.accepted, 1);
      const { requestId } = result.channels.get(kept.channelId)!;
      const [received] = simulator.channels.received('broadcast').filter((one) => one.channelId === kept.channelId);
      assert.equal(received!.requestId, requestId);
      assert.equal(received!.payload, '{"aps":{"timestamp":1700000000,"event":"update","content-state":{"score":1}}}');
      for (const id of ids) await channels.remove(id);
      assert.deepEqual(await channels.list(), []);
      // The same over the port of channel management.
      const again = await channels.create();
      assert.equal((await broadcast(update, [again.channelId], simulator.channelsUrl!)).accepted, 1);
      assert.equal(simulator.channels.summary().connections, 1);
    });
  }

  it('tells each refusal with its reason', async () => {
    const channels = await open({ topics: [bundleId], broadcastTopics: [bundleId, 'com.example.other'] });
    const { channelId } = await channels.create();
    const { channelId: other } = await channels.create({ storagePolicy: 'most-recent' });
    await channels.remove(other);
    const refusal = { code: 'ERR_PEAL_ANSWER', status: 400, reason: 'ChannelNotRegistered' };
    await assert.rejects(channels.read(other), refusal);
    await assert.rejects(channels.remove(other), refusal);
    await assert.rejects(channelsOf('com.example.other').create(), { status: 403, reason: 'TopicMismatch' });
    const reasons = async (message: MessageOptions, ids: string[]): Promise<(string | null)[]> =>
      [...(await broadcast(message, ids)).channels.values()].map(({ reason }) => reason);
    assert.deepEqual(await reasons(update, [channelId, other]), [null, 'ChannelNotRegistered']);
    // A channel that keeps nothing takes no expiration.
    assert.deepEqual(await reasons({ ...update, expiration: { seconds: 60 } }, [channelId]), ['BadExpirationDate']);
    const { reasons: counted } = simulator.channels.summary().broadcasts;
    assert.deepEqual(counted, { ChannelNotRegistered: 1, BadExpirationDate: 1 });
  });

  it('has one outcome for each channel, which the books of a gateway with faults confirm', async () => {
    const channels = await open({
      scenario: {
        faults: [
          { do: 'goaway', last: 'half', how: 'drain', when: { connectionRequests: 60 }, times: 2 },
          { do: 'refuse', forRequests: 3, when: { requests: 30 } },
          { do: 'rst', forRequests: 3, when: { requests: 100 } },
          { do: 'answer', reason: 'TooManyRequests', forRequests: 3, when: { requests: 20 } },
        ],
      },
    });
    const ids = (await Promise.all(Array.from({ length: 200 }, () => channels.create()))).map((one) => one.channelId);
    const result = await broadcast(update, ids);
    const { accepted, rejected, unsent, unknown, invalid } = result;
    assert.equal(accepted + unknown, 200);
    assert.deepEqual([rejected, unsent, invalid], [0, 0, 0]);
    assert.ok(unknown > 0);
    assert.equal(simulator.channels.summary().broadcasts.accepted, accepted);
    for (const { channelId, broadcasts } of simulator.channels.list()) {
      const { outcome, attempts } = result.channels.get(channelId)!;
      assert.equal(broadcasts.accepted, outcome === 'accepted' ? 1 : 0);
      assert.equal(broadcasts.accepted + broadcasts.rejected, attempts - (outcome === 'unknown' ? 1 : 0));
      assert.ok(broadcasts.unanswered <= 1);
    }
  });
});
