/**
 * Machines of a campaign for two services: which part of the rate each has, what a person is told, and what is left of
 * an opening that fails.
 */
import assert from 'node:assert/strict';
import type { RemoteCampaign, RemoteSender } from '../../../src/campaign/senders/campaign-sender.js';
import { CampaignServices } from '../../../src/campaign/senders/campaign-services.js';
import { type MachinesOfService, PlatformMachines } from '../../../src/campaign/senders/platform-machines.js';
import { FcmMessage } from '../../../src/fcm.js';
import { Message, Session } from '../../../src/index.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { Rows } from '../../../src/session/recipients/rows.js';

class FakeRemote implements RemoteSender {
  opened: RemoteCampaign | null = null;
  rates: (number | null)[] = [];
  hasLeft = false;
  adopted = 0;
  failure: Error | null = null;

  async open(campaign: RemoteCampaign): Promise<void> {
    if (this.failure !== null) throw this.failure;
    this.opened = campaign;
  }
  room(underWay: number, noted: number): number {
    return 1_000 - underWay - noted;
  }
  steer(ratePerSecond: number | null): void {
    this.rates.push(ratePerSecond);
  }
  adopt(): { underWay: number; neverLeft: Uint16Array; lost: Uint16Array } {
    this.adopted += 1;
    return { underWay: 0, neverLeft: new Uint16Array(0), lost: new Uint16Array(0) };
  }
  async leave(): Promise<void> {
    this.hasLeft = true;
  }
}

describe('machines for two services', () => {
  const session = new Session();
  const services = new CampaignServices({
    gateway: session.getConnection('https://localhost:1', null),
    message: new Message([], { alert: 'Hello' }),
    platforms: {
      column: 'os',
      gateway: session.getConnection('fcm', { accessToken: 'x', project: 'my-app' }),
      message: new FcmMessage([], { title: 'Hello' }),
    },
  });

  interface World {
    readonly machines: PlatformMachines;
    readonly remotes: readonly [FakeRemote, FakeRemote];
    readonly waiting: [number, number];
    readonly ended: [boolean, boolean];
  }

  function open(): World {
    const remotes = [new FakeRemote(), new FakeRemote()] as const;
    const waiting: [number, number] = [0, 0];
    const ended: [boolean, boolean] = [false, false];
    const [first, second] = services.all.map((service, at): MachinesOfService => {
      return { service, remote: remotes[at]!, waiting: () => waiting[at]!, hasEnded: () => ended[at]! };
    });
    const machines = new PlatformMachines([first!, second!], ({ tokens }) =>
      services.of(tokens) === first!.service ? first! : second!,
    );
    return { machines, remotes, waiting, ended };
  }

  const campaignOf = (notes: string[]): RemoteCampaign => ({
    ...{ key: Uint8Array.of(...Array(16).keys()), title: 'Sale', message: services.all[0]!.message, options: {} },
    ...{ isResumed: false, flush: async () => {}, blockOf: () => 0, onNote: (said: string) => void notes.push(said) },
  });

  it('have the whole rate together, each by what waits for it, and some of it until it has ended', () => {
    const { machines, remotes, waiting, ended } = open();
    const steer = (rate: number | null): (number | null | undefined)[] => {
      machines.steer(rate, false);
      return remotes.map(({ rates }) => rates.splice(0)[0]);
    };
    assert.deepEqual(steer(1_600), [800, 800]);
    waiting.splice(0, 2, 3_000, 1_000);
    assert.deepEqual(steer(1_600), [1_200, 400]);
    waiting.splice(0, 2, 100_000, 0);
    assert.deepEqual(steer(1_600), [1_500, 100]);
    waiting.splice(0, 2, 0, 5);
    assert.deepEqual(steer(1_600), [100, 1_500]);
    assert.deepEqual(steer(null), [null, null]);
    ended[0] = true;
    assert.deepEqual(steer(1_600), [undefined, 1_600]);
  });

  it('have campaigns of their own, with keys that are the same in each run, and say once what both find', async () => {
    const notes: string[] = [];
    const { machines, remotes } = open();
    await machines.open(campaignOf(notes));
    const again = open();
    await again.machines.open(campaignOf([]));
    const [apns, google] = remotes.map(({ opened }) => opened!);
    assert.deepEqual([apns!.title, google!.title], ['Sale (APNs)', 'Sale (FCM)']);
    assert.deepEqual(
      [apns!.message, google!.message],
      services.all.map(({ message }) => message),
    );
    assert.notDeepEqual(apns!.key, google!.key);
    assert.equal(google!.key.length, apns!.key.length);
    assert.deepEqual(
      again.remotes.map(({ opened }) => opened!.key),
      [apns!.key, google!.key],
    );
    apns!.onNote('No worker.');
    google!.onNote('No worker.');
    google!.onNote('Redis is away.');
    google!.onNote('No worker.');
    apns!.onNote('No worker.');
    assert.deepEqual(notes, ['No worker.', 'Redis is away.', 'No worker.']);
  });

  it('give the first back where the second cannot be opened', async () => {
    const { machines, remotes } = open();
    remotes[1].failure = new Error('held');
    await assert.rejects(machines.open(campaignOf([])), /held/);
    assert.deepEqual(
      remotes.map(({ hasLeft }) => hasLeft),
      [true, false],
    );
  });

  it('find what an earlier run has handed out where its service has it', () => {
    const { machines, remotes } = open();
    const hex = new Rows(new TokenBlock(new Uint8Array(32), 32, 1), {});
    const text = new Rows(new TokenBlock(Buffer.from('d'.repeat(150)), 150, 1, 'text'), {});
    for (const rows of [hex, text, text]) machines.adopt(rows, 0, new Uint16Array(0));
    assert.deepEqual(
      remotes.map(({ adopted }) => adopted),
      [1, 2],
    );
    assert.equal(machines.room(200, 300), 500);
  });
});
