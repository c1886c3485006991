/**
 * What the end-to-end tests of channels and broadcasts share: a simulator of both services, and their command lines.
 */

import type { SimulatorOptions } from '../../../src/simulator/settings/options.js';
import type { Simulator } from '../../../src/simulator/simulator.js';
import { type CommandOptions, type CommandResult, runCommand } from '../../support/command.js';
import { Fixture } from '../fixture.js';

export const bundleId = 'com.example.app';

export class ChannelsFixture implements AsyncDisposable {
  private constructor(readonly fixture: Fixture) {}

  static async open(options: SimulatorOptions = {}): Promise<ChannelsFixture> {
    return new ChannelsFixture(await Fixture.open({ channelsPort: 0, ...options }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.fixture[Symbol.asyncDispose]();
  }

  get simulator(): Simulator {
    return this.fixture.simulator;
  }

  /** `peal channels …` at the simulator's channel management. */
  channels(args: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return runCommand(['channels', ...args, ...this.#service(this.simulator.channelsUrl!)], options);
  }

  /** `peal broadcast …` at the simulator's gateway. */
  broadcast(args: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return runCommand(['broadcast', ...args, ...this.#service(this.simulator.url!)], options);
  }

  /** Creates channels. Returns their ids. */
  async create(count: number, ...args: readonly string[]): Promise<string[]> {
    const { stdout } = await this.channels(['create', '--count', String(count), ...args]);
    return stdout.trimEnd().split('\n');
  }

  /** `peal channels …` at another address, and with another credential. */
  channelsAt(url: string, args: readonly string[], credential?: readonly string[]): Promise<CommandResult> {
    return runCommand(['channels', ...args, ...this.#service(url, credential)]);
  }

  #service(url: string, credential: readonly string[] = this.fixture.credential): string[] {
    const { fixture } = this;
    const way = ['--gateway', url, '--ca', fixture.path('ca.pem')];
    return ['--bundle-id', bundleId, ...way, ...credential];
  }
}
