import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PealError } from '../../src/base/errors.js';
import { Campaign } from '../../src/campaign/campaign.js';
import { dryRun } from '../../src/campaign/dry-run.js';
import type { CampaignSummary } from '../../src/campaign/report/summary.js';
import type { CampaignOptions } from '../../src/campaign/run/campaign-options.js';
import type { CampaignSender } from '../../src/campaign/senders/campaign-sender.js';
import { viewCampaign } from '../../src/campaign/view/campaign-view.js';
import { FcmMessage } from '../../src/fcm.js';
import { Message, Session, type Simulator, scriptedToken, startSimulator, Template } from '../../src/index.js';
import { createThrowAwayProviderKey, scriptedFcmToken } from '../../src/simulator/index.js';

const fcmToken = (length = 163): string =>
  `${randomBytes(11).toString('hex')}:APA91b${randomBytes(80).toString('hex')}`.slice(0, length);
const hexToken = (): string => `00${randomBytes(31).toString('hex')}`;

describe('campaigns through FCM', () => {
  let folder = '';
  let simulator: Simulator;
  let session: Session;

  before(async () => {
    simulator = await startSimulator({ auth: 'any', controlPort: null, fcm: { deviceMessagesPerMinute: null } });
    session = new Session({ ca: simulator.caCertificate!, threads: 0 });
  });
  after(async () => {
    await session.shutdown();
    await simulator.close();
  });
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'peal-fcm-campaign-'));
    simulator.fcm!.reset();
    simulator.ledger.reset();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const fcmGateway = (further: { readonly project?: string } = {}) =>
    session.getConnection(
      simulator.fcm!.url,
      { serviceAccount: { ...simulator.fcm!.serviceAccount }, ca: simulator.caCertificate!, ...further },
      { messagesPerMinute: false },
    );
  const out = (): string => path.join(folder, 'run');
  const lines = async (name: string): Promise<string[]> =>
    (await readFile(path.join(out(), name), 'utf8').catch(() => '')).split('\n').slice(1, -1);

  async function list(name: string, rows: readonly (readonly unknown[])[]): Promise<{ files: string }> {
    const file = path.join(folder, name);
    await writeFile(file, rows.map((row) => `${row.join(',')}\n`).join(''));
    return { files: file };
  }

  function campaign(options: Partial<CampaignOptions> & Pick<CampaignOptions, 'recipients'>): Campaign {
    const message = new FcmMessage([], { title: 'Hello', data: { a: 'b' }, expiration: '1h' });
    return new Campaign({ gateway: fcmGateway(), message, folder: out(), ...options });
  }

  const rowsOf = (count: number): readonly (readonly [string, string, number])[] =>
    Array.from({ length: count }, (_, index) => {
      if (index % 50 === 0) return [scriptedFcmToken('UNREGISTERED', index), `n${index}`, index] as const;
      if (index % 50 === 1) return [scriptedFcmToken('INVALID_ARGUMENT (token)', index), `n${index}`, index] as const;
      return [fcmToken(index % 3 === 0 ? 152 : 163), `n${index}`, index] as const;
    });

  it('ends where one of two services refuses its message, with everybody unsent', async () => {
    const { p8: key, keyId, teamId } = createThrowAwayProviderKey();
    const apns = session.getConnection(simulator.url, { key, keyId, teamId });
    const rows = Array.from({ length: 20_000 }, () => [hexToken(), 'ios']);
    const androids = Array.from({ length: 100 }, () => [fcmToken(), 'android']);
    const recipients = await list('both.csv', [['token', 'os'], ...rows, ...androids]);
    // A provider-token key needs a topic.
    const platforms = { column: 'os', gateway: apns, message: new Message([], { alert: 'Hello' }) };
    const both = campaign({ recipients, platforms });
    const ended = await both.run().then(
      ({ stopped }) => stopped,
      (error: unknown) => error,
    );
    assert.ok(ended instanceof PealError);
    assert.equal(ended.code, 'ERR_PEAL_HEADER');
    assert.equal(simulator.ledger.summary().requests + simulator.fcm!.summary().messages.requests, 0);
  });

  it('sends to a list, with personal fields, and its files have the reasons of FCM', async () => {
    const rows = rowsOf(3000);
    const recipients = await list('users.csv', [['token', 'name', 'id'], ...rows, ['short', 'x', 1]]);
    const personal = new Template({
      service: 'fcm',
      payload: { notification: { title: 'Hi {{name}}' }, data: { id: '{{id}}' }, android: { ttl: '3600s' } },
    });
    const { summary, stopped } = await campaign({ recipients, personal }).run();
    assert.equal(stopped, null);
    assert.deepEqual([summary.recipients, summary.accepted, summary.rejected, summary.invalid], [3001, 2880, 120, 1]);
    assert.deepEqual(summary.services, []);
    assert.deepEqual(
      summary.reasons.map(({ reason, count }) => [reason, count]),
      [
        ['UNREGISTERED', 60],
        ['INVALID_ARGUMENT (token)', 60],
      ],
    );
    const gone = await lines('gone.csv');
    assert.deepEqual(
      gone.map((line) => line.split(',')[0]).toSorted(),
      rows.flatMap(([token], index) => (index % 50 === 0 ? [token] : [])).toSorted(),
    );
    const rejected = await readFile(path.join(out(), 'rejected.csv'), 'utf8');
    assert.match(rejected.slice(0, 400), /^token,status,reason,detail,name,id\n/);
    assert.match(rejected.slice(0, 400), /,400,INVALID_ARGUMENT \(token\),The registration token is not/);
    assert.match((await lines('invalid.csv'))[0]!, /has 5 characters/);
    const ledger = simulator.fcm!.summary().messages;
    assert.deepEqual([ledger.accepted, ledger.rejected], [2880, 120]);
    const view = await viewCampaign(out());
    assert.match(view.summary.next.map(({ text }) => text).join(' '), /token/);
  });

  it('goes on where it was stopped, also with a time to live that counts from now', async () => {
    const rows = rowsOf(4000);
    const recipients = await list(
      'tokens.txt',
      rows.map(([token]) => [token]),
    );
    const first = campaign({ recipients, stopOn: ['UNREGISTERED'], rate: '1000/s' });
    const { stopped } = await first.run();
    assert.equal(stopped?.code, 'ERR_PEAL_BOUND');
    const later = new FcmMessage([], { title: 'Hello', data: { a: 'b' }, expiration: '2h' });
    const { summary } = await campaign({ recipients, message: later }).run();
    assert.deepEqual([summary.accepted, summary.rejected, summary.unsent], [3840, 160, 0]);
    const ledger = simulator.fcm!.summary().messages;
    assert.equal(ledger.accepted + ledger.rejected, 4000);
    assert.equal(ledger.distinctTokens, 4000);
    const other = new FcmMessage([], { title: 'Other' });
    await assert.rejects(campaign({ recipients, message: other }).run(), /another|other|differ/i);
  });

  it('tells in a dry run who is invalid, and sends nothing', async () => {
    const recipients = await list('users.csv', [
      ['token', 'name'],
      [fcmToken(), 'Ann'],
      [fcmToken(), ''],
    ]);
    const personal = new Template({ service: 'fcm', payload: { data: { name: '{{name}}' } } });
    const message = new FcmMessage([], { data: { a: 'b' } });
    const report = await dryRun({ gateway: fcmGateway(), message, personal, recipients });
    assert.deepEqual([report.recipients, report.toSend, report.invalid], [2, 1, 1]);
    assert.match(report.example!, /"data":\{"name":"Ann"\}/);
    assert.equal(simulator.fcm!.summary().messages.requests, 0);
  });

  it('refuses what does not go together', async () => {
    const recipients = { files: 'x' };
    assert.throws(() => campaign({ recipients, message: new Message([], { alert: 'x', topic: 'a' }) }), /FcmMessage/);
    const personal = new Template({ payload: { aps: { alert: '{{x}}' } } });
    assert.throws(() => campaign({ recipients, personal }), /service/);
    assert.throws(() => campaign({ recipients, stopOn: ['Unregistered'] }), /UNREGISTERED/);
    const condition = new FcmMessage([], { title: 'x', target: 'condition' });
    assert.throws(() => campaign({ recipients, message: condition }), /condition is no list/);
    const message = new FcmMessage([], { title: 'x' });
    const platforms = { column: 'os', gateway: fcmGateway(), message };
    assert.throws(() => campaign({ recipients, platforms }), /same service/);
    const apns = { column: 'os', gateway: session.getConnection(simulator.url, null) };
    const other = { ...apns, message: new Message([], { alert: 'Hello' }) };
    const machines = { send: () => {}, stats: () => {}, remote: {} } as unknown as CampaignSender;
    const own = { recipients, folder: out() };
    const oneEach = /have a ClusterSender for each/;
    assert.throws(() => campaign({ ...own, sender: machines, platforms: other }), oneEach);
    assert.throws(() => campaign({ ...own, platforms: { ...other, sender: machines } }), oneEach);
    const twice = { ...other, sender: machines };
    assert.throws(() => campaign({ ...own, sender: machines, platforms: twice }), oneEach);
    campaign({ ...own, sender: machines, platforms: { ...other, sender: { ...machines } } });
  });

  describe('and through APNs, from one list', () => {
    const apnsGateway = () => session.getConnection(simulator.url, null);

    function both(
      options: Partial<CampaignOptions> & Pick<CampaignOptions, 'recipients'>,
      place: { readonly folder?: string } = { folder: out() },
    ): Campaign {
      const payload = { data: { name: '{{name}}' }, android: { collapse_key: 'x' } };
      return new Campaign({
        gateway: apnsGateway(),
        message: new Message([], { topic: 'com.example.app', pushType: 'alert' }),
        personal: new Template({ payload: { aps: { alert: 'Hi {{name}}' } } }),
        platforms: {
          column: 'os',
          gateway: fcmGateway(),
          message: new FcmMessage([], { title: 'Hello' }),
          personal: new Template({ service: 'fcm', payload }),
        },
        ...place,
        ...options,
      });
    }

    /** Both services together, and the invalid rows of neither, are the whole. */
    function assertBalance(summary: CampaignSummary): void {
      const { services } = summary;
      assert.equal(services.length, 2);
      const sum = (of: (service: CampaignSummary['services'][number]) => number): number =>
        services.reduce((total, service) => total + of(service), 0);
      const ofNeither = summary.invalid - sum(({ invalid }) => invalid);
      assert.ok(ofNeither >= 0);
      assert.equal(
        sum(({ recipients }) => recipients),
        summary.recipients - ofNeither,
      );
      for (const outcome of ['accepted', 'rejected', 'unsent', 'unknown'] as const) {
        assert.equal(
          sum((service) => service[outcome]),
          summary[outcome],
          outcome,
        );
      }
      for (const { recipients, accepted, rejected, unsent, unknown, invalid, reasons } of services) {
        assert.equal(accepted + rejected + unsent + unknown + invalid, recipients);
        assert.equal(
          reasons.reduce((total, { count }) => total + count, 0),
          rejected,
        );
      }
      const rates = sum(({ perSecond }) => perSecond);
      assert.ok(Math.abs(rates - summary.perSecond) < 1e-6 * rates, `${rates} of ${summary.perSecond}`);
    }

    const mixed = (count: number): (readonly string[])[] =>
      Array.from({ length: count }, (_, index) => {
        const name = `n${index}`;
        if (index % 7 === 3) return ['windows', fcmToken(), name];
        if (index % 3 === 0) {
          return ['ios', index % 30 === 0 ? scriptedToken('Unregistered', index) : hexToken(), name];
        }
        return ['android', index % 20 === 1 ? scriptedFcmToken('UNREGISTERED', index) : fcmToken(), name];
      });

    it('sends each recipient through its own service, with one set of books', async () => {
      // Invalid for one service each: no token, no field of the message, and no token of this service.
      const invalid = [
        ['ios', '', 'n'],
        ['android', fcmToken(), ''],
        ['android', 'short', 'n'],
      ];
      const rows = [...mixed(6000), ...invalid];
      const recipients = await list('users.csv', [['os', 'token', 'name'], ...rows]);
      const { summary, stopped } = await both({ recipients }).run();
      assert.equal(stopped, null);
      const of = (os: string): number => rows.filter(([first]) => first === os).length;
      assert.equal(summary.invalid, of('windows') + 3);
      assert.equal(summary.accepted + summary.rejected, of('ios') + of('android') - 3);
      const [apns, fcm] = [simulator.ledger.summary(), simulator.fcm!.summary().messages];
      assertBalance(summary);
      const [first, second] = summary.services;
      assert.deepEqual(
        summary.services.map(({ latency: _, perSecond: __, ...counts }) => counts),
        [
          {
            ...{ service: 'apns', recipients: of('ios'), accepted: apns.accepted, rejected: apns.rejected },
            ...{ unsent: 0, unknown: 0, invalid: 1 },
            reasons: [{ reason: 'Unregistered', status: 410, count: apns.rejected }],
          },
          {
            ...{ service: 'fcm', recipients: of('android'), accepted: fcm.accepted, rejected: fcm.rejected },
            ...{ unsent: 0, unknown: 0, invalid: 2 },
            reasons: [{ reason: 'UNREGISTERED', status: 404, count: fcm.rejected }],
          },
        ],
      );
      assert.equal(first!.latency!.answers, apns.accepted + apns.rejected);
      assert.equal(second!.latency!.answers, fcm.accepted + fcm.rejected);
      assert.equal(summary.latency!.answers, first!.latency!.answers + second!.latency!.answers);
      assert.equal(apns.accepted + apns.rejected, of('ios') - 1);
      assert.equal(fcm.accepted + fcm.rejected, of('android') - 2);
      assert.deepEqual(summary.reasons.map(({ reason }) => reason).toSorted(), ['UNREGISTERED', 'Unregistered']);
      const gone = await lines('gone.csv');
      assert.equal(gone.length, summary.rejected);
      assert.ok(gone.some((line) => line.includes(',ios,')) && gone.some((line) => line.includes(',android,')));
      const text = JSON.parse(await readFile(path.join(out(), 'summary.json'), 'utf8'));
      assert.deepEqual(
        text.services.map(({ latencyMs, reasons, ...counts }: Record<string, unknown>) => [counts, reasons]),
        summary.services.map(({ latency: _, reasons, perSecond, ...counts }) => [
          { ...counts, perSecond: Math.round(perSecond) },
          Object.fromEntries(reasons.map(({ reason, count }) => [reason, count])),
        ]),
      );
      assert.deepEqual(
        (await viewCampaign(out())).summary.services.map(({ accepted, latency }) => [accepted, latency?.answers]),
        summary.services.map(({ accepted, latency }) => [accepted, latency?.answers]),
      );
    });

    it('keeps the same books without a folder', async () => {
      const recipients = await list('users.csv', [['os', 'token', 'name'], ...mixed(900)]);
      const { summary } = await both({ recipients }, {}).run();
      assertBalance(summary);
      const [apns, fcm] = [simulator.ledger.summary(), simulator.fcm!.summary().messages];
      assert.deepEqual(
        summary.services.map(({ accepted, rejected }) => [accepted, rejected]),
        [
          [apns.accepted, apns.rejected],
          [fcm.accepted, fcm.rejected],
        ],
      );
    });

    it('goes on where it was stopped, and sends to nobody twice', async () => {
      const recipients = await list('users.csv', [['os', 'token', 'name'], ...mixed(6000)]);
      const first = both({ recipients, rate: '2000/s' });
      const running = first.run();
      for await (const { accepted } of first) if (accepted > 500) break;
      first.stop(new PealError('ERR_PEAL_ABORTED', 'Stopped by a test.', { origin: 'usage' }));
      const { summary: stopped } = await running;
      assert.ok(stopped.unsent > 0);
      assertBalance(stopped);
      assert.ok(stopped.services.every(({ unsent }) => unsent > 0));
      assertBalance((await viewCampaign(out())).summary);
      const { summary } = await both({ recipients }).run();
      assert.equal(summary.unsent + summary.unknown, 0);
      assertBalance(summary);
      const [apns, fcm] = [simulator.ledger.summary(), simulator.fcm!.summary().messages];
      assert.deepEqual([apns.duplicates, fcm.duplicates], [0, 0]);
      assert.deepEqual(
        summary.services.map(({ accepted, rejected }) => [accepted, rejected]),
        [
          [apns.accepted, apns.rejected],
          [fcm.accepted, fcm.rejected],
        ],
      );
    });

    it('ends with all recipients in its books where one of the services cannot be used', async () => {
      const rows = mixed(3000);
      const recipients = await list('users.csv', [['os', 'token', 'name'], ...rows]);
      const message = new FcmMessage([], { title: 'Hello' });
      const platforms = { column: 'os', gateway: fcmGateway({ project: 'another' }), message };
      const { summary, stopped } = await both({ recipients, platforms }).run();
      assert.equal(stopped?.code, 'ERR_PEAL_STOPPED');
      const { accepted, rejected, unsent, unknown, invalid } = summary;
      assert.equal(accepted + rejected + unsent + unknown + invalid, rows.length);
      assert.ok(unsent > rows.length / 3, `${unsent} unsent`);
      assert.equal(summary.recipients, rows.length);
      assertBalance(summary);
      const [, fcm] = summary.services;
      assert.deepEqual([fcm!.accepted, fcm!.recipients], [0, rows.filter(([os]) => os === 'android').length]);
    });

    it('refuses a list without the column', async () => {
      const recipients = await list('tokens.txt', [[hexToken()]]);
      const plain = new Message([], { topic: 'com.example.app', alert: 'Hi' });
      const platforms = { column: 'os', gateway: fcmGateway(), message: new FcmMessage([], { title: 'Hello' }) };
      const message = { gateway: apnsGateway(), message: plain, platforms, recipients };
      await assert.rejects(new Campaign(message).run(), /No list has the column "os"/);
    });
  });
});
