/** The facts of a campaign that never was. */
import type { CampaignFacts } from '../../../src/campaign/view/campaign-facts.js';

export const startMs = Date.UTC(2026, 10, 28, 13, 0, 0);

/** A campaign in its fourth second. */
export const runningFacts: CampaignFacts = {
  version: 1,
  title: 'Weekend offers',
  protocol: 'http2',
  settings: [{ name: 'topic', value: 'com.example.app' }],
  kept: { args: ['send', '--tokens', 'users.csv'], cwd: '/srv' },
  state: 'running',
  why: null,
  stopped: null,
  exitCode: null,
  neverNoted: 0,
  invalid: 0,
  duplicate: 0,
  expected: 1000,
  reasons: [],
  causes: [],
  invalidLines: null,
  unread: [],
  resent: 0,
  runs: [{ startMs, endMs: null, seconds: 4, answered: 3, end: null }],
  isSentElsewhere: false,
  connections: 2,
  threads: 1,
  isCanaryPassed: false,
  rate: null,
};
