/** The pages about messages and their answers of docs/how-to, run as a reader runs them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { scriptedToken } from '../../src/simulator/index.js';
import { fcmToken, gone, list, table, token, users } from './lists.js';
import { PageWorld } from './page-world.js';
import { runPage } from './run-page.js';

const hasSqlite = (): boolean => spawnSync('sqlite3', ['--version']).status === 0;

describe('docs/how-to: messages and answers', () => {
  let world: PageWorld;

  before(async () => {
    world = await PageWorld.open();
  });

  after(() => world[Symbol.asyncDispose]());

  it('find out why a token was rejected', async () => {
    const bad = [0, 1].map((index) => scriptedToken('BadDeviceToken', index));
    await runPage(world, 'how-to/find-out-why', {
      files: { 'users.csv': users(20, [...bad, scriptedToken('DeviceTokenNotForTopic'), gone(0)]) },
      codes: { '--out doors': 3, '--json': 3 },
      ledger: { accepted: 20, rejected: 6 },
    });
  });

  it('delete tokens that are gone from a database', async function () {
    if (!hasSqlite()) return this.skip();
    const goneOnes = Array.from({ length: 10 }, (_, index) => gone(index));
    const since = '2024-01-01T00:00:00.000Z';
    const rows = goneOnes.map((one, index) => [one, 'Unregistered', since, 100 + index]);
    const devices = [...Array.from({ length: 90 }, (_, index) => token(index)), ...goneOnes];
    const values = devices.map((one, index) => `('${one}', '${index === 99 ? '2025' : '2023'}-06-01T00:00:00Z')`);
    await runPage(world, 'how-to/delete-gone-tokens', {
      files: {
        'doors/gone.csv': table(['token', 'reason', 'since', 'user_id'], rows),
        'tokens.txt': list(20, goneOnes.slice(0, 3)),
      },
      before: {
        'clean.sql': (page) => {
          const sql = `create table devices (token text, registered_at text); insert into devices values ${values.join(', ')};`;
          const { status, stderr } = spawnSync('sqlite3', [path.join(page.folder, 'app.db'), sql], {
            encoding: 'utf8',
          });
          assert.equal(status, 0, stderr);
        },
      },
      ledger: { accepted: 20, rejected: 3 },
    });
  });

  it('send silent pushes', async () => {
    await runPage(world, 'how-to/send-silent-pushes', {
      files: { 'tokens.txt': list(20) },
      ledger: { accepted: 40, rejected: 0 },
      after: () => {
        const { headers } = world.simulator.ledger.received()[0]!;
        assert.deepEqual([headers['apns-push-type'], headers['apns-priority']], ['background', '5']);
      },
    });
  });

  it('update a Live Activity', async () => {
    const activities = Array.from({ length: 5 }, (_, index) => [token(index), index + 1]);
    await runPage(world, 'how-to/update-a-live-activity', {
      files: { 'activities.csv': table(['token', 'minutes'], activities) },
      ledger: 'left to after',
      after: (page) => {
        assert.equal(page.books('taxi-1').accepted, 5);
        const { broadcasts, channels } = world.simulator.channels.summary();
        assert.deepEqual([broadcasts.accepted, channels], [2, 0]);
      },
    });
  });

  it('send to Android, too', async () => {
    const rows = Array.from({ length: 20 }, (_, index) =>
      index % 2 === 0 ? [token(index), 'ios', `Name ${index + 1}`] : [fcmToken(index), 'android', `Name ${index + 1}`],
    );
    const android = Array.from({ length: 10 }, (_, index) => fcmToken(100 + index));
    await runPage(world, 'how-to/send-to-android-too', {
      files: { 'both.csv': table(['token', 'os', 'name'], rows), 'android.txt': `${android.join('\n')}\n` },
      ledger: { accepted: 40, rejected: 0 },
    });
  });
});
