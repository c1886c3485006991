/** `peal dispatch --provider fcm`: what it refuses, where the project comes from, and how long a list takes. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startSimulator } from '../../../src/simulator/index.js';
import { runCommand } from '../../support/command.js';
import { assertOneSentence } from '../fixture.js';

const tokens = Array.from(
  { length: 3_000 },
  (_, number) => `d${String(number).padStart(21, '0')}:APA91b${'Q'.repeat(110)}`,
);

describe('peal dispatch through FCM', () => {
  let folder: string;
  let list: string;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'peal-dispatch-fcm-'));
    list = path.join(folder, 'tokens.txt');
    await writeFile(list, tokens.join('\n'));
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const dispatch = (...more: readonly string[]): string[] => [
    ...[
      'dispatch',
      list,
      '--redis',
      'redis://127.0.0.1:9',
      '--title',
      'Hi',
      '--out',
      path.join(folder, 'out'),
      ...more,
    ],
  ];

  for (const [more, sentence] of [
    [[], /workers send for a project of Firebase: give --project ID, or --service-account FILE, in which it stands/],
    [
      ['--project', 'my-app', '--app', 'shop'],
      /--app names a credential of APNs .* with --provider fcm .*Leave it out/,
    ],
    [['--project', 'my-app', '--topic', 'com.example.app'], /--topic does not go with --provider fcm/],
    [['--project', 'my-app', '--gateway', 'https://localhost:1'], /with --provider fcm it is fcm:/],
    [
      ['--project', 'one', '--gateway', 'fcm://localhost:1/other'],
      /names the project "other", and another one was given/,
    ],
    [
      ['--service-account', path.join(tmpdir(), 'missing.json')],
      /missing\.json \(--service-account or PEAL_SERVICE_ACCOUNT\) does not exist/,
    ],
  ] as const) {
    it(`refuses ${more.join(' ') || 'to begin without a project'}`, async () => {
      const result = await runCommand(dispatch('--provider', 'fcm', ...more));
      assert.ok(result.code === 2 || result.code === 5, `${result.code} ${result.stderr}`);
      assertOneSentence(result, sentence);
    });
  }

  it('refuses a list of both platforms without a project, or without a request for each under way', async () => {
    const both = ['--platform-column', 'os', '--environment', 'sandbox', '--topic', 'com.example.app'];
    const missing = await runCommand(dispatch(...both));
    assert.equal(missing.code, 2);
    assertOneSentence(missing, /workers send for a project of Firebase: give --project ID/);
    const tooFew = await runCommand(dispatch(...both, '--project', 'my-app', '--max-in-flight', '1'));
    assert.equal(tooFew.code, 2);
    assertOneSentence(tooFew, /--max-in-flight: with --platform-column each service has a part of it/);
  });

  it('says how long a list takes under the quota, and takes the project from wherever it stands', async () => {
    await using simulator = await startSimulator({ controlPort: null, fcm: true });
    const account = JSON.stringify(simulator.fcm!.serviceAccount);
    const quota = ['--fcm-quota', '60000', '--dry-run', '--json'];
    for (const more of [
      ['--project', 'peal-simulator'],
      ['--gateway', 'fcm://127.0.0.1:8445/peal-simulator'],
      ['--service-account', 'env:ACCOUNT'],
    ]) {
      const result = await runCommand(dispatch('--provider', 'fcm', ...quota, ...more), { env: { ACCOUNT: account } });
      assert.equal(result.code, 0, result.stderr);
      const { seconds, limitedBy, toSend } = JSON.parse(result.stdout) as Record<string, unknown>;
      assert.deepEqual([toSend, limitedBy], [3_000, { messagesPerMinute: 60_000 }]);
      assert.ok((seconds as number) > 3 && (seconds as number) < 30, `${seconds} s`);
    }
    assert.equal(simulator.fcm!.summary().tokens.requests, 0);
  });
});
