/** What node:diagnostics_channel tells of sends, on the program's thread, wherever the connections are. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { isMainThread, threadId } from 'node:worker_threads';
import {
  APNs,
  type BatchSettledEvent,
  type ConnectionCloseEvent,
  type ConnectionOpenEvent,
  Message,
  Session,
  scriptedToken,
  startSimulator,
} from '../../src/index.js';

type Event = ConnectionOpenEvent | ConnectionCloseEvent | BatchSettledEvent;

const channels = ['peal:connection:open', 'peal:connection:close', 'peal:batch:settled'] as const;
const message = new Message([], { alert: 'Hello', topic: 'com.example.app' });
const tokens = Array.from({ length: 3000 }, (_, at) =>
  at % 10 === 0 ? scriptedToken('Unregistered', at) : at.toString(16).padStart(64, '0'),
);

for (const threads of [0, 2]) {
  describe(`diagnostics channels, threads: ${threads}`, () => {
    const events: { readonly name: string; readonly event: Event; readonly threadId: number }[] = [];
    const note = (event: unknown, name: string | symbol): void => {
      events.push({ name: String(name), event: event as Event, threadId });
    };
    const on = <T>(name: (typeof channels)[number]): T[] =>
      events.filter((one) => one.name === name).map(({ event }) => event as T);

    beforeEach(() => {
      events.length = 0;
      for (const name of channels) subscribe(name, note);
    });

    afterEach(() => {
      for (const name of channels) unsubscribe(name, note);
    });

    it('tell of each connection and each batch, with what became of it', async () => {
      await using simulator = await startSimulator();
      const session = new Session({ threads, ca: simulator.caCertificate! });
      const apns = new APNs(session.getConnection(simulator.url, null));
      const { counts } = await apns.send(message, { recipients: tokens });
      await session.close();

      const batches = on<BatchSettledEvent>('peal:batch:settled');
      const sum = (name: 'recipients' | 'accepted' | 'rejected'): number =>
        batches.reduce((all, batch) => all + batch[name], 0);
      assert.deepEqual([sum('recipients'), sum('accepted'), sum('rejected')], [3000, counts.accepted, counts.rejected]);
      assert.equal(
        batches.reduce((all, { reasons }) => all + (reasons.Unregistered ?? 0), 0),
        300,
      );
      for (const { gateway, resent, error } of batches) {
        assert.deepEqual([gateway, resent, error], [simulator.url, 0, null]);
      }

      const opened = on<ConnectionOpenEvent>('peal:connection:open').map(({ connection }) => connection);
      const closed = on<ConnectionCloseEvent>('peal:connection:close');
      assert.equal(opened.length, simulator.ledger.summary().connections);
      assert.deepEqual(new Set(closed.map(({ connection }) => connection)), new Set(opened));
      assert.equal(closed.length, opened.length);
      assert.equal(
        closed.reduce((all, { answers }) => all + answers!, 0),
        3000,
      );
      for (const { error } of closed) assert.equal(error, null);
      for (const { gateway, shardId } of opened) {
        assert.equal(gateway, simulator.url);
        assert.ok(shardId! < Math.max(1, threads));
      }
      assert.ok(isMainThread && events.every((one) => one.threadId === threadId));
      const told = JSON.stringify(events);
      for (const token of tokens.slice(0, 50)) assert.ok(!told.includes(token));
    });

    it('tell nothing of an attempt that fails, and why a batch was not sent', async () => {
      await using session = new Session({ threads });
      const apns = new APNs(session.getConnection('https://127.0.0.1:1', null));
      const result = await apns.send(message, { recipients: tokens.slice(0, 10) });
      assert.equal(result.unsent.length, 10);
      assert.deepEqual(
        events.map(({ name }) => name),
        ['peal:batch:settled'],
      );
      const [batch] = on<BatchSettledEvent>('peal:batch:settled');
      assert.deepEqual([batch!.unsent, batch!.error?.code], [10, result.stopped?.code]);
    });
  });
}
