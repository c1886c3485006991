/**
 * A campaign whose process ends at a transaction of its journal, and that is resumed. The journal is in memory. At the
 * instant of the crash the directory is copied: what the run that has ended writes from then on goes to a directory of
 * no use.
 */
import assert from 'node:assert/strict';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, systemClock } from '../../src/base/clock.js';
import { PealError } from '../../src/base/errors.js';
import { Journal } from '../../src/campaign/journal/journal.js';
import { JournalReader } from '../../src/campaign/journal/journal-reader.js';
import type { Change } from '../../src/campaign/journal/store.js';
import type { CampaignOptions } from '../../src/campaign/run/campaign-options.js';
import { Message } from '../../src/index.js';
import { Template } from '../../src/session/personal/template.js';
import { Prng } from '../support/prng.js';
import { CampaignFixture, mixedTokens } from './campaign-fixture.js';
import { judge, underWayIn } from './campaign-judge.js';
import { type Crash, type CrashPoint, MemoryDisk, MemoryStore } from './journal/memory-store.js';

const count = 2_200;
export const points: readonly CrashPoint[] = ['before', 'middle', 'untold'];
/** Transactions follow each other as fast as they are written. */
const hastyClock: Clock = {
  ...systemClock,
  setTimer: (callback) => setImmediate(callback),
  clearTimer: (timer) => clearImmediate(timer as NodeJS.Immediate),
};

/** A process that has ended tells nobody, but this one is made to stop: from the crash on nothing reaches the disk. */
class EndedStore extends MemoryStore {
  override async commit(changes: readonly Change[]): Promise<void> {
    const ended = this.crashed.then(() => {
      throw new PealError('ERR_PEAL_INPUT', 'The process has ended.', { origin: 'input' });
    });
    await Promise.race([super.commit(changes), ended]);
  }
}

export interface Kind {
  readonly name: string;
  readonly isPersonal: boolean;
  readonly onUnknown: 'report' | 'resend';
  /** Transactions every 30 ms, and answers that take longer than the glimpses at batches under way. */
  readonly isSlow?: boolean;
}

export const kindsOfCampaign: readonly Kind[] = [
  { name: 'a plain list', isPersonal: false, onUnknown: 'report' },
  { name: 'a plain list with slow answers', isPersonal: false, onUnknown: 'report', isSlow: true },
  { name: 'a plain list, unknown ones sent again', isPersonal: false, onUnknown: 'resend' },
  { name: 'personal messages from a CSV', isPersonal: true, onUnknown: 'report' },
  { name: 'personal messages from a CSV, unknown ones sent again', isPersonal: true, onUnknown: 'resend' },
];

/** One campaign, over all its runs. `number`: another one has other recipients. */
export class CrashingCampaign {
  readonly disk = new MemoryDisk();
  readonly tokens: readonly string[];
  readonly underWay = new Set<string>();
  mostUnderWay = 0;
  runs = 0;
  #options!: Partial<CampaignOptions> & Pick<CampaignOptions, 'recipients'>;

  constructor(
    readonly fixture: CampaignFixture,
    readonly kind: Kind,
    readonly number: number,
  ) {
    this.tokens = mixedTokens(count, number);
  }

  async open(): Promise<void> {
    this.#options = await this.#optionsOf();
  }

