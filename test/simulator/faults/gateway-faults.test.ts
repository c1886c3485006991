/** Faults of a gateway as a whole, in memory and behind TLS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createThrowAwayProviderKey, type Simulator, startSimulator } from '../../../src/simulator/index.js';
import { createMemoryGateway } from '../../../src/simulator/memory-gateway.js';
import type { Fault } from '../../../src/simulator/settings/scenario.js';
import { PushClient, tokenNumber } from '../../support/push-client.js';
import { bearer } from '../provider-token.js';
import { RawClient, shareGateway } from '../raw-client.js';

describe('simulator: a gateway that turns connections away', () => {
  for (const [how, code] of [
    ['reset', 'ERR_PEAL_CLOSED'],
    ['end', null],
  ] as const) {
    it(`refuses each new one that is drawn, by ${how}`, () => {
      const shared = shareGateway({
        scenario: { faults: [{ do: 'refuseConnections', how, when: { connection: 2 } }] },
      });
      const clients = [1, 2, 3].map(() => new RawClient({}, undefined, shared));
      assert.deepEqual(
        clients.map(({ isClosed }) => isClosed),
        [false, true, false],
      );
      assert.equal(clients[1]?.error?.code ?? null, code);
      assert.deepEqual(clients[1]?.frames, []);
      assert.equal(shared.gateway.ledger.summary().connections, 3);
    });
  }

  it('leaves it open without a word', () => {
    const shared = shareGateway({
      scenario: { faults: [{ do: 'refuseConnections', how: 'silent', when: { connection: 1 } }] },
    });
    const client = new RawClient({}, undefined, shared).greet().requests(1, 9);
    shared.clock.advance(3_600_000);
    assert.deepEqual([client.isClosed, client.frames.length], [false, 0]);
    assert.equal(new RawClient({}, undefined, shared).frames.length, 1);
  });

  it('refuses so many, or for so long', () => {
    const faults: Fault[] = [
      { do: 'refuseConnections', when: { ms: 10 }, forConnections: 2 },
      { do: 'refuseConnections', when: { ms: 100 }, forMs: 50 },
    ];
    const shared = shareGateway({ scenario: { faults } });
    const isServed = (): boolean => new RawClient({}, undefined, shared).frames.length > 0;
    assert.ok(isServed());
    shared.clock.advance(10);
    assert.deepEqual([isServed(), isServed(), isServed()], [false, false, true]);
    shared.clock.advance(90);
    assert.equal(isServed(), false);
    shared.clock.advance(49);
    assert.equal(isServed(), false);
    shared.clock.advance(1);
    assert.equal(isServed(), true);
  });
});

describe('simulator: a gateway that is shut down', () => {
  it('says so to its connections, refuses others in memory, and is there again', () => {
    const shared = shareGateway({});
    const memory = createMemoryGateway({
      clock: shared.clock,
      scenario: { faults: [{ do: 'shutdown', when: { requests: 3 }, ms: 1000 }] },
    });
    const client = new RawClient({}, undefined, { clock: shared.clock, gateway: memory.gateway }).greet();
    const open = (): unknown => memory.accept(undefined as never, { certificate: null } as never);
    client.requests(1, 5).acknowledge();
    shared.clock.advance(1);
    assert.deepEqual(
      client.goaways().map(([lastStreamId, , debug]) => [lastStreamId, debug]),
      [
        [0x7fffffff, '{"reason":"Shutdown"}'],
        [5, '{"reason":"Shutdown"}'],
      ],
    );
    assert.ok(client.isClosed);
    assert.match(String(open()), /shut down/);
    shared.clock.advance(998);
    assert.match(String(open()), /shut down/);
    shared.clock.advance(1);
    assert.doesNotMatch(String(open()), /shut down/);
    assert.deepEqual(
      memory.faults.map((item) => item.do),
      ['shutdown'],
    );
    assert.equal(memory.ledger.summary().accepted, 3);
  });

  it('may drop its connections, or keep them', () => {
    for (const connections of ['reset', 'keep'] as const) {
      const scenario = { faults: [{ do: 'shutdown', when: { requests: 3 }, ms: 1000, connections }] } as const;
      const client = new RawClient({ scenario }).greet().requests(1, 9);
      assert.equal(client.isClosed, connections === 'reset');
      assert.equal(client.gateway.ledger.summary().accepted, connections === 'reset' ? 0 : 5);
    }
  });
});

describe('simulator: provider tokens that expire now', () => {
  it('are answered with ExpiredProviderToken on every connection, until the client shows another', () => {
    const shared = shareGateway({
      auth: 'token',
      scenario: { faults: [{ do: 'expireProviderTokens', when: { requests: 3 } }] },
    });
    const key = createThrowAwayProviderKey();
    const [old, fresh] = [bearer(key, shared.clock.wallMs()), bearer(key, shared.clock.wallMs())];
    const [first, second] = [
      new RawClient({}, undefined, shared).greet(),
      new RawClient({}, undefined, shared).greet(),
    ];
    first.push(1, old).push(3, old);
    second.push(1, old).push(3, old); // the third request in all was read before
    first.push(5, old).push(7, fresh);
    assert.deepEqual([...first.statuses().values()], ['200', '200', '403', '200']);
    assert.deepEqual([...second.statuses().values()], ['200', '403']);
    assert.deepEqual(shared.gateway.ledger.summary().reasons, { ExpiredProviderToken: 2 });
  });
});

describe('simulator: faults behind TLS', () => {
  let simulator: Simulator;

  afterEach(() => simulator.close());

  const clientOf = (): PushClient => new PushClient(simulator.url, { ca: simulator.caCertificate ?? '' });

  it('reset is a reset of TCP', async () => {
    simulator = await startSimulator({
      controlPort: null,
      scenario: { faults: [{ do: 'reset', when: { requests: 1 } }], processingMs: 50 },
    });
    const client = clientOf();
    const failed = once(client.session, 'error');
    void client.push(tokenNumber(1));
    const [error] = (await failed) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
    assert.deepEqual(
      simulator.faults.map((fault) => [fault.do, fault.connection, fault.requests]),
      [['reset', 1, 1]],
    );
  });

  it('refuses connections as soon as their handshake is done', async () => {
    // Each would crash the process where the socket were reset from within the handshake.
    simulator = await startSimulator({ controlPort: null, scenario: { faults: [{ do: 'refuseConnections' }] } });
    for (let count = 0; count < 5; count++) {
      const client = clientOf();
      const [error] = (await once(client.session, 'error')) as [NodeJS.ErrnoException];
      assert.equal(error.code, 'ECONNRESET');
    }
    assert.equal(simulator.ledger.summary().connections, 5);
  });

  it('shutdown closes the port and opens it again', async () => {
    simulator = await startSimulator({
      controlPort: null,
      scenario: { faults: [{ do: 'shutdown', when: { requests: 1 }, ms: 2_000 }] },
    });
    const client = clientOf();
    const closed = once(client.session, 'close');
    assert.equal((await client.push(tokenNumber(1))).status, 200);
    const refused = connect(simulator.port, '127.0.0.1');
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNREFUSED');
    await closed;
    const again = await untilAnswered(clientOf);
    assert.equal(again, 200);
    assert.equal(simulator.ledger.summary().accepted, 2);
  });

  it('can be asked for what it has done so far', async () => {
    simulator = await startSimulator({
      scenario: { faults: [{ do: 'refuse', when: { requests: 2 }, forRequests: 1 }] },
    });
    const client = clientOf();
    await client.push(tokenNumber(1));
    await client.push(tokenNumber(2));
    const asked = (await (await fetch(`${simulator.controlUrl}/peal/faults`)).json()) as { done: { ms: number }[] };
    const [done] = asked.done;
    assert.deepEqual(asked, {
      isOver: false,
      done: [{ ms: done?.ms, do: 'refuse', fault: 0, connection: 0, requests: 2 }],
    });
    const ledger = (await (await fetch(`${simulator.controlUrl}/peal/ledger`)).json()) as { faults: object };
    assert.deepEqual(ledger.faults, { refuse: 1 });
    client.close();
  });
});

/** Connects, again and again, until a push is answered; its status. Each attempt takes real time by itself. */
async function untilAnswered(open: () => PushClient): Promise<number> {
  for (;;) {
    const client = open();
    client.session.on('error', () => {});
    const answer = await Promise.race([client.push(tokenNumber(2)), once(client.session, 'close').then(() => null)]);
    client.close();
    if (answer?.status === 200) return answer.status;
  }
}
