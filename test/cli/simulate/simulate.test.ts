/** `peal simulate` as a process: what it announces, and that its options reach the simulator. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { scriptedBinaryToken } from '../../../src/simulator/books/binary-script.js';
import { type AccountParts, assertionOf, FcmClient, grantForm, postForm } from '../../simulator/fcm/fcm-client.js';
import { jsonLines, runCommand } from '../../support/command.js';
import { PushClient, tokenNumber } from '../../support/push-client.js';
import { repositoryRoot } from '../../support/repository.js';

const token = scriptedBinaryToken(8);

describe('peal simulate', () => {
  it('opens what it is told to, says where in one line of JSON, and ends with 0 when it is interrupted', async () => {
    let pending: unknown;
    const where = ['--binary-port', '0', '--feedback-port', '0', '--json'];
    const how = ['--status-delay', '5', '--close-after', '100', '--feedback-token', `${token},2021-03-31T00:00:00Z`];
    const { code, stdout, stderr } = await runCommand(['simulate', ...where, ...how], {
      whileRunning: async (child, output) => {
        while (!output().includes('\n')) await once(child.stdout!, 'data');
        const controlUrl = String(jsonLines(output())[0]?.controlUrl);
        pending = await (await fetch(`${controlUrl}/peal/feedback`)).json();
        child.kill('SIGINT');
      },
    });
    assert.deepEqual([code, stderr], [0, '']);
    const [announced, ...more] = jsonLines(stdout);
    assert.deepEqual(more, []);
    assert.match(String(announced?.url), /^https:\/\/127\.0\.0\.1:\d+$/);
    assert.match(String(announced?.binaryUrl), /^binary:\/\/127\.0\.0\.1:\d+$/);
    assert.match(String(announced?.feedbackUrl), /^feedback:\/\/127\.0\.0\.1:\d+$/);
    assert.deepEqual(pending, [{ token, timestamp: Date.UTC(2021, 2, 31) / 1000 }]);
  });

  it('serves channels where it is told to, and counts them at its end', async () => {
    const how = ['--channels-port', '0', '--topic', 'com.example.app', '--broadcast-topic', 'com.example.app'];
    const { code, stdout, stderr } = await runCommand(['simulate', '--json', ...how], {
      whileRunning: async (child, output) => {
        while (!output().includes('\n')) await once(child.stdout!, 'data');
        const announced = jsonLines(output())[0];
        const ca = await (await fetch(`${String(announced?.controlUrl)}/peal/ca.pem`)).text();
        const client = new PushClient(String(announced?.channelsUrl), { ca });
        const body = '{"message-storage-policy":0,"push-type":"LiveActivity"}';
        const answer = await client.request({ ':path': '/1/apps/com.example.app/channels' }, body);
        assert.equal(answer.status, 201);
        client.close();
        child.kill('SIGINT');
      },
    });
    assert.deepEqual([code, stderr], [0, '']);
    const none = { requests: 0, accepted: 0, rejected: 0, unanswered: 0, reasons: {} };
    assert.deepEqual(jsonLines(stdout)[1], {
      messageType: 'channels',
      channels: 1,
      management: { ...none, requests: 1, accepted: 1 },
      broadcasts: none,
      connections: 1,
      faults: {},
    });
  });

  it('names the options of channels as they are on a command line', async () => {
    const { code, stderr } = await runCommand(['simulate', '--channels-scenario', 'examples/scenarios/bad-day.json']);
    assert.equal(code, 2);
    assert.match(stderr, /--channels-scenario needs --channels-port, whose faults it describes/);
  });

  it('serves FCM where it is told to, gives an account to send with, and counts its messages at its end', async () => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'peal-')), 'account.json');
    const how = ['--fcm-project', 'demo', '--fcm-quota', '2', '--fcm-account-out', file, '--fcm-token-life', '5m'];
    const { code, stdout, stderr } = await runCommand(['simulate', '--json', ...how], {
      whileRunning: async (child, output) => {
        while (!output().includes('\n')) await once(child.stdout!, 'data');
        const announced = jsonLines(output())[0];
        const ca = await (await fetch(`${String(announced?.controlUrl)}/peal/ca.pem`)).text();
        const fcm = announced?.fcm as Record<string, string>;
        const account = JSON.parse(readFileSync(file, 'utf8')) as AccountParts;
        assert.equal(statSync(file).mode & 0o777, 0o600);
        assert.equal(fcm.accountFile, file);
        const form = grantForm(assertionOf(account, Date.now()));
        const { body } = await postForm(account.token_uri, ca, form);
        assert.equal(body.expires_in, 300);
        const client = new FcmClient(fcm.httpsUrl!, ca, String(body.access_token), 'demo');
        for (let i = 0; i < 3; i++) await client.send({ topic: 'news', notification: { title: 'Hi' } });
        client.close();
        child.kill('SIGINT');
      },
    });
    assert.deepEqual([code, stderr], [0, '']);
    const { messages, ...rest } = jsonLines(stdout)[1] as Record<string, unknown>;
    const tokens = { requests: 1, minted: 1, refused: 0, errors: {} };
    assert.deepEqual(rest, { messageType: 'fcm', project: 'demo', tokens });
    const { accepted, reasons } = messages as Record<string, unknown>;
    assert.deepEqual({ accepted, reasons }, { accepted: 2, reasons: { QUOTA_EXCEEDED: 1 } });
  });

  it('names the options of FCM as they are on a command line', async () => {
    const project = await runCommand(['simulate', '--fcm-project', 'My Project']);
    assert.deepEqual([project.code, /--fcm-project must be a project id/.test(project.stderr)], [2, true]);
    const reason = await runCommand(['simulate', '--fcm-reject-reason', 'Unregistered']);
    assert.match(reason.stderr, /--fcm-reject-reason \(value 1\) must be 'UNREGISTERED', .*, not "Unregistered"\./);
    const account = await runCommand(['simulate', '--fcm-account', 'package.json']);
    assert.match(account.stderr, /--fcm-account \(value 1\)/);
  });

  it('refuses a feedback token without repeating it', async () => {
    const wrong = `${'ab'.repeat(31)}zz`;
    const { code, stderr } = await runCommand(['simulate', '--feedback-port', '0', '--feedback-token', wrong]);
    assert.equal(code, 2);
    assert.match(stderr, /--feedback-token \(value 1\): token has/);
    assert.ok(!stderr.includes('abab'));
  });

  it('takes a scenario and a conduct, and says at its end what they did', async () => {
    const scenario = path.join(repositoryRoot, 'examples/scenarios/graceful-goaway.json');
    const how = ['--scenario', scenario, '--conduct', 'apns', '--conduct', 'tokenPushes=1', '--conduct', 'idleMs=off'];
    let asked: unknown;
    const { code, stdout, stderr } = await runCommand(['simulate', '--json', ...how], {
      whileRunning: async (child, output) => {
        while (!output().includes('\n')) await once(child.stdout!, 'data');
        const announced = jsonLines(output())[0];
        const ca = await (await fetch(`${String(announced?.controlUrl)}/peal/ca.pem`)).text();
        const client = new PushClient(String(announced?.url), { ca });
        const answers = [await client.push(tokenNumber(1)), await client.push(tokenNumber(1))];
        assert.deepEqual(
          answers.map(({ reason }) => reason),
          ['', 'TooManyRequests'],
        );
        client.close();
        asked = await (await fetch(`${String(announced?.controlUrl)}/peal/faults`)).json();
        child.kill('SIGINT');
      },
    });
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(asked, { isOver: false, done: [] });
    assert.deepEqual(jsonLines(stdout)[1], { messageType: 'faults', faults: { tokenPushes: 1 } });
  });

  it('refuses a scenario or a conduct that is none, naming what is wrong', async () => {
    const missing = await runCommand(['simulate', '--scenario', '/nowhere/scenario.json']);
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /The scenario \/nowhere\/scenario\.json does not exist/);
    const wrong = await runCommand(['simulate', '--conduct', 'maxErrors=none']);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--conduct: maxErrors must be a whole number from 1 .* or null, not "none"\./);
    const misspelt = await runCommand(['simulate', '--conduct', 'maxError=5']);
    assert.match(misspelt.stderr, /--conduct has no option "maxError": did you mean maxErrors\?/);
    const reason = await runCommand(['simulate', '--reject-reason', 'Gone']);
    assert.match(reason.stderr, /--reject-reason \(value 1\) must be 'BadDeviceToken', .*, not "Gone"\./);
    const alone = await runCommand(['simulate', '--auth', 'certificate']);
    assert.match(alone.stderr, /--auth "certificate" needs --client-ca, the authority/);
    const word = await runCommand(['simulate', '--conduct', 'apple']);
    assert.match(word.stderr, /--conduct: "apple" is neither apns nor NAME=VALUE/);
  });
});
