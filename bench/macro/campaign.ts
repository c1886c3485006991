/**
 * Measures campaigns as they are run from the command line: what personal messages from CSV cost beside the same
 * message to a plain list, what the journal costs, what it costs to be scraped once a second, how much memory a
 * campaign takes however long it is, and how large its journal becomes. `peal send` and the simulator are processes of
 * their own. The kinds of campaigns take turns, round after round, so that the noise of a machine hits all alike.
 * Prints medians over the rounds; compare the ratios.
 */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { SimulatorProcess } from '../lib/simulator-process.js';
import { median, range } from '../lib/statistics.js';
import { table } from '../lib/table.js';
import { runSend, type SendResult } from './peal-send.js';
import { writePlainList, writeTable } from './recipient-lists.js';
import { freePort, Scraper } from './scraper.js';

const usage = `npm run bench:campaign -- [options]
  --count N          recipients of each campaign (default 1000000)
  --memory-counts N,N  recipients of the campaigns whose memory is compared (default 1000000,5000000; 0: none)
  --rounds N         rounds, each kind of campaign once in each (default 3)
  --threads N|auto   worker threads of peal send (default auto)
  --json FILE        all figures of all rounds as JSON, too
`;

interface Plan {
  readonly count: number;
  readonly memoryCounts: readonly number[];
  readonly rounds: number;
  readonly threads: string;
  readonly jsonFile: string | null;
}

interface Kind {
  readonly name: string;
  readonly isPersonal: boolean;
  readonly hasJournal: boolean;
  /** Whether its metrics are served, and read once a second. */
  readonly isScraped?: boolean;
}

interface CampaignResult extends SendResult {
  readonly recipients: number;
  /** CPU of a campaign of the same kind with few recipients. */
  readonly startCpuUs: number;
  /** Null without a journal. */
  readonly journalBytes: number | null;
  /** Null where nothing is scraped. */
  readonly scrapes: number | null;
}

const kinds: readonly Kind[] = [
  { name: 'plain list', isPersonal: false, hasJournal: false },
  { name: 'plain list, journal', isPersonal: false, hasJournal: true },
  { name: 'CSV, two fields', isPersonal: true, hasJournal: false },
  { name: 'CSV, two fields, journal', isPersonal: true, hasJournal: true },
  { name: 'plain list, scraped', isPersonal: false, hasJournal: false, isScraped: true },
];
/** Recipients of a campaign that is little more than its start and its end. */
const fewRecipients = 100;
const [plain, plainJournal, personal, personalJournal, scraped] = kinds as readonly [Kind, Kind, Kind, Kind, Kind];

