/**
 * What a campaign takes from the program that has it: recipients in all their forms, callbacks, options, and its own
 * code's faults.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CampaignReport } from '../../src/campaign/run/run-report.js';
import { Campaign, type CampaignOptions, dryRun, PealError, Template } from '../../src/index.js';
import { CampaignFixture, plainToken } from './campaign-fixture.js';

type Recipients = CampaignOptions['recipients'];

/** As programs have their rows: an interface, and a class. Neither has an index signature. */
interface Customer {
  readonly id: bigint;
  readonly token: string;
  readonly name: string | null;
  readonly tags: readonly string[];
}

class Device {
  constructor(readonly token: string) {}

  get name(): string {
    return 'a getter of the class is no field';
  }
}

describe('a campaign of a program', () => {
  let fixture: CampaignFixture;

  before(async () => {
    fixture = await CampaignFixture.open();
  });

  after(async () => {
    await fixture.close();
  });

  const run = (recipients: Recipients, options: Partial<CampaignOptions> = {}): Promise<CampaignReport> =>
    fixture.campaign({ recipients, ...options }).run();

  const refused = (options: object): string => {
    try {
      const campaign = fixture.campaign({ recipients: [plainToken()], ...options });
      assert.ok(campaign instanceof Campaign);
    } catch (error) {
      assert.ok(error instanceof PealError, String(error));
      assert.equal(error.code, 'ERR_PEAL_OPTION');
      return error.message;
    }
    return 'taken';
  };

  describe('takes recipients', () => {
    async function* customers(): AsyncGenerator<Customer> {
      yield { id: 2n ** 60n, token: plainToken(), name: 'Zoë', tags: ['a'] };
      yield { id: 2n, token: plainToken(), name: null, tags: [] };
    }
    const unknowns = async function* (): AsyncGenerator<Record<string, unknown>> {
      yield { token: plainToken() };
    };

    const forms: readonly (readonly [string, Recipients, number])[] = [
      ['of an interface', customers, 2],
      ['of a class', [new Device(plainToken())], 1],
      ['of unknown fields', unknowns(), 1],
      ['of a promise of a list', async () => [plainToken()], 1],
      ['of a promise of a stream', async () => customers(), 2],
      ['of a set', new Set([plainToken()]), 1],
    ];
    for (const [name, recipients, count] of forms) {
      it(name, async () => {
        const { summary, stopped } = await run(recipients);
        assert.deepEqual([summary.accepted, summary.state, stopped], [count, 'finished', null]);
      });
    }

    it('of a dry run with a promise', async () => {
      const gateway = fixture.session.getConnection(fixture.simulator.url, null);
      const { message } = {
        message: new (await import('../../src/index.js')).Message([], { topic: 'a.b', alert: 'Hi' }),
      };
      assert.equal((await dryRun({ gateway, message, recipients: async () => customers() })).toSend, 2);
    });

    it('and no text, which would be read letter by letter', () => {
      // @ts-expect-error a text is no list of recipients
      const options: Partial<CampaignOptions> = { recipients: 'tokens.txt' };
      assert.match(refused(options), /^The option recipients must be files/);
    });
  });

  describe('says with a PealError that', () => {
    const fault = new RangeError('the database went away');
    const before: readonly (readonly [string, Recipients | (() => unknown), RegExp])[] = [
      [
        'a stream throws at once',
        // biome-ignore lint/correctness/useYield: it throws before
        async function* (): AsyncGenerator<string> {
          throw fault;
        },
        /^The recipients of the program threw RangeError: see the cause\.$/,
      ],
      [
        'a function throws',
        () => {
          throw fault;
        },
        /^The function in the option recipients threw RangeError: see the cause\.$/,
      ],
      ['a function rejects', () => Promise.reject(fault), /^The function in the option recipients threw RangeError/],
      ['a function returns nothing', () => undefined, /must return an iterable .* not nothing\.$/],
      ['a function returns a text', () => 'tokens.txt', /must return an iterable .* not "tokens\.txt"\.$/],
      ['a stream has no iterator', () => ({ [Symbol.iterator]: () => undefined }), /threw TypeError: see the cause/],
      [
        'a stream gives no step',
        () => ({ [Symbol.asyncIterator]: () => ({ next: async () => 5 }) }),
        /threw TypeError: see the cause/,
      ],
    ];
    for (const [name, recipients, expected] of before) {
      it(`${name}, before anything is sent`, async () => {
        const campaign = fixture.campaign({ recipients: recipients as Recipients });
        const error = await campaign.run().catch((rejection: unknown) => rejection);
        assert.ok(error instanceof PealError, String(error));
        assert.match(error.message, expected);
        if (expected.source.includes('RangeError')) assert.equal(error.cause, fault);
        assert.equal(campaign.progress.state, 'stopped');
      });
    }

    it('a stream throws in the middle', async () => {
      const { stopped, summary } = await run(async function* () {
        for (let index = 0; index < 2500; index++) yield { token: plainToken() };
        throw fault;
      });
      assert.deepEqual([stopped?.code, stopped?.cause, summary.accepted], ['ERR_PEAL_INPUT', fault, 2500]);
    });

    it('a stream throws while it is closed', async () => {
      const abort = new AbortController();
      const { stopped, problems } = await run(
        async function* () {
          try {
            for (let pulled = 0; ; pulled++) {
              yield { token: plainToken() };
              if (pulled === 1500) abort.abort();
            }
          } finally {
            // biome-ignore lint/correctness/noUnsafeFinally: it is what is tested
            throw fault;
          }
        },
        { signal: abort.signal },
      );
      assert.equal(stopped?.code, 'ERR_PEAL_ABORTED');
      assert.deepEqual(
        problems.map(({ cause }) => cause),
        [undefined, fault],
      );
    });

    it('counts what was given by an abort in full, also of tokens that stand in different blocks', async () => {
      for (const last of [1, 700, 2047, 3000]) {
        const abort = new AbortController();
        let given = 0;
        const recipients = function* (): Generator<string, void, void> {
          for (;;) {
            given += 1;
            if (given === last) abort.abort();
            yield given.toString(16).padStart(given % 2 === 0 ? 64 : 40, '0');
          }
        };
        const { summary } = await run(recipients, { signal: abort.signal });
        assert.deepEqual([summary.recipients, given], [last, last]);
        assert.equal(summary.accepted + summary.rejected + summary.unsent + summary.unknown, last);
      }
    });

    it('a stream does not close, and ends nevertheless', async () => {
      const abort = new AbortController();
      let pulled = 0;
      const endless: AsyncIterable<string> = {
        [Symbol.asyncIterator]: () => ({
          next: async () => {
            pulled += 1;
            if (pulled === 3000) abort.abort();
            return { value: plainToken() };
          },
          return: () => new Promise(() => {}),
        }),
      };
      const { stopped, problems } = await run(endless, { signal: abort.signal });
      assert.equal(stopped?.code, 'ERR_PEAL_ABORTED');
      assert.match(String(problems[1]?.cause), /return\(\) takes longer than 5000 ms/);
    });

    it('the canary was not answered', async () => {
      for (const confirm of [() => Promise.reject(fault), () => assert.fail('no')]) {
        const { stopped, summary } = await run([plainToken(), plainToken()], { canary: { recipients: 1, confirm } });
        assert.match(stopped?.message ?? '', /^The option canary\.confirm threw \w+: see the cause\.$/);
        assert.deepEqual([summary.accepted, summary.unsent], [1, 1]);
      }
    });

    it('none of its recipients has a device token, and why', async () => {
      const { stopped } = await run([{ device: plainToken() }]);
      assert.match(stopped?.message ?? '', /hold no device token, and nothing was sent\. The first of them has no /);
    });
  });

  it('takes an object whose getter throws as no recipient, and goes on', async () => {
    const broken = {
      get token(): string {
        throw new Error('not loaded');
      },
    };
    const { summary } = await run([broken, { token: plainToken() }]);
    assert.deepEqual([summary.accepted, summary.invalid], [1, 1]);
    assert.equal(summary.invalidLines?.why, 'has a field "token" that cannot be read');
  });

  it('promises to go on where it stopped only with a folder', async () => {
    for (const folder of [undefined, fixture.out]) {
      const kept = folder === undefined ? {} : { folder };
      const aborted = await run([plainToken()], { signal: AbortSignal.abort(), ...kept });
      const bound = await run([plainToken()], { notAfter: new Date(1), ...kept });
      for (const { stopped } of [aborted, bound]) {
        assert.equal(stopped?.message.includes('goes on where it stopped'), folder !== undefined);
      }
    }
  });

  it('has no time that a timer has no room for', async () => {
    const { stopped } = await run([plainToken()], { maxDurationMs: 2 ** 40 });
    assert.equal(stopped, null);
  });

  it('says how long a run took that was shorter than a second', async () => {
    const { stopped } = await run(
      async function* () {
        yield plainToken();
        await sleep(2000, undefined, { ref: false });
      },
      { maxDurationMs: 150 },
    );
    assert.match(stopped?.message ?? '', /The run has taken 150 ms \(maxDurationMs\)/);
  });

  it('has the rate that was set last, before, while and after it runs', async () => {
    const campaign = fixture.campaign({ recipients: [plainToken()], rate: '1000/s' });
    for (const wrong of [500, undefined, {}]) {
      assert.throws(
        () => {
          campaign.rate = wrong as unknown as string;
        },
        { code: 'ERR_PEAL_OPTION' },
      );
    }
    assert.equal(campaign.rate, '1000/s');
    campaign.rate = null;
    assert.equal(campaign.rate, null);
    await campaign.run();
    assert.equal(campaign.rate, null);
  });

  describe('refuses', () => {
    const circle: { circle?: unknown } = {};
    circle.circle = circle;
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ canary: {} }, /^The option canary\.recipients is missing: it has to be a whole number from 1 to/],
      [{ canary: { minAccepted: 0.5 } }, /^The option canary\.recipients is missing/],
      [{ localWindow: { hours: '09:00-21:00' } }, /^The option localWindow\.timezoneColumn is missing/],
      [{ localWindow: { timezoneColumn: 'tz' } }, /^The option localWindow\.hours is missing/],
      [{ settings: [{ name: 'a' }] }, /^The option settings\[0\]\.value is missing/],
      [
        { stopOn: ['TopicDisalowed'] },
        /^The option stopOn: "TopicDisalowed" is not known; did you mean TopicDisallowed\?$/,
      ],
      [{ notAfter: new Date(Number.NaN) }, /must be a Date with a time, not an invalid Date/],
      [{ gateway: undefined }, /^A campaign needs the option gateway, which is missing\.$/],
      ...['x', [1], { f() {} }, { big: 1n }, { date: new Date() }, { none: Number.NaN }, circle].map(
        (kept): [object, RegExp] => [{ kept }, /^The option kept must be an object of plain JSON/],
      ),
    ];
    for (const [options, expected] of wrong) {
      it(String(expected), () => {
        assert.match(refused(options), expected);
      });
    }

    it('nothing that JSON keeps', () => {
      assert.equal(
        refused({ kept: { a: [1, null, { b: 'c' }], none: undefined, bare: Object.create(null) } }),
        'taken',
      );
    });
  });

  it('says to each what his fields are, in any script and of any kind', async () => {
    const personal = new Template({
      payload: { aps: { alert: '{{name}} {{id}} {{when}} {{tags}}' }, tags: '{{tags:json}}' },
    });
    const recipients = [
      { token: plainToken(), name: '👩‍👧 "é" \\ \u0000', id: 2n ** 64n, when: new Date(0), tags: { a: ['<b>'] } },
      { token: plainToken(), name: 'no when', id: 1, when: new Date(Number.NaN), tags: [] },
    ];
    const { summary } = await run(recipients, { personal });
    assert.deepEqual([summary.accepted, summary.invalid], [1, 1]);
    assert.match(summary.invalidLines?.why ?? '', /has no when/);
  });
});
