import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { PealError } from '../../../src/base/errors.js';
import { type ConnectionCloseEvent, OpenConnections } from '../../../src/engine/dispatcher/diagnostics.js';
import { Route } from '../../../src/engine/dispatcher/route.js';
import { routeConfig } from '../../support/engine-fixtures.js';

describe('open connections of a shard', () => {
  const cause = new PealError('ERR_PEAL_SHARD', 'The worker ended.', { origin: 'engine', retryable: true });
  const route = new Route(7, routeConfig, null);
  const closed: ConnectionCloseEvent[] = [];
  const note = (event: unknown): void => {
    closed.push(event as ConnectionCloseEvent);
  };

  beforeEach(() => {
    closed.length = 0;
    subscribe('peal:connection:close', note);
  });

  afterEach(() => {
    unsubscribe('peal:connection:close', note);
  });

  it('end with a shard that is lost, each once, without a count of answers', () => {
    const open = new OpenConnections(3);
    const message = { kind: 'connection', routeId: 7, end: null } as const;
    for (const number of [1, 2, 3]) open.receive(route, { ...message, number });
    open.receive(route, { ...message, number: 2, end: { answers: 5, cause: cause.toRecord() } });
    open.lose(cause);
    open.lose(cause);
    open.receive(route, { ...message, number: 3, end: { answers: 9, cause: null } });
    assert.deepEqual(
      closed.map(({ connection, answers, error }) => [connection.shardId, connection.number, answers, error?.code]),
      [
        [3, 2, 5, 'ERR_PEAL_SHARD'],
        [3, 1, null, 'ERR_PEAL_SHARD'],
        [3, 3, null, 'ERR_PEAL_SHARD'],
      ],
    );
  });

  it('tell a route why it is not reached, as long as no connection of any shard is open', () => {
    const watched = new Route(8, routeConfig, null);
    const [first, second] = [new OpenConnections(0), new OpenConnections(1)];
    const message = { kind: 'connection', routeId: 8, number: 1 } as const;
    const failed = { answers: 0, cause: cause.toRecord() };
    const why = (): string | null => watched.trouble?.message ?? null;
    assert.equal(why(), null);
    first.receive(watched, { ...message, end: failed });
    assert.equal(why(), cause.message, 'an attempt failed');
    second.receive(watched, { ...message, end: null });
    first.receive(watched, { ...message, number: 2, end: null });
    assert.equal(why(), null);
    first.receive(watched, { ...message, number: 2, end: failed });
    assert.equal(why(), null, 'another connection serves');
    second.lose(cause);
    assert.equal(why(), cause.message);
    first.receive(watched, { ...message, number: 3, end: null });
    first.receive(watched, { ...message, number: 3, end: { answers: 1, cause: null } });
    assert.equal(why(), null, 'it ended in good order');
  });
});
