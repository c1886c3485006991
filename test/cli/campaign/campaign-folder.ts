/** A campaign in a real folder, held by the process of the test: what commands see beside a run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../../src/base/clock.js';
import { type ControlCommand, ControlWatch } from '../../../src/campaign/control/control-file.js';
import { identityPart } from '../../../src/campaign/journal/identity.js';
import type { Journal } from '../../../src/campaign/journal/journal.js';
import { openJournal } from '../../../src/campaign/journal/journal-folder.js';
import type { CampaignFacts } from '../../../src/campaign/view/campaign-facts.js';
import { ACCEPTED, REJECTED } from '../../../src/engine/ledger.js';

const startMs = Date.UTC(2026, 10, 28, 13, 0, 0);

const running: CampaignFacts = {
  version: 1,
  title: 'Weekend offers',
  protocol: 'http2',
  settings: [
    { name: 'topic', value: 'com.example.app' },
    { name: '--max-failures', value: '500' },
  ],
  kept: { args: ['send', '--tokens', 'users.csv'], cwd: '/srv' },
  state: 'running',
  why: null,
  stopped: null,
  exitCode: null,
  neverNoted: 0,
  invalid: 1,
  duplicate: 3,
  expected: 1000,
  reasons: [
    { reason: 'BadTopic', status: 400, count: 1 },
    { reason: 'Unregistered', status: 410, count: 2 },
  ],
  causes: [],
  invalidLines: { list: 'users.csv', line: 17, why: 'has no token', shape: null },
  unread: [],
  resent: 0,
  runs: [{ startMs, endMs: null, seconds: 4, answered: 10, end: null }],
  connections: 2,
  threads: 1,
  isSentElsewhere: false,
  isCanaryPassed: false,
  rate: '500/s',
};

export class CampaignFolder {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'peal-campaign-'));
  readonly commands: ControlCommand[] = [];
  #facts = running;
  #journal: Journal | null = null;
  #watch: ControlWatch | null = null;
  #block = 0;

  /** A run that answers commands as a campaign does. */
  async begin(): Promise<void> {
    this.#journal = await openJournal(this.folder, { parts: [identityPart('the payload', 'Hi')], inputs: [] });
    this.#journal.cutWith(() => ({ files: {}, facts: { ...this.#facts }, written: null }));
    this.#watch = new ControlWatch(this.folder, systemClock);
    this.#watch.start({
      onCommand: (command) => {
        this.commands.push(command);
        if ('pause' in command) void this.become({ state: 'paused', why: 'peal pause was given.' });
        else if ('resume' in command) void this.become({ state: 'running', why: null });
        else void this.become({ rate: command.rate });
      },
      onNote: () => {},
    });
    await this.send();
  }

  async become(facts: Partial<CampaignFacts>): Promise<void> {
    this.#facts = { ...this.#facts, ...facts };
    this.#journal!.event('changed');
    await this.#journal!.flush();
  }

  /** Ten recipients: seven accepted, three rejected. */
  async send(): Promise<void> {
    const states = Uint8Array.from({ length: 10 }, (_, index) => (index < 7 ? ACCEPTED : REJECTED + 1));
    await this.#journal!.note(this.#block, Uint8Array.of(1), 10);
    this.#journal!.settle(this.#block, states, [...states.keys()]);
    this.#block += 1;
    await this.#journal!.flush();
  }

  /** As a process that is killed leaves it, unless it is said how it ends. */
  async end(facts?: Partial<CampaignFacts>): Promise<void> {
    if (facts !== undefined) {
      await this.become(facts);
      this.#journal!.event(facts.state!);
    }
    this.#watch?.stop();
    await this.#journal?.close();
    this.#journal = null;
  }

  async remove(): Promise<void> {
    await this.end();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
