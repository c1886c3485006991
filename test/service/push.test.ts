/** Pushes through a service: what is asked, and what is answered, beside the simulator's ledger. */
import assert from 'node:assert/strict';
import { scriptedToken } from '../../src/simulator/books/token-script.js';
import { randomTokens } from '../cli/fixture.js';
import { assertProblem, type Seen, ServiceWorld, topic, until } from './service-world.js';

describe('POST /v1/push', () => {
  let world: ServiceWorld;

  before(async () => {
    world = await ServiceWorld.open({}, { ledger: 'full' });
  });
  after(() => world[Symbol.asyncDispose]());

  const requests = (): number => world.simulator.ledger.summary().requests;

  it('answers with the one outcome of one push, and sends what was said', async () => {
    const [token] = randomTokens(1);
    const apnsId = '11111111-2222-4333-8444-555555555555';
    const said = {
      alert: { title: 'Hi', body: 'Du' },
      badge: 3,
      priority: 5,
      collapseId: 'c',
      apnsId,
      extra: { a: 1 },
    };
    const { status, json } = await world.post('/v1/push', { token, ...said });
    assert.equal(status, 200);
    const none = { timestampMs: null, retryAfterSeconds: null, attempts: 1, error: null };
    assert.deepEqual(json, { outcome: 'accepted', status: 200, reason: null, apnsId, ...none });
    const received = world.simulator.ledger.received().at(-1)!;
    assert.equal(received.token, token);
    const aps = { alert: { title: 'Hi', body: 'Du' }, badge: 3 };
    assert.deepEqual(JSON.parse(received.payload), { aps, a: 1 });
    const fields = new Map(Object.entries(received.headers));
    assert.equal(fields.get('apns-topic'), topic);
    assert.equal(fields.get('apns-priority'), '5');
    assert.equal(fields.get('apns-collapse-id'), 'c');
  });

  it('tells a rejection with its reason, since when the token is gone, and what to do', async () => {
    const { status, json } = await world.post('/v1/push', { token: scriptedToken('Unregistered'), alert: 'Hi' });
    assert.equal(status, 200);
    assert.equal(json.outcome, 'rejected');
    assert.equal(json.status, 410);
    assert.equal(json.reason, 'Unregistered');
    assert.equal(json.class, 'gone');
    assert.equal(typeof json.timestampMs, 'number');
    assert.match(json.explanation, /\.$/);
  });

  it('answers many in the order of the request, each with its place', async () => {
    const good = randomTokens(3);
    const { json } = await world.post('/v1/push', {
      pushes: [
        { tokens: [good[0], scriptedToken('BadDeviceToken', 7), 'nonsense'], alert: 'one' },
        { token: good[1], alert: 'two', environment: 'sandbox' },
        { token: good[2], contentAvailable: true, timeoutMs: 5000, retry: { attempts: 2 } },
      ],
    });
    assert.deepEqual(json.counts, { accepted: 3, rejected: 1, unsent: 0, unknown: 0, invalid: 1 });
    assert.deepEqual(
      json.results.map(({ push, token, outcome }: Record<string, unknown>) => [push, token, outcome]),
      [
        [0, 0, 'accepted'],
        [0, 1, 'rejected'],
        [0, 2, 'invalid'],
        [1, 0, 'accepted'],
        [2, 0, 'accepted'],
      ],
    );
    assert.match(json.results[2].error.message, /^The token nonsense is neither hex nor base64/);
  });

  it('sends nothing of a request that is wrong anywhere, and names the field', async () => {
    const before = requests();
    const [token] = randomTokens(1);
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ token, alrt: 'Hi' }, /A push has no field "alrt": did you mean alert\?/],
      [{ token, title: 'Hi' }, /A push has no field "title": write alert: \{ title \}\./],
      [{ tokens: [token], alert: 'Hi', tokenz: 1 }, /A push has no field "tokenz": did you mean token\?/],
      [{ alert: 'Hi' }, /The device token is missing: give token, or tokens\./],
      [{ token, tokens: [token], alert: 'Hi' }, /token and tokens are both given/],
      [{ token: 7, alert: 'Hi' }, /The field token must be text, the device token as hex, not 7\./],
      [{ token, alert: 'Hi', priority: 7 }, /The field priority is 7, not 10, 5 or 1\./],
      [{ token, alert: 'Hi', environment: 'test' }, /The field environment must be 'production', .*not "test"\./],
      [{ token, alert: 'Hi', timeoutMs: 0 }, /The field timeoutMs must be a whole number from 1 to 3600000, not 0\./],
      [{ token, alert: 'Hi', retry: { attempt: 2 } }, /retry has no .*"attempt": did you mean attempts\?/],
      [{ token, alert: 'x'.repeat(5000) }, /4096/],
      [{ token }, /The message is empty/],
      [
        { tokens: [token, token], alert: 'Hi', apnsId: '11111111-2222-4333-8444-555555555555' },
        /names one notification/,
      ],
      [
        {
          pushes: [
            { token, alert: 'Hi' },
            { token, alrt: 'Hi' },
          ],
        },
        /^pushes\[1\]: A push has no field "alrt"/,
      ],
      [{ pushes: [] }, /The field pushes must be a list with something in it/],
      [{ pushes: [{ token, alert: 'Hi' }], topic }, /A request with pushes has no field "topic"/],
      [[], /The body must be an object of JSON, not a list\./],
    ];
    for (const [body, message] of wrong) {
      const seen = await world.post('/v1/push', body);
      assert.equal(seen.status, 400, JSON.stringify([body, seen.json]).slice(0, 300));
      assert.match(seen.json.error.message, message);
    }
    assert.equal(requests(), before);
  });

  it('says where a body stops being JSON, and quotes nothing of it', async () => {
    const cases: readonly (readonly [string, number, number])[] = [
      ['{"token":"abc",,}', 1, 16],
      ['{\n  "token": "abc"\n  "alert": 1}', 3, 3],
      ['{"token": tru}', 1, 11],
      ['{"token": "abc', 1, 15],
      ['{"a": [1, 2', 1, 12],
      ['{"a": 1} x', 1, 10],
      ['{"a": "b\u0001"}', 1, 9],
      ['{a: 1}', 1, 2],
    ];
    for (const [body, line, column] of cases) {
      const seen = await world.post('/v1/push', body);
      assertProblem(seen, 400, 'bad_json', new RegExp(`line ${line}, column ${column};`));
      assert.doesNotMatch(seen.json.error.message, /abc/);
    }
    assertProblem(await world.post('/v1/push', ' '), 400, 'bad_json', /empty/);
    const latin1 = Buffer.from('{"alert":"ü"}', 'latin1');
    const seen = await world.ask('POST', '/v1/push', latin1, { 'Content-Type': 'application/json' });
    assertProblem(seen, 400, 'bad_json', /not UTF-8/);
  });

  it('refuses a whole number that would become another, and takes those that stay', async () => {
    await using world = await ServiceWorld.open();
    const withId = (id: string): Promise<Seen> =>
      world.post(
        '/v1/push',
        `{"token":"${randomTokens(1)[0]}",\n "alert":"a: 12345678901234567",\n "extra":{"id":${id}}}`,
      );
    for (const id of [
      '9007199254740993',
      '-12345678901234567890',
      '[1,12345678901234567]',
      '1234567890123456768',
      '1'.repeat(400),
    ]) {
      assertProblem(
        await withId(id),
        400,
        'bad_json',
        /^The number at line 3, column \d+ has more digits than can be kept/,
      );
    }
    assert.equal(world.simulator.ledger.summary().requests, 0);
    for (const id of [
      '9007199254740992',
      '"12345678901234567"',
      '0.12345678901234567',
      '100000000000000000000',
      '1e20',
    ]) {
      assert.equal((await withId(id)).status, 200, id);
    }
  });

  it('refuses more pushes than one request may have', async () => {
    const tokens = randomTokens(1001);
    assertProblem(await world.post('/v1/push', { tokens, alert: 'Hi' }), 413, 'too_many_pushes', /1000 pushes/);
  });

  it('counts in its books what the ledger counts', () => {
    const { begun, accepted, rejected, invalid, pushesInFlight, requestsInFlight } = world.service.stats();
    const ledger = world.simulator.ledger.summary();
    assert.deepEqual([accepted, rejected], [ledger.accepted, ledger.rejected]);
    assert.equal(begun, accepted + rejected + invalid);
    assert.deepEqual([pushesInFlight, requestsInFlight], [0, 0]);
  });
});

