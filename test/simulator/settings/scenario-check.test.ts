/** What claims to be a scenario: every fault of it is named by its path, with what is allowed there. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { reasons } from '../../../src/apns/reason.js';
import { PealError } from '../../../src/base/errors.js';
import { maxScenarioFaults } from '../../../src/base/limits.js';
import type { Scenario } from '../../../src/simulator/settings/scenario.js';
import { checkScenario, readScenario } from '../../../src/simulator/settings/scenario-check.js';
import { resolveOptions } from '../../../src/simulator/settings/simulator-settings.js';

/** What is said about a scenario; null where it is one. */
function complaint(scenario: unknown): string | null {
  try {
    checkScenario(scenario);
    return null;
  } catch (error) {
    assert.ok(error instanceof PealError, String(error));
    assert.deepEqual([error.code, error.origin], ['ERR_PEAL_OPTION', 'usage']);
    return error.message;
  }
}

const one = (fault: unknown): unknown => ({ faults: [{ do: 'reset' }, fault] });

describe('simulator: what is a scenario', () => {
  it('takes one of every action, with all that it can be told', () => {
    const scenario: Scenario = {
      name: 'everything',
      description: 'one of each',
      seed: 7,
      processingMs: 2.5,
      until: { requests: 1000, ms: 60_000 },
      faults: [
        {
          do: 'goaway',
          how: 'drain',
          last: 'half',
          error: 'ENHANCE_YOUR_CALM',
          reason: 'Shutdown',
          twice: true,
          on: 'all',
        },
        { do: 'goaway', debug: 'bye', processed: 1 },
        { do: 'reset', when: { requests: 3 }, times: 2 },
        { do: 'fin', when: { everyRequests: 3, probability: 0.5 } },
        { do: 'stall', when: { connectionRequests: 3, connection: 2 }, ms: 10 },
        { do: 'blackHole', when: { everyConnectionRequests: 3 } },
        { do: 'refuse', when: { ms: 0 }, forRequests: 3, forMs: 4, share: 0 },
        { do: 'rst', when: { everyMs: 5 }, code: 'CANCEL' },
        { do: 'noAnswer', when: { connectionMs: 5 }, processed: 0 },
        { do: 'answer', reason: 'ServiceUnavailable', retryAfterS: 2 },
        { do: 'answer', status: 202, bodyBytes: 100_000 },
        { do: 'answer', bodyBytes: 0 },
        { do: 'slow', ms: 5, jitterMs: 6, pieceBytes: 1 },
        { do: 'streams', max: [0, 1, 4096], stepMs: 5 },
        { do: 'streams', max: 5 },
        { do: 'window', initialBytes: 0, withholdMs: 5 },
        { do: 'refuseConnections', how: 'silent', forConnections: 2, forMs: 5 },
        { do: 'expireProviderTokens' },
        { do: 'shutdown', ms: 5, connections: 'keep' },
        { do: 'malformed', kind: 'noise' },
      ],
    };
    assert.equal(checkScenario(scenario), scenario);
  });

  const cases: readonly [name: string, scenario: unknown, message: string][] = [
    ['no object', 7, 'The option scenario must be an object, not 7.'],
    ['a list', [], 'The option scenario must be an object, not a list.'],
    ['no faults', {}, 'The option scenario.faults is missing'],
    [
      'faults that are no list',
      { faults: {} },
      'scenario.faults must be a list of at most 1000 faults, not an object.',
    ],
    ['a misspelt field', { faults: [], sead: 1 }, 'The option scenario has no option "sead": did you mean seed?'],
    ['an end without a number', { faults: [], until: {} }, 'scenario.until is empty: name "requests", "ms" or both'],
    ['a wrong end', { faults: [], until: { requests: 0 } }, 'scenario.until.requests must be a whole number from 1 to'],
    ['a misspelt end', { faults: [], until: { request: 5 } }, 'scenario.until has no option "request": did you mean'],
    ['a wrong seed', { faults: [], seed: 1.5 }, 'scenario.seed must be a whole number from 0 to 4294967295, not 1.5.'],
    ['a fault that is none', one('reset'), 'scenario.faults[1] must be an object, not "reset".'],
    ['an action that is none', one({ do: 'explode' }), "scenario.faults[1].do must be 'goaway', 'reset',"],
    ['an action of every object', one({ do: 'toString' }), 'scenario.faults[1].do must be'],
    ['no action', one({}), ', not nothing.'],
    [
      'a field of another action',
      one({ do: 'reset', pieceBytes: 1 }),
      'The option scenario.faults[1] has no option "pieceBytes":',
    ],
    ['a misspelt field of a fault', one({ do: 'fin', proccessed: 1 }), 'did you mean processed?'],
    ['a field that every object has', one(JSON.parse('{"do":"fin","constructor":1}')), 'has no option "constructor"'],
    ['no time to stall', one({ do: 'stall' }), 'scenario.faults[1].ms is missing: "stall" needs it.'],
    ['nothing to answer', one({ do: 'answer' }), 'says too little: "answer" needs one of reason, status, bodyBytes.'],
    [
      'an answer of two kinds',
      one({ do: 'answer', reason: 'Shutdown', status: 503 }),
      'status does not go with reason',
    ],
    ['an answer to come first', one({ do: 'answer', status: 100 }), 'status must be a whole number from 200 to 599'],
    ['a body where there is none', one({ do: 'answer', status: 204, bodyBytes: 1 }), 'bodyBytes must be 0'],
    [
      'a reason that is none',
      one({ do: 'answer', reason: 'Gone' }),
      `scenario.faults[1].reason must be '${reasons[0]!.reason}',`,
    ],
    ['slow without a number', one({ do: 'slow' }), 'says too little: "slow" needs one of ms, jitterMs, pieceBytes.'],
    ['an empty list of limits', one({ do: 'streams', max: [] }), 'max must be a whole number from 0 to 4096 or a list'],
    ['a limit above the highest', one({ do: 'streams', max: 4097 }), 'or a list with something in it, not 4097.'],
    [
      'one in a list',
      one({ do: 'streams', max: [1, 4097] }),
      'max[1] must be a whole number from 0 to 4096, not 4097.',
    ],
    [
      'a text that is a number',
      one({ do: 'goaway', debug: 7 }),
      'debug must be text of at most 8000 characters, not 7.',
    ],
    ['two texts', one({ do: 'goaway', reason: 'a', debug: 'b' }), 'debug does not go with reason'],
    ['a word for a switch', one({ do: 'goaway', twice: 'yes' }), 'twice must be true or false, not "yes".'],
    ['a code that is none', one({ do: 'rst', code: 'NOPE' }), "scenario.faults[1].code must be 'NO_ERROR',"],
    [
      'a refused request that was processed',
      one({ do: 'rst', code: 'REFUSED_STREAM', processed: 1 }),
      'scenario.faults[1].processed must be 0',
    ],
    ['a trigger that is none', one({ do: 'fin', when: 5 }), 'scenario.faults[1].when must be an object, not 5.'],
    [
      'two events',
      one({ do: 'fin', when: { ms: 1, requests: 1 } }),
      'scenario.faults[1].when names ms and requests: name one of them at most',
    ],
    [
      'a probability above 1',
      one({ do: 'fin', when: { probability: 2 } }),
      'scenario.faults[1].when.probability must be a number from 0 to 1, not 2.',
    ],
    ['NaN', one({ do: 'stall', ms: Number.NaN }), 'scenario.faults[1].ms must be a number'],
    [
      'too many faults',
      { faults: Array.from({ length: maxScenarioFaults + 1 }, () => ({ do: 'fin' })) },
      `scenario.faults must be a list of at most ${maxScenarioFaults} faults`,
    ],
  ];
  for (const [name, scenario, message] of cases) {
    it(`refuses ${name}`, () => {
      const said = complaint(scenario);
      assert.ok(said?.includes(message), `${said}`);
    });
  }

  it('is checked when a simulator is started, as is a conduct', () => {
    assert.throws(() => resolveOptions({ scenario: {} as Scenario }), /scenario\.faults is missing/);
    assert.equal(resolveOptions({}).conduct, null);
    assert.equal(resolveOptions({ conduct: 'apns' }).conduct?.providerTokenUpdateMs, 20 * 60_000);
    assert.equal(resolveOptions({ conduct: { maxErrors: null } }).conduct?.maxErrors, Number.POSITIVE_INFINITY);
  });

  describe('in a file', () => {
    let folder = '';

    beforeEach(() => {
      folder = mkdtempSync(path.join(tmpdir(), 'peal-scenario-'));
    });

    afterEach(() => {
      rmSync(folder, { recursive: true });
    });

    const fileWith = (text: string): string => {
      const file = path.join(folder, 'scenario.json');
      writeFileSync(file, text);
      return file;
    };

    it('is read', () => {
      assert.deepEqual(readScenario(fileWith('{"faults":[{"do":"fin"}]}')), { faults: [{ do: 'fin' }] });
      assert.deepEqual(readScenario(fileWith('\uFEFF{"faults":[]}')), { faults: [] });
    });

    it('is named where something is wrong with it', () => {
      assert.throws(() => readScenario(path.join(folder, 'none.json')), /The scenario .*none\.json does not exist/);
      assert.throws(() => readScenario(fileWith('{"faults":')), /scenario\.json is not JSON/);
      assert.throws(
        () => readScenario(fileWith('{"faults":[{"do":"x"}]}')),
        /^PealError: .*scenario\.json: faults\[0\]\.do must be 'goaway', .*, not "x"\.$/,
      );
      assert.throws(
        () => readScenario(fileWith(`"${'x'.repeat(1 << 20)}"`)),
        /^PealError: The scenario .*scenario\.json is larger than 1048576 bytes/,
      );
    });
  });
});
