/**
 * `peal/compat/node-apn` beside @parse/node-apn itself: the same calls to both, each against a simulator of its own.
 * What they give and what the gateway receives is equal, but for the differences that docs/compat.md lists. Skipped by
 * name without `npm ci --prefix test/interop --ignore-scripts`.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as ours from '../../../src/compat/node-apn/index.js';
import { repositoryRoot } from '../../support/repository.js';
import {
  type Ground,
  isOtherInstalled,
  loadOther,
  rowOf,
  type SeenRequest,
  type Trace,
  traceOf,
} from './differential.js';
import { type Case, knownId, type Library, nodeApnCases } from './node-apn-cases.js';
import { nodeApnDifferences, nodeApnFaults } from './node-apn-differences.js';

/** Rows of the table of cases: a case that is lost has to be noticed. */
const countOfCases = 195;

function optionsOf({ simulator, providerKey }: Ground): ours.ProviderOptions {
  const { teamId, keyId, p8: key } = providerKey;
  return {
    ...{ token: { key, keyId, teamId }, address: 'localhost', port: simulator.port, ca: [simulator.caCertificate!] },
    ...(simulator.channelsUrl !== null && {
      manageChannelsAddress: 'localhost',
      manageChannelsPort: Number(new URL(simulator.channelsUrl).port),
    }),
  };
}

async function trace(one: Case, apn: Library): Promise<Trace> {
  const { result, requests } = await traceOf(one.simulator ?? {}, async (ground) => {
    const options = { ...optionsOf(ground), ...one.options };
    const provider = new apn.Provider(options);
    try {
      const given = await atMost(longestMs, one.run({ apn, options, provider, simulator: ground.simulator }), 'no end');
      const { channels } = ground.simulator;
      const received = (['create', 'read', 'list', 'remove', 'broadcast'] as const).flatMap((action) =>
        channels
          .received(action)
          .map(({ bundleId, channelId, requestId, pushType, priority, expiration, payload, answer, status }) => ({
            ...{ action, bundleId, channelId, requestId, pushType, priority, expiration, payload, answer, status },
          })),
      );
      return plain(one.simulator?.channelsPort === 0 ? { given, received } : given);
    } finally {
      await atMost(500, new Promise<void>((done) => void provider.shutdown(done)), undefined);
    }
  });
  return { result, requests: requests.map(withoutDrawnId) };
}

/** What has not ended by then is pending for good: the original waits for some things for ever. */
const longestMs = 20_000;

async function atMost(ms: number, what: unknown, otherwise: unknown): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms, otherwise);
  });
  return await Promise.race([what, late]).finally(() => clearTimeout(timer));
}

/** An id that the notification does not name is drawn by the sender or by APNs. */
function withoutDrawnId({ headers, ...rest }: SeenRequest): SeenRequest {
  const { 'apns-id': id, ...others } = headers;
  return { ...rest, headers: id !== undefined && (!uuid.test(id) || id === knownId) ? headers : others };
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * As plain data, without what chance and the clock decide. Of an error its message, without what other libraries say.
 */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return uuid.test(value) && value !== knownId ? 'some id' : value;
  if (value instanceof Error) return { error: value.message.replace(/^(apn write failed).*$/s, '$1') };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([name, one]) => !isDrawn(name, one));
  return Object.fromEntries(entries.map(([name, one]) => [name, plain(one)]));
}

const isDrawn = (name: string, value: unknown): boolean =>
  ['date', 'authorization', 'content-length', 'timestamp'].includes(name) && typeof value !== 'object';

type Lists = { readonly sent?: unknown; readonly failed?: unknown };

/** How many are in the lists of all sends of a result. */
function listed(result: unknown, name: 'sent' | 'failed'): number {
  if (typeof result !== 'object' || result === null) return 0;
  const list = (result as Lists)[name];
  if (Array.isArray(list)) return list.length;
  return Object.values(result).reduce((sum: number, one) => sum + listed(one, name), 0);
}

const countsOf = ({ result, requests }: Trace): string =>
  `${listed(result, 'sent')} sent, ${listed(result, 'failed')} failed, ${requests.length} requests`;

describe('compat/node-apn beside @parse/node-apn', () => {
  before(function () {
    if (!isOtherInstalled('@parse/node-apn')) this.skip();
  });

  for (const one of nodeApnCases()) {
    it(`${one.difference === undefined ? 'is the same for' : 'differs as listed for'} ${one.name}`, async () => {
      const there = await trace(one, loadOther('@parse/node-apn') as Library);
      const here = await trace(one, ours.default as Library);
      if (one.difference === undefined) assert.deepEqual(here, there);
      else assert.notDeepEqual(here, there, 'it does not differ any more: take it off the list');
      if (one.counts !== undefined) assert.deepEqual([countsOf(there), countsOf(here)], one.counts);
      if (one.results !== undefined) {
        const [ofOther = there.result, ours] = one.results;
        assert.deepEqual([there.result, here.result], [ofOther, ours]);
      }
    });
  }
});

describe('the differences of compat/node-apn', () => {
  const page = readFileSync(path.join(repositoryRoot, 'docs', 'compat.md'), 'utf8');

  it('are all on the page, and so are the faults', () => {
    for (const one of [...Object.values(nodeApnDifferences), ...nodeApnFaults]) {
      assert.ok(page.includes(`${rowOf(one)}\n`), `docs/compat.md lacks the row\n${rowOf(one)}`);
    }
  });

  it('are tested by so many cases, which the page says', () => {
    const cases = nodeApnCases();
    const differing = cases.filter(({ difference }) => difference !== undefined);
    assert.equal(cases.length, countOfCases);
    assert.equal(new Set(cases.map(({ name }) => name)).size, countOfCases);
    const untested = Object.keys(nodeApnDifferences).filter((key) => differing.every((one) => one.difference !== key));
    assert.deepEqual(untested, []);
    const words = `${countOfCases} cases, ${differing.length} of them`;
    assert.ok(page.includes(words), words);
  });

  it('each come to what the case says', () => {
    const vague = nodeApnCases().filter(
      ({ difference, counts, results }) => difference !== undefined && counts === undefined && results === undefined,
    );
    assert.deepEqual(
      vague.map(({ name }) => name),
      [],
    );
  });
});
