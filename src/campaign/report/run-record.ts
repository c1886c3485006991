/**
 * What the report of a campaign shows beside its outcomes: the series of seconds, and how long answers took. Owned by a
 * campaign while it runs. With a folder it lies in `.peal-series.json`, from which the next run goes on and the
 * commands that show a campaign read. The books of the campaign do not depend on it: where it is lost, only the charts
 * are. Main thread.
 */
import { open, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { Clock, TimerHandle } from '../../base/clock.js';
import { readProblem, writeProblem } from '../../base/file-errors.js';
import { among, anyNumber, fieldsOf, listOf, optional } from '../../base/shape.js';
import { isLatencyData, type LatencyData, LatencyHistogram } from '../../engine/latency-histogram.js';
import { isSeriesData, RunSeries, type SeriesData, type SeriesSample } from './run-series.js';

const fileName = '.peal-series.json';
/** What a campaign that is killed loses of its series. */
const saveMs = 5000;
/** Several times of what the longest campaign writes. */
const maxFileBytes = 4 * 1024 * 1024;
/** A sentence that is noted may hold texts from outside. */
const maxNoteCharacters = 1000;

/** What is kept, of all runs. */
export interface RunRecordData {
  readonly version: 1;
  readonly series: SeriesData;
  readonly latency: LatencyData;
  /** Of each of two services, where there are two; `latency` has those of both. */
  readonly services?: readonly LatencyData[];
  /** Connections that were open at a time, at the most. */
  readonly mostConnections: number;
}

const isRunRecord = fieldsOf<RunRecordData>({
  version: among(1),
  series: isSeriesData,
  latency: isLatencyData,
  services: optional(listOf(isLatencyData)),
  mostConnections: anyNumber,
});

export class RunRecord {
  readonly series: RunSeries;
  /** Of all runs: a send records into it. */
  readonly latencies: LatencyHistogram;
  /** The same for each of two services; empty where there is one. What they count counts in `latencies`, too. */
  readonly serviceLatencies: readonly LatencyHistogram[];
  readonly #file: string | null;
  readonly #clock: Clock;
  #mostConnections: number;
  #timer: TimerHandle | null = null;
  #isRunning = false;
  /** The file that is being written; it never rejects. */
  #saving: Promise<void> | null = null;
  #hasFailed = false;

  private constructor(
    file: string | null,
    clock: Clock,
    look: () => SeriesSample,
    saved: RunRecordData | null,
    services: number,
  ) {
    this.#file = file;
    this.#clock = clock;
    this.#mostConnections = saved?.mostConnections ?? 0;
    const isDivided = services > 1;
    const isWhole = saved === null || isDivided;
    this.latencies = isWhole ? new LatencyHistogram() : LatencyHistogram.fromData(saved.latency);
    this.serviceLatencies = Array.from({ length: isDivided ? services : 0 }, (_, index) =>
      this.latencies.part(saved?.services?.[index] ?? null),
    );
    const lookOnce = (): SeriesSample => {
      const sample = look();
      this.#mostConnections = Math.max(this.#mostConnections, sample.connections);
      return sample;
    };
    this.series = new RunSeries({ clock, look: lookOnce, data: saved?.series ?? null });
  }

  /**
   * Goes on with what the runs before have left in the folder. What cannot be read of it is noted, and never an error.
   *
   * @param folder the directory of the campaign; null: nothing is kept
   * @param look asked once a second, and at the beginning and the end of the run
   * @param isResumed whether the campaign has had a run before, so that a file is expected
   * @param services to which the campaign sends
   */
  static async open(
    folder: string | null,
    clock: Clock,
    look: () => SeriesSample,
    isResumed = false,
    services = 1,
  ): Promise<RunRecord> {
    if (folder === null) return new RunRecord(null, clock, look, null, services);
    const found = await readFolder(folder);
    const saved = typeof found === 'string' ? null : found;
    const record = new RunRecord(path.join(folder, fileName), clock, look, saved, services);
    const problem = found === null && isResumed ? 'is missing' : found;
    if (typeof problem === 'string') record.note(`The charts begin anew with this run: ${fileName} ${problem}.`);
    return record;
  }

  /** Begins the run. */
  start(): void {
    this.#isRunning = true;
    this.series.start();
    this.#wait();
  }

  /** Notes what happens now, as one sentence. */
  note(text: string): void {
    this.series.note(text.slice(0, maxNoteCharacters));
  }

  /** Ends the run; resolves once all of it is in the file, or cannot be. */
  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#clock.clearTimer(this.#timer);
    this.series.stop();
    await this.#saving;
    await this.#save();
  }

  /** Connections that were open at a time, at the most, in all runs. */
  get mostConnections(): number {
    return this.#mostConnections;
  }

  #wait(): void {
    if (this.#file === null) return;
    this.#timer = this.#clock.setTimer(() => {
      this.#saving ??= this.#save().finally(() => {
        this.#saving = null;
      });
      this.#wait();
    }, saveMs);
  }

  /** Never rejects. */
  async #save(): Promise<void> {
    if (this.#file === null) return;
    const series = this.series.toData();
    const latency = this.latencies.toData();
    const saved: RunRecordData = {
      version: 1,
      series,
      latency,
      ...(this.serviceLatencies.length > 0 && { services: this.serviceLatencies.map((each) => each.toData()) }),
      mostConnections: this.#mostConnections,
    };
    try {
      await replaceFile(this.#file, sealed(saved));
    } catch (error) {
      if (!this.#hasFailed) this.note(`The charts may lack a part: ${fileName} ${writeProblem(error)}.`);
      this.#hasFailed = true;
    }
  }
}

/**
 * What the runs of a campaign have left in its folder, also while one goes on; null where there is nothing to be read.
 */
export async function readRunRecord(folder: string): Promise<RunRecordData | null> {
  const found = await readFolder(folder);
  return typeof found === 'string' ? null : found;
}

/** Null where there is no file; the end of a sentence where it cannot be used. */
async function readFolder(folder: string): Promise<RunRecordData | null | string> {
  try {
    return opened(await readSmallFile(path.join(folder, fileName))) ?? 'is damaged';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : readProblem(error);
  }
}

/** '' for a file that is larger than peal writes it. */
async function readSmallFile(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const stats = await handle.stat();
    return stats.isFile() && stats.size <= maxFileBytes ? await handle.readFile('utf8') : '';
  } finally {
    await handle.close();
  }
}

function sealed(saved: RunRecordData): string {
  return `${JSON.stringify({ check: crc32(JSON.stringify(saved)), ...saved })}\n`;
}

/** Null for a text that is not as it was written, or that another version wrote. */
function opened(text: string): RunRecordData | null {
  try {
    const { check, ...saved } = JSON.parse(text) as RunRecordData & { readonly check: number };
    return crc32(JSON.stringify(saved)) === check && isRunRecord(saved) ? saved : null;
  } catch {
    return null;
  }
}

/**
 * Only the process that holds the folder writes, so the other name is always the same, and that of a killed one is
 * free.
 */
async function replaceFile(file: string, text: string): Promise<void> {
  const partial = `${file}.partial`;
  await rm(partial, { force: true });
  try {
    await writeFile(partial, text, { flag: 'wx', mode: 0o600 });
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    throw error;
  }
}
