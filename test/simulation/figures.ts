/** The figures of many seeds, added up: in each thread for its own seeds, then for all. Plain data; crosses threads. */
import type { SeedReport } from './report.js';

export interface Failure {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly plan: string;
}

/** Numbers that are added up. */
const sums = [
  'recipients',
  'accepted',
  'rejected',
  'unsent',
  'unknown',
  'lost',
  'duplicated',
  'unexpected',
  'resent',
  'requests',
  'connects',
  'virtualMs',
  'events',
  'campaignRuns',
] as const;
type Sum = (typeof sums)[number];

export interface HoleFigures {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export class Figures {
  seeds = 0;
  readonly totals: Record<Sum, number>;
  /** Within ten seconds. A binary gateway ends a connection with each notification that it refuses. */
  mostConnects = 0;
  mostBinaryConnects = 0;
  longestTailMs = 0;
  /** Worlds of the binary protocol among the seeds. */
  binarySeeds = 0;
  /** Worlds of FCM among them. */
  fcmSeeds = 0;
  /** Worlds among them in which a campaign is run. */
  campaignSeeds = 0;
  readonly holesMs: number[] = [];
  readonly binaryHolesMs: number[] = [];
  readonly faults: Record<string, number> = {};
  readonly stops: Record<string, number> = {};
  readonly failures: Failure[] = [];

  constructor() {
    this.totals = Object.fromEntries(sums.map((name) => [name, 0])) as Record<Sum, number>;
  }

  add(report: SeedReport): void {
    this.seeds += 1;
    for (const name of sums) this.totals[name] += report[name];
    const most = report.isBinary ? 'mostBinaryConnects' : 'mostConnects';
    this[most] = Math.max(this[most], report.mostConnects);
    this.longestTailMs = Math.max(this.longestTailMs, report.tailMs);
    this.binarySeeds += report.isBinary ? 1 : 0;
    this.fcmSeeds += report.isFcm ? 1 : 0;
    this.campaignSeeds += report.campaignRuns > 0 ? 1 : 0;
    (report.isBinary ? this.binaryHolesMs : this.holesMs).push(...report.holesMs);
    addCounts(this.faults, report.faults);
    for (const stop of report.stops) addCounts(this.stops, { [stop]: 1 });
    const { seed, violations, plan } = report;
    if (violations.length > 0) this.failures.push({ seed, violations, plan });
  }

  /** Takes over what another has; it may have come through structured clone. */
  merge(other: Figures): void {
    this.seeds += other.seeds;
    for (const name of sums) this.totals[name] += other.totals[name];
    this.mostConnects = Math.max(this.mostConnects, other.mostConnects);
    this.mostBinaryConnects = Math.max(this.mostBinaryConnects, other.mostBinaryConnects);
    this.longestTailMs = Math.max(this.longestTailMs, other.longestTailMs);
    this.binarySeeds += other.binarySeeds;
    this.fcmSeeds += other.fcmSeeds;
    this.campaignSeeds += other.campaignSeeds;
    this.holesMs.push(...other.holesMs);
    this.binaryHolesMs.push(...other.binaryHolesMs);
    addCounts(this.faults, other.faults);
    addCounts(this.stops, other.stops);
    this.failures.push(...other.failures);
  }

  /** Time to notice a black hole, in seconds. */
  holes(holesMs = this.holesMs): HoleFigures {
    const sorted = [...holesMs].sort((a, b) => a - b);
    const at = (share: number): number =>
      (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0) / 1000;
    return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
  }

  print(wallMs: number, threads: number): void {
    const { totals, mostConnects, mostBinaryConnects } = this;
    const number = (value: number): string => Math.round(value).toLocaleString('en-US');
    const rows: readonly (readonly [string, string])[] = [
      ['seeds, of them binary, FCM', `${number(this.seeds)}, ${number(this.binarySeeds)}, ${number(this.fcmSeeds)}`],
      ['campaigns, their runs', `${number(this.campaignSeeds)}, ${number(totals.campaignRuns)}`],
      ['tokens', number(totals.recipients)],
      ['lost / duplicated / unexpected', `${totals.lost} / ${totals.duplicated} / ${totals.unexpected}`],
      ['accepted / rejected', `${number(totals.accepted)} / ${number(totals.rejected)}`],
      ['unsent / unknown', `${number(totals.unsent)} / ${number(totals.unknown)}`],
      ['requests, of them sent again', `${number(totals.requests)}, ${number(totals.resent)}`],
      ['connects, most in 10 s', `${number(totals.connects)}, ${mostConnects} (binary ${mostBinaryConnects})`],
      ['black holes found', holesText(this.holes())],
      ['black holes found, binary', holesText(this.holes(this.binaryHolesMs))],
      ['faults', countsText(this.faults)],
      ['jobs stopped early', countsText(this.stops)],
      ['virtual time', `${(totals.virtualMs / 3_600_000).toFixed(1)} h, ${number(totals.events)} events`],
      ['longest end after the faults', `${(this.longestTailMs / 1000).toFixed(0)} s`],
      [
        'wall time',
        `${(wallMs / 1000).toFixed(1)} s, ${((wallMs * threads) / this.seeds).toFixed(1)} ms per seed and thread`,
      ],
    ];
    for (const [name, value] of rows) console.log(`${name.padEnd(32)} ${value}`);
  }
}

function addCounts(to: Record<string, number>, from: Readonly<Record<string, number>>): void {
  for (const [kind, count] of Object.entries(from)) to[kind] = (to[kind] ?? 0) + count;
}

function countsText(counts: Readonly<Record<string, number>>): string {
  const rows = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  return rows.length === 0 ? 'none' : rows.map(([kind, count]) => `${kind} ${count}`).join(', ');
}

function holesText({ count, p50, p99, max }: HoleFigures): string {
  const times = `p50 ${p50.toFixed(1)} s, p99 ${p99.toFixed(1)} s, longest ${max.toFixed(1)} s`;
  return `${count.toLocaleString('en-US')}; ${times}`;
}
