/** What node:diagnostics_channel tells of a campaign, and how often. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { CampaignEvent } from '../../../src/index.js';
import { CampaignFixture, mixedTokens } from '../campaign-fixture.js';

const kinds = ['began', 'paused', 'resumed', 'stopped', 'finished', 'progress'] as const;

describe('events of a campaign', () => {
  let fixture: CampaignFixture;
  const told: { readonly kind: string; readonly event: CampaignEvent }[] = [];
  const note = (event: unknown, channel: string | symbol): void => {
    told.push({ kind: String(channel).replace('peal:campaign:', ''), event: event as CampaignEvent });
  };

  beforeEach(async () => {
    told.length = 0;
    fixture = await CampaignFixture.open();
    for (const kind of kinds) subscribe(`peal:campaign:${kind}`, note);
  });

  afterEach(async () => {
    for (const kind of kinds) unsubscribe(`peal:campaign:${kind}`, note);
    await fixture.close();
  });

  const turns = (): string[] => told.map(({ kind }) => kind).filter((kind) => kind !== 'progress');

  it('tell its beginning, its pauses and its end, with all counts', async () => {
    const recipients = { files: await fixture.list(mixedTokens(1500)) };
    const campaign = fixture.campaign({ recipients, folder: fixture.out, title: 'Spring' });
    campaign.pause();
    const running = campaign.run();
    while (!turns().includes('began')) await new Promise((resolve) => setImmediate(resolve));
    campaign.resume();
    const { summary } = await running;
    assert.deepEqual(turns(), ['paused', 'began', 'resumed', 'finished']);
    const last = told.at(-1)!.event;
    assert.deepEqual(last.campaign, { title: 'Spring', folder: fixture.out, gateway: fixture.simulator.url });
    assert.equal(last.error, null);
    const { accepted, rejected } = last.progress;
    assert.deepEqual([accepted, rejected], [summary.accepted, summary.rejected]);
    assert.equal(last.progress.state, 'finished');
    assert.ok(told.every(({ event }) => event.campaign === last.campaign));
    assert.ok(told.length < 30, `${told.length} events for 1,500 recipients`);
  });

  it('tell what stopped it', async () => {
    const recipients = { files: await fixture.list(mixedTokens(1500)) };
    const campaign = fixture.campaign({ recipients, folder: fixture.out, rate: '100/s', maxFailures: 0 });
    await campaign.run();
    assert.deepEqual(turns(), ['began', 'stopped']);
    assert.equal(told.at(-1)!.event.error?.code, 'ERR_PEAL_BOUND');
    assert.equal(told.at(-1)!.event.progress.state, 'stopped');
  });
});
