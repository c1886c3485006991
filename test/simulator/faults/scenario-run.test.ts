/** When faults strike: the events, what narrows them, whom they hit, and that they stop. */
import assert from 'node:assert/strict';
import type { Fault, FaultTrigger, Scenario } from '../../../src/simulator/settings/scenario.js';
import { RawClient, type SharedGateway, shareGateway } from '../raw-client.js';

/** A fault that leaves the connection as it is, so that it can strike again. */
const harmless = (when: FaultTrigger, more: object = {}): Fault => ({
  do: 'window',
  initialBytes: 65_535,
  when,
  ...more,
});

function open(scenario: Scenario): { shared: SharedGateway; client: () => RawClient } {
  const shared = shareGateway({ scenario });
  return { shared, client: () => new RawClient({}, undefined, shared).greet() };
}

/** Where the fault struck: connection and number of requests until then. */
function strikes({ gateway }: SharedGateway): [connection: number, requests: number][] {
  return gateway.scenario!.done.map(({ connection, requests }) => [connection, requests]);
}

/** Two connections: 10 requests on the first, 10 on the second, 10 on the first again. */
function thirtyRequests(fault: Fault): [number, number][] {
  const { shared, client } = open({ faults: [fault] });
  const [first, second] = [client(), client()];
  first.requests(1, 19);
  second.requests(1, 19);
  first.requests(21, 39);
  return strikes(shared);
}

describe('simulator: when faults strike', () => {
  it('with the n-th request in all, once', () => {
    assert.deepEqual(thirtyRequests(harmless({ requests: 12 })), [[2, 12]]);
  });

  it('with every n-th request in all', () => {
    assert.deepEqual(thirtyRequests(harmless({ everyRequests: 8 })), [
      [1, 8],
      [2, 16],
      [1, 24],
    ]);
  });

  it('with the n-th request of each connection', () => {
    assert.deepEqual(thirtyRequests(harmless({ connectionRequests: 4 })), [
      [1, 4],
      [2, 14],
    ]);
  });

  it('with every n-th request of each connection', () => {
    assert.deepEqual(thirtyRequests(harmless({ everyConnectionRequests: 9 })), [
      [1, 9],
      [2, 19],
      [1, 28],
    ]);
  });

  it('at the opening of each connection where no event is named', () => {
    assert.deepEqual(thirtyRequests(harmless({})), [
      [1, 0],
      [2, 0],
    ]);
  });

  it('only on the connection that is named', () => {
    assert.deepEqual(thirtyRequests(harmless({ connection: 2 })), [[2, 0]]);
    assert.deepEqual(thirtyRequests(harmless({ everyRequests: 8, connection: 1 })), [
      [1, 8],
      [1, 24],
    ]);
  });

  it('so often at most', () => {
    assert.deepEqual(thirtyRequests(harmless({ everyRequests: 2 }, { times: 3 })).length, 3);
  });

  it('on all connections if told so', () => {
    assert.deepEqual(thirtyRequests(harmless({ requests: 12 }, { on: 'all' })), [
      [1, 12],
      [2, 12],
    ]);
  });

  it('by the time since the first connection, on every connection that is open', () => {
    const faults = [harmless({ ms: 50 }), harmless({ everyMs: 30 }, { times: 2 })];
    const { shared, client } = open({ faults });
    shared.clock.advance(1000);
    assert.equal(shared.clock.timerCount, 0, 'time runs from the first connection');
    client();
    client();
    shared.clock.advance(1000);
    const done = shared.gateway.scenario!.done.map(({ ms, connection }) => [ms, connection]);
    assert.deepEqual(done, [
      [30, 1],
      [30, 2],
      [50, 1],
      [50, 2],
    ]);
    assert.equal(shared.clock.timerCount, 0);
  });

  it('not on a connection that is gone or has fallen silent', () => {
    const faults: Fault[] = [
      { do: 'blackHole', when: { connection: 1, ms: 10 } },
      harmless({ everyMs: 100 }, { times: 2 }),
    ];
    const { shared, client } = open({ faults });
    client();
    shared.clock.advance(50);
    client();
    shared.clock.advance(1000);
    assert.deepEqual(
      shared.gateway.scenario!.done.map((done) => [done.do, done.connection]),
      [
        ['blackHole', 1],
        ['window', 2],
        ['window', 2],
      ],
    );
  });

  it('by the time since each connection opened', () => {
    const { shared, client } = open({ faults: [harmless({ connectionMs: 50 })] });
    client();
    shared.clock.advance(20);
    client();
    client().destroy();
    shared.clock.advance(1000);
    const done = shared.gateway.scenario!.done.map(({ ms, connection }) => [ms, connection]);
    assert.deepEqual(done, [
      [50, 1],
      [70, 2],
    ]);
    assert.equal(shared.clock.timerCount, 0);
  });

  it('as often as is drawn, alike for each seed', () => {
    const struck = (seed: number): [number, number][] => {
      const { shared, client } = open({ seed, faults: [harmless({ everyRequests: 1, probability: 0.2 })] });
      client().requests(1, 1999);
      return strikes(shared);
    };
    const first = struck(5);
    assert.ok(first.length > 140 && first.length < 260, `${first.length} of 1,000 at 20 %`);
    assert.deepEqual(struck(5), first);
    assert.notDeepEqual(struck(6), first);
  });

  it('alike on one connection whatever happens on another', () => {
    const struck = (others: number): [number, number][] => {
      const { shared, client } = open({ faults: [harmless({ everyConnectionRequests: 1, probability: 0.5 })] });
      const [first, second] = [client(), client()];
      if (others > 0) second.requests(1, 2 * others - 1);
      first.requests(1, 99);
      const done = strikes(shared).filter(([connection]) => connection === 1);
      return done.map(([connection, requests]) => [connection, requests - others]);
    };
    assert.deepEqual(struck(30), struck(0));
  });

  it('not any more after so many requests', () => {
    const { shared, client } = open({ until: { requests: 10 }, faults: [harmless({ everyRequests: 3 })] });
    client().requests(1, 99);
    assert.deepEqual(strikes(shared), [
      [1, 3],
      [1, 6],
      [1, 9],
    ]);
    assert.ok(shared.gateway.scenario?.isOver);
  });

  it('not any more after so long, and leave no timer behind', () => {
    const { shared, client } = open({ until: { ms: 100 }, faults: [harmless({ everyMs: 30 }), harmless({ ms: 500 })] });
    client();
    shared.clock.advance(10_000);
    assert.deepEqual(
      shared.gateway.scenario?.done.map(({ ms }) => ms),
      [30, 60, 90],
    );
    assert.equal(shared.clock.timerCount, 0);
  });

  it('counted by kind in the ledger', () => {
    const { shared, client } = open({
      faults: [harmless({ everyRequests: 4 }), { do: 'refuse', when: { requests: 2 } }],
    });
    client().requests(1, 19);
    assert.deepEqual(shared.gateway.ledger.summary().faults, { refuse: 1, window: 2 });
    shared.gateway.ledger.reset();
    assert.deepEqual(shared.gateway.ledger.summary().faults, {});
  });
});
