/**
 * Reports of campaigns that never were: a full one, one that stopped and was resumed, one that runs, one of nothing.
 */
import type { ReportData } from '../../../src/campaign/report/report-data.js';
import { RunSeries, type SeriesSample } from '../../../src/campaign/report/run-series.js';
import { type CampaignSummary, latencyFigures, type ServiceSummary } from '../../../src/campaign/report/summary.js';
import { LatencyHistogram } from '../../../src/engine/latency-histogram.js';
import { Prng } from '../../support/prng.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const startMs = Date.UTC(2026, 10, 28, 13, 3, 5);

const nothing: CampaignSummary = {
  state: 'finished',
  why: null,
  stopped: null,
  next: [],
  expected: null,
  recipients: 0,
  accepted: 0,
  rejected: 0,
  unsent: 0,
  unknown: 0,
  invalid: 0,
  duplicate: 0,
  services: [],
  reasons: [],
  causes: [],
  invalidLines: null,
  unread: [],
  resent: 0,
  runs: [],
  seconds: 0,
  perSecond: 0,
  connections: 0,
  threads: 0,
  latency: null,
  files: [],
  exitCode: 0,
};

/** A campaign without recipients. */
export function emptyReport(): ReportData {
  return {
    version: 1,
    title: 'run-1',
    writtenMs: startMs,
    timeZone: 'Europe/Berlin',
    protocol: 'http2',
    summary: nothing,
    series: null,
    latency: null,
    settings: [],
    madeBy: '0.1.0',
  };
}

