/** How a send is seen while it goes on, over real engines and a slow gateway. */
import assert from 'node:assert/strict';
import { APNs, Message, type Progress, Session, scriptedToken, startSimulator } from '../../src/index.js';

const reasons = ['accepted', 'accepted', 'accepted', 'BadDeviceToken', 'Unregistered', 'InternalServerError'] as const;

for (const threads of [0, 1]) {
  describe(`progress, threads: ${threads}`, () => {
    it('moves within a batch, never goes back, and adds up at the end', async () => {
      // One request at a time, 2 ms each.
      await using simulator = await startSimulator({ roundTripMs: 2, maxStreams: 1, controlPort: null });
      await using session = new Session({ ca: simulator.caCertificate!, threads, maxConnections: 1 });
      const apns = new APNs(session.getConnection(simulator.url, null));
      const recipients = Array.from({ length: 600 }, (_, index) => scriptedToken(reasons[index % 6]!, index));
      const message = new Message(recipients, { alert: 'Hello', topic: 'com.example.app' });
      const reports: Progress[] = [];
      const { counts } = await apns.send(message, {
        retry: { attempts: 2, timeMs: 5_000 },
        onProgress: (progress) => reports.push(progress),
      });
      assert.deepEqual([counts.accepted, counts.rejected], [300, 300]);
      const partial = reports.filter(({ done }) => done > 0 && done < 500);
      assert.ok(partial.length >= 3, reports.map(({ done }) => done).join(' '));
      reports.reduce((before, now) => {
        for (const name of ['done', 'accepted', 'rejected'] as const) assert.ok(now[name] >= before[name], name);
        assert.equal(now.done, now.accepted + now.rejected + now.unsent + now.unknown + now.invalid);
        return now;
      });
      const { done, accepted, rejected, total } = reports.at(-1)!;
      assert.deepEqual([done, accepted, rejected, total], [600, 300, 300, 600]);
    });

    it('tells how many wait for a connection', async () => {
      // Two requests at a time, 20 ms each: of 200 recipients all but a few wait, fewer with each report.
      await using simulator = await startSimulator({ roundTripMs: 20, maxStreams: 2, controlPort: null });
      await using session = new Session({ ca: simulator.caCertificate!, threads, maxConnections: 1 });
      const apns = new APNs(session.getConnection(simulator.url, null));
      const recipients = Array.from({ length: 200 }, (_, index) => scriptedToken('accepted', index));
      const reports: Progress[] = [];
      await apns.send(new Message(recipients, { alert: 'Hello', topic: 'com.example.app' }), {
        onProgress: (progress) => reports.push(progress),
      });
      const partial = reports.filter(({ done }) => done > 10 && done < 190);
      assert.ok(partial.length >= 3, reports.map(({ done }) => done).join(' '));
      for (const { done, queued } of partial) {
        const written = 200 - done - queued;
        assert.ok(written >= 0 && written <= 4, `${done} done, ${queued} queued`);
      }
      assert.deepEqual([reports.at(-1)!.done, reports.at(-1)!.queued], [200, 0]);
    });

    it('is soon enough to abort a send by it', async () => {
      await using simulator = await startSimulator({ roundTripMs: 5, maxStreams: 1, controlPort: null });
      await using session = new Session({ ca: simulator.caCertificate!, threads, maxConnections: 1 });
      const apns = new APNs(session.getConnection(simulator.url, null));
      const recipients = Array.from({ length: 1000 }, (_, index) => scriptedToken('accepted', index));
      const abort = new AbortController();
      const { counts, stopped } = await apns.send(
        new Message(recipients, { alert: 'Hello', topic: 'com.example.app' }),
        {
          signal: abort.signal,
          onProgress: ({ done }) => void (done > 100 && abort.abort()),
        },
      );
      assert.equal(stopped?.code, 'ERR_PEAL_ABORTED');
      assert.ok(counts.accepted > 100 && counts.unsent > 0, JSON.stringify(counts));
    });
  });
}
