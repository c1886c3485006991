/** Smaller parts of the simulator: apns-ids, options, and what a sender chooses by a fraction. */
import assert from 'node:assert/strict';
import { ApnsIds, apnsIdBytes } from '../../src/simulator/apns-ids.js';
import { type SimulatorOptions, startSimulator } from '../../src/simulator/index.js';
import { resolveOptions } from '../../src/simulator/options.js';

describe('simulator: apns-ids', () => {
  function idsOf(seed: number, count: number): string[] {
    const ids = new ApnsIds(seed);
    const bytes = Buffer.alloc(apnsIdBytes);
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
    [{ port: 70_000 }, /option port is 70000: .* from 0 to 65535/],
    [{ maxStreams: 0 }, /option maxStreams is 0/],
    [{ roundTripMs: -1 }, /option roundTripMs is -1/],
    [{ rejectFraction: 1.5 }, /option rejectFraction is 1.5/],
    [{ rejectReasons: ['Nope'] }, /rejectReasons: "Nope" is no reason/],
    [{ rejectReasons: [] }, /rejectReasons is empty/],
    [{ connectionWindowBytes: 1000 }, /connectionWindowBytes is 1000/],
    [{ auth: 'none' as never }, /option auth is "none": .* any, either, token, certificate/],
    [{ auth: 'certificate' }, /needs clientCa/],
    [{ cert: 'x' }, /cert and key belong together/],
  ];
  for (const [options, message] of wrong) {
    it(`refuses ${JSON.stringify(options)} in one clear sentence`, () => {
      assert.throws(() => resolveOptions(options), { code: 'ERR_PEAL_OPTION', message });
    });
  }

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
