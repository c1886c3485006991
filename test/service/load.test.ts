/** A service under load: too much of it, clients that leave, a gateway that is away, and an end in the middle of it. */
import assert from 'node:assert/strict';
import { randomTokens } from '../cli/fixture.js';
import { assertProblem, type Seen, ServiceWorld, until } from './service-world.js';

const alert = 'Hi';

describe('a service', () => {
  it('answers 429 beyond the pushes that it may have, and sends nothing of what it refuses', async () => {
    await using world = await ServiceWorld.open({ maxPushes: 50 }, { roundTripMs: 2_000 });
    const post = (token: string): Promise<Seen> => world.post('/v1/push', { token, alert });
    const taken = randomTokens(50).map(post);
    await until(
      async () => world.service.stats(),
      ({ pushesInFlight }) => pushesInFlight === 50,
    );
    const seen = await Promise.all([...taken, ...randomTokens(250).map(post)]);
    const accepted = seen.filter(({ status }) => status === 200);
    const refused = seen.filter(({ status }) => status === 429);
    assert.equal(accepted.length + refused.length, 300);
    assert.ok(accepted.length >= 50 && refused.length > 0, `${accepted.length} accepted, ${refused.length} refused`);
    assertProblem(refused[0]!, 429, 'too_many_pushes_in_flight', /try again/);
    assert.equal(refused[0]!.headers.get('retry-after'), '1');
    assert.equal(world.simulator.ledger.summary().requests, accepted.length);
    assertProblem(
      await world.post('/v1/push', { tokens: randomTokens(51), alert }),
      429,
      'too_many_pushes_in_flight',
      /./,
    );
  });

  it('answers 429 beyond the requests that it may have', async () => {
    await using world = await ServiceWorld.open({ maxRequests: 10 }, { roundTripMs: 2_000 });
    const post = (token: string): Promise<Seen> => world.post('/v1/push', { token, alert });
    const taken = randomTokens(10).map(post);
    await until(
      async () => world.service.stats(),
      ({ requestsInFlight }) => requestsInFlight === 10,
    );
    const seen = await Promise.all([...taken, ...randomTokens(50).map(post)]);
    const refused = seen.filter(({ status }) => status === 429);
    assert.ok(refused.length >= 40, String(refused.length));
    assert.equal(world.simulator.ledger.summary().requests, 60 - refused.length);
    assert.equal((await world.get('/healthz')).status, 200);
  });

  it('goes on with the pushes of a client that has left, and counts them', async () => {
    await using world = await ServiceWorld.open({}, { roundTripMs: 200 });
    const [token] = randomTokens(1);
    const body = JSON.stringify({ token, alert });
    const socket = world.socket();
    socket.write(
      `POST /v1/push HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await until(
      async () => world.service.stats(),
      ({ begun }) => begun === 1,
    );
    socket.destroy();
    const stats = await until(
      async () => world.service.stats(),
      ({ requestsInFlight }) => requestsInFlight === 0,
    );
    assert.deepEqual([stats.accepted, stats.pushesInFlight], [1, 0]);
    assert.equal(
      (
        await until(
          async () => world.service.stats(),
          ({ unheard }) => unheard > 0,
        )
      ).unheard,
      1,
    );
    assert.equal(world.simulator.ledger.summary().accepted, 1);
  });

  it('says unsent, and why, where the gateway is away', async () => {
    await using world = await ServiceWorld.open({}, {}, 'https://127.0.0.1:9');
    const { status, json } = await world.post('/v1/push', { token: randomTokens(1)[0], alert, timeoutMs: 300 });
    assert.equal(status, 200);
    assert.equal(json.outcome, 'unsent');
    assert.match(json.error.code, /^ERR_PEAL_/);
    assert.match(json.error.message, /\.$/);
    assert.equal((await world.get('/healthz')).status, 200);
  });

  it('that is stopped under load has answered for all that it took, as the ledger has it', async () => {
    await using world = await ServiceWorld.withFolders({}, { roundTripMs: 2_000 });
    const tokens = randomTokens(600);
    const asked: Promise<Seen | null>[] = [];
    const ids: Promise<Seen | null>[] = [];
    let next = 0;
    const feeding = setInterval(() => {
      for (let count = 0; count < 10 && next < tokens.length; count++) {
        const token = tokens[next++];
        if (next % 3 === 0) ids.push(world.post('/v1/push?wait=no', { token, alert }).catch(() => null));
        else asked.push(world.post('/v1/push', { token, alert }).catch(() => null));
      }
    }, 5);
    await until(
      async () => world.service.stats(),
      ({ begun }) => begun > 200,
    );
    const ready = await world.get('/readyz');
    const closing = world.service.close();
    const [refused, unready, healthy] = await Promise.all([
      world.post('/v1/push', { token: randomTokens(1)[0], alert }),
      world.get('/readyz'),
      world.get('/healthz'),
    ]);
    assertProblem(refused, 503, 'shutting_down', /being stopped/);
    assert.equal(refused.headers.get('connection'), 'close');
    assert.deepEqual([ready.status, unready.status, healthy.status], [200, 503, 200]);
    assert.deepEqual(await closing, { cut: 0, forgotten: 0 });
    clearInterval(feeding);
    const answers = (await Promise.all(asked)).filter((seen) => seen !== null);
    const accepted = answers.filter(({ status }) => status === 200);
    assert.ok(accepted.every(({ json }) => json.outcome === 'accepted'));
    const begun = (await Promise.all(ids)).filter((seen) => seen?.status === 202);
    await world.restart();
    for (const seen of begun) {
      const { json } = await world.get(`/v1/push/${seen!.json.id}`);
      assert.equal(json.counts?.accepted, 1, JSON.stringify(json));
    }
    // A request that was refused or lost was not sent: the ledger has what was answered for, and nothing else.
    assert.equal(world.simulator.ledger.summary().accepted, accepted.length + begun.length);
    assert.ok(begun.length > 20 && accepted.length > 50);
  });

  it('that is stopped with little time ends what has no outcome, and says so to its clients', async () => {
    await using world = await ServiceWorld.withFolders({ drainMs: 50 }, { roundTripMs: 60_000 });
    const asked = randomTokens(5).map((token) => world.post('/v1/push', { token, alert }));
    const { json } = await world.post('/v1/push?wait=no', { token: randomTokens(1)[0], alert });
    await until(
      async () => world.simulator.ledger.summary().connections > 0 && world.service.stats().pushesInFlight,
      (pushes) => pushes === 6,
    );
    const { cut } = await world.service.close();
    assert.equal(cut, 6);
    for (const seen of await Promise.all(asked)) {
      assert.equal(seen.status, 200);
      assert.ok(seen.json.outcome === 'unsent' || seen.json.outcome === 'unknown', seen.json.outcome);
    }
    await world.restart();
    const { counts } = (await world.get(`/v1/push/${json.id}`)).json;
    assert.equal(counts.unsent + counts.unknown, 1);
  });

  it('begins nothing of a request whose body comes when the time of a stop is over', async () => {
    for (const wait of ['', '?wait=no']) {
      await using world = await ServiceWorld.withFolders({ drainMs: 50 });
      const body = JSON.stringify({ token: randomTokens(1)[0], alert });
      const socket = world.socket();
      let got = '';
      socket.setEncoding('latin1').on('data', (piece: string) => {
        got += piece;
      });
      const ended = new Promise((resolve) => socket.once('close', resolve).on('error', () => {}));
      const head = ['Host: localhost', 'Content-Type: application/json', `Content-Length: ${body.length}`];
      socket.write(`POST /v1/push${wait} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n${body.slice(0, 9)}`);
      await until(
        async () => world.service.stats().requestsInFlight,
        (requests) => requests === 1,
      );
      const closing = world.service.close();
      // It listens no more once the session is closed.
      await until(
        () =>
          world.get('/healthz').then(
            () => true,
            () => false,
          ),
        (listens) => !listens,
      );
      socket.write(body.slice(9));
      await ended;
      await closing;
      assert.equal(world.simulator.ledger.summary().requests, 0, got);
      assert.ok(got === '' || got.startsWith('HTTP/1.1 503 '), got);
    }
  });
});
