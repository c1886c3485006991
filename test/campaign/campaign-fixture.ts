/** A simulator, a session and a folder for tests of campaigns, and a clock whose wall can be moved. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Clock, systemClock } from '../../src/base/clock.js';
import { Campaign } from '../../src/campaign/campaign.js';
import type { CampaignOptions } from '../../src/campaign/run/campaign-options.js';
import type { CampaignHooks } from '../../src/campaign/run/run-report.js';
import { Message, Session, type Simulator, scriptedToken, startSimulator } from '../../src/index.js';
import type { SimulatorOptions } from '../../src/simulator/index.js';

export const plainToken = (): string => `00${randomBytes(31).toString('hex')}`;

/** So many tokens; of each 100 the first is gone, and the second is bad. Those of another `set` are others. */
export function mixedTokens(count: number, set = 0): string[] {
  return Array.from({ length: count }, (_, index) => {
    const number = set * count + index;
    if (index % 100 === 0) return scriptedToken('Unregistered', number);
    return index % 100 === 1 ? scriptedToken('BadDeviceToken', number) : plainToken();
  });
}

export class CampaignFixture {
  readonly folder: string;
  readonly simulator: Simulator;
  readonly session: Session;
  /** What is added to the wall clock, in milliseconds. */
  wallOffsetMs = 0;

  private constructor(folder: string, simulator: Simulator, threads: number) {
    this.folder = folder;
    this.simulator = simulator;
    const clock: Clock = { ...systemClock, wallMs: () => systemClock.wallMs() + this.wallOffsetMs };
    this.session = new Session({ ca: simulator.caCertificate!, threads, ...(threads === 0 && { clock }) });
  }

  static async open(options: SimulatorOptions = {}, threads = 0): Promise<CampaignFixture> {
    const folder = await mkdtemp(path.join(tmpdir(), 'peal-campaign-'));
    const simulator = await startSimulator({ auth: 'any', controlPort: null, ...options });
    return new CampaignFixture(folder, simulator, threads);
  }

  async close(): Promise<void> {
    await this.session.shutdown();
    await this.simulator.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The directory of the campaign. */
  get out(): string {
    return path.join(this.folder, 'run');
  }

  async list(tokens: readonly string[], name = 'list.txt'): Promise<string> {
    const file = path.join(this.folder, name);
    await writeFile(file, `${tokens.join('\n')}\n`);
    return file;
  }

  /** Lines of a file of the campaign, without its heading; none where there is no file. */
  async lines(name: string): Promise<string[]> {
    const text = await readFile(path.join(this.out, name), 'utf8').catch(() => '');
    const lines = text.split('\n').slice(0, -1);
    return name.endsWith('.csv') ? lines.slice(1) : lines;
  }

  campaign(
    options: Partial<CampaignOptions> & Pick<CampaignOptions, 'recipients'>,
    hooks: CampaignHooks = {},
  ): Campaign {
    const gateway = this.session.getConnection(this.simulator.url, null);
    const message = new Message([], { alert: 'Hello', topic: 'com.example.app' });
    return new Campaign({ gateway, message, ...options }, hooks);
  }
}