describe('POST /v1/push?wait=no', () => {
  it('answers at once with an id, by which the outcome is asked for', async () => {
    await using world = await ServiceWorld.open({}, { roundTripMs: 1_500 });
    const begun = await world.post('/v1/push?wait=no', { tokens: randomTokens(2), alert: 'Hi' });
    assert.equal(begun.status, 202);
    const { id } = begun.json;
    assert.deepEqual(begun.json, { id, state: 'pending', pushes: 2 });
    assert.equal(begun.headers.get('location'), `/v1/push/${id}`);
    const first = await world.get(`/v1/push/${id}`);
    assert.deepEqual(first.json, { id, state: 'pending', pushes: 2 });
    const settled = await until(
      () => world.get(`/v1/push/${id}`),
      ({ json }) => json.state === 'settled',
    );
    assert.deepEqual(settled.json.counts, { accepted: 2, rejected: 0, unsent: 0, unknown: 0, invalid: 0 });
    assert.equal(settled.json.results[1].token, 1);
  });

  it('keeps outcomes for a while: then 410, and 404 for an id that it never gave', async () => {
    await using world = await ServiceWorld.open({ keepOutcomesMs: 30 });
    const { json } = await world.post('/v1/push?wait=no', { tokens: randomTokens(1), alert: 'Hi' });
    const gone = await until(
      () => world.get(`/v1/push/${json.id}`),
      ({ status }) => status === 410,
    );
    assertProblem(gone, 410, 'gone', /not kept any more/);
    const forged = `${json.id.slice(0, -1)}${json.id.endsWith('A') ? 'B' : 'A'}`;
    for (const id of [forged, 'x', 'a'.repeat(500)]) {
      assertProblem(await world.get(`/v1/push/${id}`), 404, 'not_found', /gave no such id/);
    }
  });

  it('refuses a query that it does not know', async () => {
    await using world = await ServiceWorld.open();
    const seen = await world.post('/v1/push?wiat=no', { token: randomTokens(1)[0], alert: 'Hi' });
    assertProblem(seen, 400, 'bad_request', /wait=no or wait=yes/);
    assert.equal(world.simulator.ledger.summary().requests, 0);
  });

  it('keeps ids and outcomes over a restart in a journal, without tokens or texts', async () => {
    await using world = await ServiceWorld.withFolders();
    const [token] = randomTokens(1);
    const { json } = await world.post('/v1/push?wait=no', { token, alert: 'a secret text' });
    await world.restart();
    const seen = await world.get(`/v1/push/${json.id}`);
    assert.equal(seen.json.counts.accepted, 1);
    const { readdir, readFile } = await import('node:fs/promises');
    const folder = world.options.pushJournalFolder!;
    for (const name of await readdir(folder)) {
      const text = await readFile(`${folder}/${name}`, 'utf8');
      assert.doesNotMatch(text, new RegExp(`${token}|secret text`));
    }
  });
});