class Campaign {
  readonly clock = new VirtualClock(startMs);
  readonly random = new Prng(42);
  readonly latency = new LatencyHistogram();
  #now: SeriesSample = {
    accepted: 0,
    rejected: 0,
    unknown: 0,
    connections: 0,
    streamLimit: 1,
    inFlight: 0,
    hasWork: true,
    pace: null,
  };
  series = new RunSeries({ clock: this.clock, look: () => this.#now });

  /** Seconds at a rate; what is answered meanwhile takes about `latencyMs`. */
  run(seconds: number, perSecond: number, latencyMs: number, others: Partial<SeriesSample> = {}): void {
    for (let second = 0; second < seconds; second++) {
      const accepted = Math.round(perSecond * (0.94 + 0.1 * this.random.next()));
      const rejected = Math.round(accepted * 0.004 * this.random.next());
      this.#now = {
        ...this.#now,
        connections: 8,
        streamLimit: 1000,
        inFlight: Math.round((accepted * latencyMs) / 1000),
        ...others,
        accepted: this.#now.accepted + accepted,
        rejected: this.#now.rejected + rejected,
        unknown: this.#now.unknown + (others.unknown ?? 0),
      };
      for (let part = 0; part < 100; part++) {
        const tail = this.random.next() ** -0.35;
        this.latency.record(
          latencyMs * (0.6 + 0.25 * this.random.next()) * tail,
          Math.round((accepted + rejected) / 100),
        );
      }
      this.clock.advance(1000);
    }
  }

  resume(afterMs: number): void {
    this.series.stop();
    this.clock.advance(afterMs);
    const data = this.series.toData();
    this.#now = { ...this.#now, accepted: 0, rejected: 0, unknown: 0 };
    this.series = new RunSeries({ clock: this.clock, look: () => this.#now, data });
    this.series.start();
  }
}

/** Making one takes a while. */
function once(make: () => ReportData): () => ReportData {
  let made: ReportData | null = null;
  return () => {
    made ??= make();
    return made;
  };
}

const files = [
  { name: 'gone.csv', use: 'Tokens that are no longer valid: delete them from your database.', rows: 3120 },
  { name: 'rejected.csv', use: 'Recipients that APNs refused for other reasons.', rows: 311 },
  { name: 'unknown.csv', use: 'Sent without an answer: decide before you send to them again.', rows: 214 },
  { name: 'invalid.csv', use: 'Lines that are no recipients, with what is wrong with them.', rows: 57 },
  { name: 'summary.json', use: 'The numbers of this report for programs.', rows: null },
];

const settings = [
  { name: 'tokens', value: 'export/users-2026-11-28.csv.gz' },
  { name: 'topic', value: 'com.example.app' },
  { name: 'environment', value: 'production' },
  { name: 'key-id', value: 'ABCDE12345' },
  { name: 'team-id', value: 'FGHIJ67890' },
  { name: 'rate', value: '09:00,20000/s 21:00,off' },
  { name: 'threads', value: '1' },
  { name: 'max-error-rate', value: '5 %' },
];

/** A campaign of 25 minutes that went through, with a bad moment or two. */
export const fullReport = once((): ReportData => {
  const campaign = new Campaign();
  campaign.series.start();
  campaign.run(3, 4000, 60, { connections: 1, streamLimit: 1 });
  campaign.run(400, 19_000, 62);
  campaign.series.note('The gateway closed 6 of 8 connections (GOAWAY).');
  campaign.run(14, 3100, 380, { connections: 2, streamLimit: 100, unknown: 12 });
  campaign.run(700, 19_400, 60);
  campaign.series.note('The rate was changed to 12,000/s.');
  campaign.run(200, 12_000, 48, { pace: 12_000 });
  campaign.run(4, 900, 900, { pace: 12_000, inFlight: 5800, unknown: 11 });
  campaign.run(180, 12_000, 50, { pace: 12_000 });
  campaign.run(2, 1500, 50, { hasWork: false, pace: 12_000 });
  campaign.series.stop();
  const accepted = 25_996_298;
  const recipients = accepted + 3431 + 214 + 57;
  const summary: CampaignSummary = {
    ...nothing,
    next: [
      { text: 'Delete the tokens of gone.csv from your database: their apps were removed.', command: null },
      {
        text: 'Send to the 214 unknown ones again, if showing the notification twice does no harm.',
        command: 'peal resume run-7 --on-unknown resend',
      },
    ],
    recipients,
    accepted,
    rejected: 3431,
    unknown: 214,
    invalid: 57,
    duplicate: 10_412,
    expected: recipients,
    reasons: [
      { reason: 'Unregistered', status: 410, count: 3008 },
      { reason: 'BadDeviceToken', status: 400, count: 311 },
      { reason: 'ExpiredToken', status: 410, count: 112 },
    ],
    causes: [
      {
        code: 'ERR_PEAL_CLOSED',
        message: 'The gateway closed the connection before it answered.',
        unsent: 0,
        unknown: 214,
      },
    ],
    invalidLines: {
      list: 'export/users-2026-11-28.csv.gz',
      line: 4711,
      why: 'has no device token in its column "push_token"',
      shape: null,
    },
    resent: 1830,
    runs: [
      {
        startMs,
        endMs: campaign.clock.wallMs(),
        seconds: 1503,
        answered: recipients,
        end: 'All recipients have an outcome.',
      },
    ],
    seconds: 1503,
    perSecond: recipients / 1503,
    connections: 8,
    threads: 1,
    latency: latencyFigures(campaign.latency),
    files,
    exitCode: 3,
  };
  return {
    ...emptyReport(),
    title: 'Weekend offers, 28 November',
    writtenMs: campaign.clock.wallMs() + 900,
    summary,
    series: campaign.series.toData(),
    latency: campaign.latency.toData(),
    settings,
  };
});

/** A campaign that was killed once, went on an hour later, and stopped for a bound. */
export const stoppedReport = once((): ReportData => {
  const campaign = new Campaign();
  campaign.series.start();
  campaign.run(5, 9000, 70);
  campaign.run(60, 52_000, 70);
  campaign.resume(3_600_000);
  const resumedMs = campaign.clock.wallMs();
  campaign.run(30, 51_000, 66);
  campaign.run(6, 9000, 240, { rejected: 0 });
  campaign.series.stop();
  const stoppedMs = campaign.clock.wallMs();
  return {
    ...emptyReport(),
    title: 'com.example.app: “Your order has shipped”',
    writtenMs: stoppedMs + 400,
    summary: {
      ...nothing,
      state: 'stopped',
      why: '7.4 % of the latest answers were rejections, more than the 5 % allowed (--max-error-rate).',
      stopped: 'ERR_PEAL_STOPPED',
      next: [
        { text: 'Look at the reasons below, and mend what they say.', command: null },
        {
          text: 'Then go on. Recipients that were accepted or rejected are not sent to again.',
          command: 'peal resume campaigns/shipped',
        },
      ],
      expected: 10_000_000,
      recipients: 4_712_004,
      accepted: 4_558_210,
      rejected: 71_300,
      unsent: 82_400,
      unknown: 94,
      reasons: [
        { reason: 'TooManyRequests', status: 429, count: 70_120 },
        { reason: 'Unregistered', status: 410, count: 1100 },
        { reason: '', status: 502, count: 80 },
      ],
      causes: [
        { code: 'ERR_PEAL_STOPPED', message: 'The campaign stopped for a bound.', unsent: 82_400, unknown: 0 },
        { code: 'ERR_PEAL_TIMEOUT', message: 'No answer came in time.', unsent: 0, unknown: 94 },
      ],
      runs: [
        { startMs, endMs: null, seconds: 65, answered: 3_150_000, end: 'It was killed, or the disk was full.' },
        { startMs: resumedMs, endMs: stoppedMs, seconds: 36, answered: 1_479_604, end: 'It stopped for a bound.' },
      ],
      seconds: 101,
      perSecond: 45_837,
      connections: 8,
      threads: 1,
      latency: latencyFigures(campaign.latency),
      files: files.slice(0, 2),
      exitCode: 7,
    },
    series: campaign.series.toData(),
    latency: campaign.latency.toData(),
    settings,
  };
});

/** A campaign in its seventh second. */
export const runningReport = once((): ReportData => {
  const campaign = new Campaign();
  campaign.series.start();
  campaign.run(2, 2000, 70);
  campaign.run(5, 12_000, 70);
  return {
    ...emptyReport(),
    title: 'run-8',
    summary: {
      ...nothing,
      state: 'running',
      expected: 1_000_000,
      recipients: 62_000,
      accepted: 62_000,
      runs: [{ startMs, endMs: null, seconds: 7, answered: 62_000, end: null }],
      seconds: 7,
      perSecond: 8857,
      connections: 8,
      latency: latencyFigures(campaign.latency),
      exitCode: null,
    },
    series: campaign.series.toData(),
    latency: campaign.latency.toData(),
  };
});

/** A campaign of 26 million to both services, whose table has rows of neither. */
export const bothReport = once((): ReportData => {
  const full = fullReport();
  const { summary } = full;
  const apns: ServiceSummary = {
    ...{ service: 'apns', recipients: 15_000_412, accepted: 14_996_880, rejected: 3431, unsent: 0, unknown: 80 },
    ...{ invalid: 21, reasons: summary.reasons, perSecond: 9980.3, latency: summary.latency },
  };
  const fcm: ServiceSummary = {
    ...{ service: 'fcm', recipients: 11_000_590, accepted: 10_999_418, rejected: 1028, unsent: 0, unknown: 134 },
    ...{ invalid: 10, perSecond: 7318.8, latency: { ...summary.latency!, p50: 118.2, p99: 1410, max: 9200 } },
    reasons: [
      { reason: 'UNREGISTERED', status: 404, count: 1000 },
      { reason: 'INVALID_ARGUMENT (token)', status: 400, count: 28 },
    ],
  };
  const rejected = apns.rejected + fcm.rejected;
  const accepted = apns.accepted + fcm.accepted;
  return {
    ...full,
    title: 'Weekend offers for everybody',
    summary: {
      ...summary,
      ...{ recipients: apns.recipients + fcm.recipients + 26, accepted, rejected, unknown: 214, invalid: 57 },
      reasons: [...apns.reasons, ...fcm.reasons].toSorted((a, b) => b.count - a.count),
      services: [apns, fcm],
    },
  };
});
