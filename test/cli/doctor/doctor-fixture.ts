/** What the tests of `peal doctor` share: a run with `--json`, its steps by name, and what holds for every run. */
import assert from 'node:assert/strict';
import { type CommandOptions, jsonLines, runCommand } from '../../support/command.js';

export interface ShownStep {
  readonly step: string;
  readonly service: 'apns' | 'fcm' | null;
  readonly state: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly found: string;
  readonly advice: string | null;
  readonly details: Record<string, unknown>;
}

export interface Examined {
  readonly code: number | null;
  readonly stdout: string;
  /** In their order. */
  readonly steps: readonly ShownStep[];
  /** The one of that name, and of that service if one is given; of several the last. */
  step(name: string, service?: 'apns' | 'fcm'): ShownStep;
  /** The names of those that have failed. */
  readonly failed: readonly string[];
}

/** Runs `peal doctor` and checks what holds whatever was found. `secrets` must not be printed. */
export async function examine(
  args: readonly string[],
  options: CommandOptions & { readonly secrets?: readonly string[] } = {},
): Promise<Examined> {
  const { code, stdout, stderr } = await runCommand(['doctor', ...args, '--json'], options);
  assert.equal(stderr, '');
  for (const secret of options.secrets ?? []) assert.ok(!stdout.includes(secret), 'a secret is printed');
  const lines = jsonLines(stdout);
  const { messageType, exitCode, ...counts } = lines.pop()!;
  assert.deepEqual([messageType, exitCode], ['summary', code]);
  const steps = lines as unknown as ShownStep[];
  for (const { state, found, advice, step } of steps) {
    assert.match(found, /^\S.*[^.\s]$/, `${step}: a line without a full stop`);
    assert.doesNotMatch(found, /\n/);
    if (state === 'ok' || state === 'skipped') assert.equal(advice, null);
    else assert.match(advice!, /^(?:[A-Z/]|--).*\.$/, `${step}: what to do, as a sentence`);
  }
  const of = (state: string): ShownStep[] => steps.filter((step) => step.state === state);
  const counted = { ok: 0, warning: 0, failed: 0, skipped: 0 };
  for (const { state } of steps) counted[state] += 1;
  assert.deepEqual(counts, counted);
  assert.equal(code === 0, of('failed').length === 0, stdout);
  return {
    code,
    stdout,
    steps,
    failed: of('failed').map(({ step }) => step),
    step(name, service) {
      const found = steps.findLast((one) => one.step === name && (service ?? one.service) === one.service);
      assert.ok(found !== undefined, `no step ${name} in ${stdout}`);
      return found;
    },
  };
}

/** The states of the steps by name, without those that a machine decides. */
export function statesOf({ steps }: Examined): Record<string, string> {
  const own = steps.filter(({ step }) => !['node', 'files', 'settings'].includes(step));
  return Object.fromEntries(own.map(({ step, state }) => [step, state]));
}
