/** The gateway in memory, as a user's own test would use it: the whole sender, in one thread, under faults. */
import assert from 'node:assert/strict';
import { createMemoryBackend } from '../../src/backend.js';
import { APNs, Channels, createMemoryGateway, Message, type Scenario, Session, systemClock } from '../../src/index.js';
import { tokenNumber } from '../support/push-client.js';

describe('a gateway in memory', () => {
  const tokens = Array.from({ length: 2000 }, (_, index) => tokenNumber(index));

  async function send(
    scenario: Scenario,
  ): Promise<{ gateway: Awaited<ReturnType<typeof createMemoryGateway>>; counts: object }> {
    const gateway = await createMemoryGateway({ scenario });
    const backend = createMemoryBackend(gateway.accept, { clock: systemClock });
    await using session = new Session({ backend, threads: 0 });
    const apns = new APNs(session.getConnection('https://gateway.invalid', null));
    const result = await apns.send(new Message(tokens, { alert: 'Hi', topic: 'com.example.app' }));
    const { accepted, rejected, unsent, unknown } = result.counts;
    return { gateway, counts: { accepted, rejected, unsent, unknown } };
  }

  it('loses and repeats nothing where it says good-bye in good order', async () => {
    const { gateway, counts } = await send({
      processingMs: 10,
      faults: [
        { do: 'goaway', how: 'drain', last: 'half', when: { connection: 1, connectionRequests: 200 } },
        { do: 'goaway', reason: 'Shutdown', when: { connection: 2, connectionRequests: 300 } },
      ],
    });
    assert.deepEqual(counts, { accepted: 2000, rejected: 0, unsent: 0, unknown: 0 });
    const { accepted, duplicates, faults, requests, unprocessed } = gateway.ledger.summary();
    assert.deepEqual(
      { requests, accepted, duplicates, faults },
      { requests: 2000, accepted: 2000, duplicates: 0, faults: { goaway: 2 } },
    );
    // How many were in flight at that moment is a matter of the machine's speed; none would mean that nothing came
    // again.
    assert.ok(unprocessed > 0, 'nothing was thrown away, so nothing had to come again');
  });

  it('leaves what a reset took to be unknown, and no more than was in flight', async () => {
    const { gateway, counts } = await send({
      processingMs: 2,
      faults: [{ do: 'reset', when: { connection: 1, connectionRequests: 200 } }],
    });
    const { accepted, unanswered, duplicates, unprocessed } = gateway.ledger.summary();
    const { unknown } = counts as { unknown: number };
    assert.deepEqual(counts, { accepted: 2000 - unknown, rejected: 0, unsent: 0, unknown });
    assert.deepEqual({ accepted, duplicates }, { accepted: 2000 - unknown, duplicates: 0 });
    assert.ok(unanswered > 0 && unprocessed > 0 && unanswered + unprocessed <= unknown);
  });

  it('serves channel management and broadcasts beside device pushes', async () => {
    const gateway = await createMemoryGateway();
    const backend = createMemoryBackend(gateway.accept, { clock: systemClock });
    await using session = new Session({ backend, threads: 0 });
    const connection = session.getConnection('https://gateway.invalid', null);
    const channels = new Channels(connection, { bundleId: 'com.example.app', address: 'https://channels.invalid' });
    const { channelId } = await channels.create({ storagePolicy: 'most-recent' });
    const payload = { aps: { event: 'update', timestamp: 1_700_000_000, 'content-state': {} } };
    const apns = new APNs(connection);
    const bundleId = 'com.example.app';
    const result = await apns.broadcast({ payload, priority: 10 }, channelId, { bundleId });
    assert.deepEqual([result.accepted, result.channels.get(channelId)?.status], [1, 200]);
    assert.deepEqual(JSON.parse(gateway.channels.find(bundleId, channelId)!.stored!), payload);
    assert.equal(gateway.ledger.summary().requests, 0);
  });
});