  async #optionsOf(): Promise<Partial<CampaignOptions> & Pick<CampaignOptions, 'recipients'>> {
    const { fixture, tokens } = this;
    const { isPersonal, onUnknown } = this.kind;
    const options = { accepted: true, onUnknown, rate: '50000/s' };
    if (!isPersonal) return { ...options, recipients: { files: await fixture.list(tokens) } };
    const csv = path.join(fixture.folder, 'users.csv');
    const rows = tokens.map((token, index) => `${index},${token},"Name, ${index}",${index % 500 === 5 ? '' : index}`);
    await writeFile(csv, ['user_id,device,name,badge', ...rows].join('\n'));
    const personal = new Template({ payload: { aps: { alert: 'Hello {{name}}', badge: '{{badge:number}}' } } });
    const message = new Message([], { topic: 'com.example.app', pushType: 'alert' });
    return { ...options, recipients: { files: csv }, personal, message };
  }

  get folder(): string {
    return path.join(this.fixture.folder, `${this.number}-${this.runs}`);
  }

  /** One run; false when its process has ended before it. */
  async run(crash: Crash | null, random: Prng): Promise<boolean> {
    const store = new EndedStore(this.disk);
    store.crashAt = crash;
    store.latency = () => turns(random.int(6));
    const { folder } = this;
    let left: string | null = null;
    void store.crashed.then(() => {
      this.runs += 1;
      left = this.folder;
      copyFolder(folder, left);
    });
    const clock = this.kind.isSlow === true ? systemClock : hastyClock;
    const campaign = this.fixture.campaign(
      { ...this.#options, folder },
      { openJournal: async (identity) => Journal.open(store, identity, { name: 'the journal', clock }) },
    );
    const report = await campaign.run().catch((error: unknown) => {
      if (store.hasCrashed) return null;
      throw error;
    });
    if (!store.hasCrashed) {
      const { state, recipients, unsent } = report!.summary;
      assert.deepEqual([state, recipients, unsent, report!.problems], ['finished', count, 0, []]);
      return true;
    }
    await rm(folder, { recursive: true, force: true });
    const reader = new JournalReader(new MemoryStore(this.disk), { name: 'the journal', holder: null });
    const found = underWayIn(reader, this.tokens);
    this.mostUnderWay = Math.max(this.mostUnderWay, found.length);
    for (const token of found) this.underWay.add(token);
    return false;
  }

  judge(): void {
    const { tokens, underWay, folder } = this;
    const { ledger } = this.fixture.simulator;
    const resendsUnknown = this.kind.onUnknown === 'resend';
    judge({ folder, tokens, ledger, underWay, resendsUnknown });
    if (!resendsUnknown) return;
    const ids = new Map<string, string>();
    const own = new Set(tokens);
    for (const { token, headers } of ledger.received()) {
      if (!own.has(token!)) continue;
      const id = headers['apns-id']!;
      assert.equal(ids.get(token!) ?? id, id, 'a recipient that is sent to again has its apns-id');
      ids.set(token!, id);
    }
    assert.equal(new Set(ids.values()).size, ids.size, 'recipients have ids of their own');
  }
}

/** Copies a directory that is there. Where a file gets another name meanwhile, all is copied anew. */
function copyFolder(from: string, to: string): void {
  while (existsSync(from)) {
    try {
      rmSync(to, { recursive: true, force: true });
      cpSync(from, to, { recursive: true });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

async function turns(times: number): Promise<void> {
  for (let turn = 0; turn <= times; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A campaign of a kind, with up to three crashes, all of which the seed decides. The fixture is of `openSeeds`. */
export async function runSeed(fixture: CampaignFixture, seed: number): Promise<number> {
  const random = new Prng(seed);
  const campaign = new CrashingCampaign(fixture, random.pick(kindsOfCampaign), seed);
  await campaign.open();
  let crashes = 0;
  for (let most = 1 + random.int(3), isWhole = false; !isWhole; ) {
    const crash = { commit: campaign.disk.commits + random.int(8), point: random.pick(points) };
    isWhole = await campaign.run(crashes < most ? crash : null, random);
    crashes += isWhole ? 0 : 1;
  }
  campaign.judge();
  return crashes;
}

/** A simulator that answers late, refuses streams, and says goodbye now and then. */
export async function openSeeds(): Promise<CampaignFixture> {
  const faults = [
    { do: 'refuse', when: { everyRequests: 300 }, forRequests: 1 },
    { do: 'goaway', when: { everyRequests: 3_000 }, how: 'drain', last: 'half' },
  ] as const;
  return CampaignFixture.open({ ledger: 'full', scenario: { processingMs: 100, faults } });
}