function readPlan(): Plan {
  try {
    const { values } = parseArgs({
      options: {
        count: { type: 'string', default: '1000000' },
        'memory-counts': { type: 'string', default: '1000000,5000000' },
        rounds: { type: 'string', default: '3' },
        threads: { type: 'string', default: 'auto' },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) throw new Error('');
    return {
      count: wholeOf(values.count),
      memoryCounts: values['memory-counts']
        .split(',')
        .map(wholeOf)
        .filter((count) => count > 0),
      rounds: wholeOf(values.rounds),
      threads: values.threads,
      jsonFile: values.json ?? null,
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

function wholeOf(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  throw new Error(`"${text}" has to be a whole number`);
}

/** The same number of recipients, as a plain list and as CSV. */
interface ListPair {
  readonly plain: string;
  readonly table: string;
  readonly count: number;
}

/** The lists of all campaigns of one length. */
class Lists {
  readonly #folder: string;
  readonly all: ListPair;
  readonly few: ListPair;

  constructor(folder: string, count: number) {
    this.#folder = path.join(folder, `lists-${count}`);
    this.all = this.#pair('all', count);
    this.few = this.#pair('few', fewRecipients);
  }

  async write(): Promise<void> {
    mkdirSync(this.#folder);
    for (const { plain, table, count } of [this.all, this.few]) {
      await writePlainList(plain, count);
      await writeTable(table, count);
    }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  #pair(name: string, count: number): ListPair {
    const file = path.join(this.#folder, name);
    return { plain: `${file}.txt`, table: `${file}.csv`, count };
  }
}

/** Once with few recipients, for what a campaign costs whatever its length is, and once with all. */
async function runCampaign(
  simulator: SimulatorProcess,
  kind: Kind,
  lists: Lists,
  threads: string,
): Promise<CampaignResult> {
  const short = await sendOnce(simulator, kind, lists.few, threads);
  const whole = await sendOnce(simulator, kind, lists.all, threads);
  return { recipients: lists.all.count, ...whole, startCpuUs: short.usage.cpuUs };
}

async function sendOnce(
  simulator: SimulatorProcess,
  { isPersonal, hasJournal, isScraped = false }: Kind,
  { plain, table, count }: ListPair,
  threads: string,
): Promise<SendResult & Pick<CampaignResult, 'journalBytes' | 'scrapes'>> {
  const port = isScraped ? await freePort() : null;
  const out = path.join(simulator.folder, 'out');
  // Both messages have 120 bytes, or a few more.
  const text = isPersonal ? 'Hello {{name}}, {{orders}} of your orders are' : 'Hello Name 1234, 12 of your orders are';
  const args = [
    ...['--tokens', isPersonal ? table : plain, '--keep-duplicates', '--threads', threads],
    ...['--alert', `${text} on their way to you. Open the app to see where they are right now.`],
    ...(hasJournal ? ['--out', out] : []),
    ...(port === null ? [] : ['--metrics-port', String(port)]),
  ];
  await simulator.reset();
  const scraper = port === null ? null : new Scraper(port);
  const result = await runSend(simulator, args, count);
  const scrapes = (await scraper?.stop()) ?? null;
  const journalBytes = hasJournal ? statSync(path.join(out, 'journal.lmdb')).size : null;
  rmSync(out, { recursive: true, force: true });
  return { ...result, journalBytes, scrapes };
}

const cpuOf = ({ usage, recipients, startCpuUs }: CampaignResult): number =>
  (usage.cpuUs - startCpuUs) / (recipients - fewRecipients);
const rssOf = ({ usage }: CampaignResult): number => usage.peakRssBytes / 1e6;
const number = (value: number, digits = 0): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** Ratios of one round each, because a machine may be slower in the next. */
function ratio(results: ReadonlyMap<Kind, readonly CampaignResult[]>, kind: Kind, to: Kind): number {
  const others = results.get(to)!;
  return median(results.get(kind)!.map((result, round) => cpuOf(result) / cpuOf(others[round]!)));
}

function print(results: ReadonlyMap<Kind, readonly CampaignResult[]>, { count, rounds }: Plan): void {
  const rows = [...results].map(([{ name }, outcomes]) => {
    const [lowest, highest] = range(outcomes.map(cpuOf));
    return [
      name,
      number(median(outcomes.map(cpuOf)), 2),
      `${number(lowest, 2)}–${number(highest, 2)}`,
      number(median(outcomes.map(({ perSecond }) => perSecond))),
      number(median(outcomes.map(({ startCpuUs }) => startCpuUs / 1000))),
      number(median(outcomes.map(rssOf))),
      outcomes[0]!.journalBytes === null ? '' : number(median(outcomes.map((one) => one.journalBytes! / 1000))),
    ];
  });
  console.log(`\n${number(count)} recipients, the same message of about 120 bytes\n`);
  console.log(
    table(['campaign', 'CPU µs each', 'range', 'per second', 'start, end: CPU ms', 'peak RSS MB', 'journal kB'], rows),
  );
  console.log(`\nCPU: user and system time of the sending process without start and end, medians of ${rounds} rounds.`);
  const personalRatio = number(ratio(results, personal, plain), 2);
  console.log(`Personal messages from CSV cost ${personalRatio} times as much as the plain list.`);
  const shares = [
    [plainJournal, plain],
    [personalJournal, personal],
  ] as const;
  const texts = shares.map(([kind, to]) => `${number((ratio(results, kind, to) - 1) * 100, 1)} % of the ${to.name}`);
  console.log(`The journal and the files of the outcomes cost ${texts.join(', ')}.`);
  const scrapes = results.get(scraped)!.reduce((sum, one) => sum + (one.scrapes ?? 0), 0);
  console.log(
    `Metrics cost ${number((ratio(results, scraped, plain) - 1) * 100, 1)} % of the plain list ` +
      `(scraped once a second, ${scrapes} times in all).`,
  );
}

function printMemory(results: readonly CampaignResult[]): void {
  const rows = results.map((result) => [
    number(result.recipients),
    number(rssOf(result)),
    number(cpuOf(result), 2),
    number(result.perSecond),
    number((result.journalBytes ?? 0) / 1000),
  ]);
  console.log(`\nCSV with four columns, two fields, journal, duplicates kept\n`);
  console.log(table(['recipients', 'peak RSS MB', 'CPU µs each', 'per second', 'journal kB'], rows));
}

async function measureCost(simulator: SimulatorProcess, plan: Plan): Promise<Map<Kind, CampaignResult[]>> {
  const lists = new Lists(simulator.folder, plan.count);
  await lists.write();
  const results = new Map(kinds.map((kind) => [kind, [] as CampaignResult[]]));
  for (let round = 1; round <= plan.rounds; round++) {
    process.stderr.write(`${plan.count} recipients, round ${round} of ${plan.rounds}\n`);
    for (const kind of kinds) results.get(kind)!.push(await runCampaign(simulator, kind, lists, plan.threads));
  }
  lists.remove();
  return results;
}

async function measureMemory(simulator: SimulatorProcess, plan: Plan): Promise<CampaignResult[]> {
  const results: CampaignResult[] = [];
  for (const count of plan.memoryCounts) {
    process.stderr.write(`${count} recipients, for their memory\n`);
    const lists = new Lists(simulator.folder, count);
    await lists.write();
    results.push(await runCampaign(simulator, personalJournal, lists, plan.threads));
    lists.remove();
  }
  return results;
}

const plan = readPlan();
const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}`;
console.log(`\n${machine}; peal send and the simulator in processes of their own`);
await using simulator = await SimulatorProcess.start('http2', ['--ledger', 'counts', '--connection-window', 'large']);
const cost = plan.rounds === 0 ? null : await measureCost(simulator, plan);
if (cost !== null) print(cost, plan);
const memory = await measureMemory(simulator, plan);
if (memory.length > 0) printMemory(memory);
if (plan.jsonFile !== null) {
  const rounds = cost === null ? null : Object.fromEntries([...cost].map(([{ name }, outcomes]) => [name, outcomes]));
  writeFileSync(plan.jsonFile, JSON.stringify({ machine, plan, rounds, memory }, null, 2));
}
