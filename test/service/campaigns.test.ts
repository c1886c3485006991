/**
 * Campaigns through a service: begun, steered, shown, and gone on with after a restart, beside the simulator's ledger.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { randomTokens } from '../cli/fixture.js';
import { assertProblem, type Seen, ServiceWorld, until } from './service-world.js';

const message = { alert: 'Hello' };

function finished(world: ServiceWorld, id: string): Promise<Seen> {
  return until(
    () => world.get(`/v1/campaigns/${id}`),
    ({ json }) => json.state === 'finished' || json.problem !== null,
  );
}

describe('campaigns of a service', () => {
  it('send to tokens in the JSON, once, and leave their files', async () => {
    await using world = await ServiceWorld.withFolders();
    const tokens = randomTokens(50);
    const begun = await world.post('/v1/campaigns', { id: 'one', title: 'One', message, recipients: { tokens } });
    assert.equal(begun.status, 201, JSON.stringify(begun.json));
    assert.equal(begun.headers.get('location'), '/v1/campaigns/one');
    const { json } = await finished(world, 'one');
    assert.deepEqual([json.title, json.recipients, json.accepted, json.problem], ['One', 50, 50, null]);
    const again = await world.post('/v1/campaigns', { id: 'one', message, recipients: { tokens } });
    assertProblem(again, 409, 'exists', /There is a campaign one already/);
    const { requests, duplicates } = world.simulator.ledger.summary();
    assert.deepEqual([requests, duplicates], [50, 0]);
    assert.equal((await world.get('/v1/campaigns/one/files/summary.json')).json.accepted, 50);
    for (const name of ['request.json', 'journal.lmdb', '..%2Frequest.json', 'nothing.csv']) {
      assertProblem(await world.get(`/v1/campaigns/one/files/${name}`), 404, 'not_found', /no file of that name/);
    }
    assert.equal((await world.get('/v1/campaigns')).json.campaigns[0].state, 'ended');
    assertProblem(await world.post('/v1/campaigns/one/resume', ''), 409, 'finished', /nothing is left/);
    assertProblem(await world.get('/v1/campaigns/two'), 404, 'not_found', /no campaign/);
  });

  it('take a list as the body, packed or not, with what is said to each', async () => {
    await using world = await ServiceWorld.withFolders({ maxUploadBytes: 100_000 }, { ledger: 'full' });
    const tokens = randomTokens(20);
    const csv = `token,name\n${tokens.map((token, at) => `${token},n${at}`).join('\n')}\n`;
    const campaign = {
      id: 'csv',
      message: { pushType: 'alert' },
      personal: { payload: { aps: { alert: 'Hi {{name}}' } } },
    };
    const where = `/v1/campaigns?campaign=${encodeURIComponent(JSON.stringify(campaign))}`;
    const headers = { 'Content-Type': 'text/csv', 'Content-Encoding': 'gzip' };
    const begun = await world.ask('POST', where, gzipSync(csv), headers);
    assert.equal(begun.status, 201, JSON.stringify(begun.json));
    assert.equal((await finished(world, 'csv')).json.accepted, 20);
    assert.deepEqual(JSON.parse(world.simulator.ledger.received(tokens[7]!)[0]!.payload), { aps: { alert: 'Hi n7' } });
    const large = await world.ask('POST', where.replace('csv', 'big'), 'x'.repeat(200_000), {
      'Content-Type': 'text/plain',
    });
    assertProblem(large, 413, 'body_too_large', /100000 bytes/);
    assertProblem(await world.get('/v1/campaigns/big'), 404, 'not_found', /no campaign/);
  });

  it('read lists below the directory of lists, and nothing else', async () => {
    const lists = await mkdtemp(path.join(tmpdir(), 'peal-lists-'));
    const outside = await mkdtemp(path.join(tmpdir(), 'peal-outside-'));
    await mkdir(path.join(lists, 'in'));
    await writeFile(path.join(lists, 'in', 'a.txt'), `${randomTokens(3).join('\n')}\n`);
    await writeFile(path.join(outside, 'b.txt'), `${randomTokens(3).join('\n')}\n`);
    await symlink(path.join(outside, 'b.txt'), path.join(lists, 'link.txt'));
    await using world = await ServiceWorld.withFolders({ listsFolder: lists });
    const begin = (file: string): Promise<Seen> =>
      world.post('/v1/campaigns', { id: 'c', message, recipients: { files: [file] } });
    const outer = path.relative(lists, path.join(outside, 'b.txt'));
    for (const file of [outer, 'link.txt', path.join(outside, 'b.txt'), '/etc/passwd', 'nothing.txt', '*.txt', 'in']) {
      const seen = await begin(file);
      assertProblem(
        seen,
        400,
        'ERR_PEAL_OPTION',
        /recipients\.files\[0\]: .*(?:not below|does not exist|a pattern|not a file)/,
      );
    }
    assert.equal((await begin('in/a.txt')).status, 201);
    assert.equal((await finished(world, 'c')).json.accepted, 3);
    await rm(lists, { recursive: true });
    await rm(outside, { recursive: true });
  });

  it('refuse what a campaign cannot be, and keep nothing of it', async () => {
    await using world = await ServiceWorld.withFolders();
    const recipients = { tokens: randomTokens(1) };
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ message, recipients, rat: '5/s' }, /A campaign has no option "rat": did you mean rate\?/],
      [{ message: { alrt: 'x' }, recipients }, /"alrt": did you mean alert\?/],
      [{ message, recipients, rate: 'fast' }, /The field rate /],
      [{ message, recipients, id: '../x' }, /The field id must be a name/],
      [{ message }, /A campaign needs recipients/],
      [{ message, recipients: { ...recipients, files: ['a'] } }, /more than once/],
      [{ message, recipients: { files: ['a'] } }, /reads no lists/],
      [{ message, recipients, notBefore: 'soon' }, /The field notBefore must be/],
      [{ message, recipients, canary: { recipients: 0 } }, /canary\.recipients/],
    ];
    for (const [body, said] of wrong)
      assertProblem(await world.post('/v1/campaigns', body), 400, 'ERR_PEAL_OPTION', said);
    assert.deepEqual((await world.get('/v1/campaigns')).json, { campaigns: [] });
    assert.equal(world.simulator.ledger.summary().requests, 0);
  });

  it('are paused, changed in rate, resumed and stopped', async () => {
    await using world = await ServiceWorld.withFolders();
    const recipients = { tokens: randomTokens(5000) };
    await world.post('/v1/campaigns', { id: 'slow', message, recipients, rate: '50/s' });
    const count = (): number => world.simulator.ledger.summary().requests;
    await until(
      async () => count(),
      (requests) => requests > 0,
    );
    assert.equal((await world.post('/v1/campaigns/slow/pause', '')).json.wanted, 'paused');
    const shown = await until(
      () => world.get('/v1/campaigns/slow'),
      ({ json }) => json.state === 'paused',
    );
    assert.ok(shown.json.recipients < 5000);
    const wrong = await world.post('/v1/campaigns/slow/rate', { rate: 'fast' });
    assertProblem(wrong, 400, 'ERR_PEAL_OPTION', /The field rate /);
    assert.equal((await world.post('/v1/campaigns/slow/rate', { rate: '100/s' })).status, 200);
    assert.equal((await world.post('/v1/campaigns/slow/resume', '')).json.wanted, 'running');
    const before = count();
    await until(
      async () => count(),
      (requests) => requests > before,
    );
    assert.equal((await world.ask('DELETE', '/v1/campaigns/slow', undefined)).status, 202);
    const stopped = await until(
      () => world.get('/v1/campaigns/slow'),
      ({ json }) => json.state === 'stopped',
    );
    assert.equal(stopped.json.wanted, 'stopped');
    assertProblem(await world.post('/v1/campaigns/slow/pause', ''), 409, 'not_running', /does not run/);
    assert.equal((await world.post('/v1/campaigns/slow/resume', '')).status, 200);
    assert.equal((await world.post('/v1/campaigns/slow/rate', { rate: 'off' })).status, 200);
    assert.equal((await finished(world, 'slow')).json.accepted, 5000);
    const { requests, duplicates } = world.simulator.ledger.summary();
    assert.deepEqual([requests, duplicates], [5000, 0]);
  });

  it('go on after a restart where they ran, stay paused where they were, and send to nobody twice', async () => {
    await using world = await ServiceWorld.withFolders();
    const [running, paused] = [randomTokens(3000), randomTokens(100)];
    await world.post('/v1/campaigns', { id: 'run', message, recipients: { tokens: running }, rate: '200/s' });
    await world.post('/v1/campaigns', { id: 'wait', message, recipients: { tokens: paused }, rate: '1/min' });
    await world.post('/v1/campaigns/wait/pause', '');
    await until(
      async () => world.simulator.ledger.summary().requests,
      (requests) => requests > 20,
    );
    await world.restart();
    const list = (await world.get('/v1/campaigns')).json.campaigns;
    assert.deepEqual(
      list.map(({ id, state }: Record<string, unknown>) => [id, state]),
      [
        ['run', 'running'],
        ['wait', 'paused'],
      ],
    );
    await until(
      () => world.post('/v1/campaigns/run/rate', { rate: 'off' }),
      ({ status }) => status === 200,
    );
    assert.equal((await finished(world, 'run')).json.accepted, 3000);
    await world.post('/v1/campaigns/wait/rate', { rate: 'off' });
    await world.post('/v1/campaigns/wait/resume', '');
    assert.equal((await finished(world, 'wait')).json.accepted, 100);
    const { requests, duplicates } = world.simulator.ledger.summary();
    assert.deepEqual([requests, duplicates], [3100, 0]);
  });
});
