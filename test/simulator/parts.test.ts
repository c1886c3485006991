/** Smaller parts of the simulator: apns-ids, options, and what a sender chooses by a fraction. */
import assert from 'node:assert/strict';
import { systemClock } from '../../src/base/clock.js';
import { ApnsIds, apnsIdCharacters } from '../../src/simulator/faults/apns-ids.js';
import { type SimulatorOptions, startSimulator, startSimulatorThread } from '../../src/simulator/index.js';
import { resolveOptions } from '../../src/simulator/settings/simulator-settings.js';

describe('simulator: apns-ids', () => {
  function idsOf(seed: number, count: number): string[] {
    const ids = new ApnsIds(seed);
    const bytes = Buffer.alloc(apnsIdCharacters);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return Array.from({ length: count }, () => {
      ids.write(view, 0);
      return bytes.toString('latin1');
    });
  }

  it('are version 4 UUIDs, all different', () => {
    const ids = idsOf(1, 20_000);
    assert.equal(new Set(ids).size, ids.length);
    const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    for (const id of ids) assert.match(id, form);
  });

  it('come again with the same seed only', () => {
    assert.deepEqual(idsOf(7, 5), idsOf(7, 5));
    assert.notDeepEqual(idsOf(7, 5), idsOf(8, 5));
  });
});

describe('simulator: options', () => {
  const wrong: [SimulatorOptions, RegExp][] = [
    [{ port: 70_000 }, /^The option port must be a whole number from 0 to 65535, not 70000\.$/],
    [{ port: '8443' as never }, /^The option port must be a whole number from 0 to 65535, not "8443"\.$/],
    [{ maxStreams: 0 }, /option maxStreams must be .*, not 0\./],
    [{ roundTripMs: -1 }, /option roundTripMs must be a number from 0 to 600000, not -1\./],
    [{ rejectFraction: 1.5 }, /option rejectFraction must be .*, not 1\.5\./],
    [{ rejectReasons: ['Nope'] }, /option rejectReasons\[0\] must be 'BadDeviceToken', .*, not "Nope"\./],
    [{ rejectReasons: [] }, /option rejectReasons must be a list with something in it, not a list\./],
    [{ connectionWindowBytes: 1000 }, /connectionWindowBytes must be a whole number .* or 'large', not 1000\./],
    [{ auth: 'none' as never }, /option auth must be 'any', 'either', 'token' or 'certificate', not "none"\./],
    [{ auth: 'certificate' }, /needs clientCa/],
    [{ auth: 'either', binaryPort: 0 }, /"either" with binaryPort or feedbackPort needs clientCa/],
    [{ auth: 'token', feedbackPort: 0 }, /"token" excludes all clients/],
    [{ cert: 'x' }, /^The option cert needs key: give both/],
    [{ splitStaus: true } as never, /^The simulator has no option "splitStaus": did you mean splitStatus\?$/],
    [{ split_status: true } as never, /^The simulator has no option "split_status": write splitStatus\.$/],
    [{ latencyMs: 5 } as never, /^The simulator has no option "latencyMs": write roundTripMs\.$/],
    [{ splitStatus: 'perhaps' as never }, /^The option splitStatus must be true or false, not "perhaps"\.$/],
    [{ scripted: 1 as never }, /^The option scripted must be true or false, not 1\.$/],
    [{ host: '' }, /^The option host must be text of 1 to 255 characters, but is empty\.$/],
    [{ topics: 'com.example.app' as never }, /^The option topics must be a list, not "com\.example\.app"\.$/],
    [{ topics: [7] as never }, /^The option topics\[0\] must be text .*, not 7\.$/],
    [{ ledger: 'all' as never }, /^The option ledger must be 'tokens', 'counts' or 'full', not "all"\.$/],
    [{ logger: console.log as never }, /^The option logger must be a logger with the methods .*, not a function\.$/],
    [{ clock: {} as never }, /^The option clock must be a clock with the methods .*, not an object\.$/],
    [{ providerKeys: [{ keyID: 'x' }] as never }, /providerKeys\[0\] has no option "keyID": write keyId\.$/],
    [{ feedback: [{ token: 'ab', since: 1 }] as never }, /feedback\[0\] has no option "since"/],
    [7 as never, /^The simulator takes its options as an object, not 7\.$/],
    [{ conduct: { maxError: 1 } as object }, /^The option conduct has no option "maxError": did you mean maxErrors\?$/],
    [{ conduct: 'apple' as never }, /^The option conduct must be 'apns' .*, not "apple"\.$/],
    [{ conduct: { maxErrors: 0 } }, /^The option conduct\.maxErrors must be a whole number .* or null, not 0\.$/],
    [{ conduct: { idleEnd: 'x' as 'reset' } }, /conduct\.idleEnd must be 'answer', .*, not "x"\.$/],
    [{ conduct: { goawayTwice: null as never } }, /conduct\.goawayTwice must be true or false, not null\.$/],
  ];
  for (const [options, message] of wrong) {
    it(`refuses ${JSON.stringify(options)} in one clear sentence`, () => {
      assert.throws(() => resolveOptions(options), { code: 'ERR_PEAL_OPTION', message });
    });
  }

  it('refuses in the same words on a thread of its own, and what cannot go there', async () => {
    await assert.rejects(startSimulatorThread({ splitStaus: true } as object), {
      code: 'ERR_PEAL_OPTION',
      message: /has no option "splitStaus": did you mean splitStatus\?$/,
    });
    await assert.rejects(startSimulatorThread({ clock: systemClock } as object), {
      code: 'ERR_PEAL_OPTION',
      message:
        'A simulator on a thread of its own has no option "clock": it cannot cross threads: leave it out, or use startSimulator.',
    });
  });

  it('never quotes what may be a key', () => {
    const secret = 'x'.repeat(5000);
    for (const options of [{ cert: 'x', key: [secret] as never }, { key: secret }, { clientCa: {} as never }]) {
      assert.throws(
        () => resolveOptions(options),
        (error: Error & { code?: string }) => error.code === 'ERR_PEAL_OPTION' && !error.message.includes('xxx'),
      );
    }
  });

  it('refuses a provider key and a certificate that are none, without quoting them', async () => {
    const canary = 'CANARYSECRET';
    const key = { keyId: 'ABCDEFGHIJ', teamId: 'KLMNOPQRST', publicKey: canary };
    await assert.rejects(startSimulator({ providerKeys: [key] }), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_PEAL_CREDENTIAL');
      assert.match(error.message, /ABCDEFGHIJ/);
      return !error.message.includes(canary);
    });
    await assert.rejects(startSimulator({ cert: canary, key: canary }), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_PEAL_CREDENTIAL');
      return !error.message.includes(canary);
    });
  });

  it('refuses a port that is taken', async () => {
    const first = await startSimulator();
    try {
      await assert.rejects(startSimulator({ port: first.port }), {
        code: 'ERR_PEAL_OPTION',
        message: /the port is in use/,
      });
      const controlPort = Number(new URL(first.controlUrl ?? '').port);
      await assert.rejects(startSimulator({ controlPort }), { code: 'ERR_PEAL_OPTION', message: /control server/ });
    } finally {
      await first.close();
    }
  });
});
