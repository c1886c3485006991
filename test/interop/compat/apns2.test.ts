/**
 * `peal/compat/apns2` beside apns2 itself: the same calls to both, each against a simulator of its own. What they give
 * and what the gateway receives is equal, but for the differences that docs/compat.md lists. Skipped by name without
 * `npm ci --prefix test/interop --ignore-scripts`.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import * as ours from '../../../src/compat/apns2/index.js';
import { repositoryRoot } from '../../support/repository.js';
import { apns2Cases, type Case, type Library, type Side } from './apns2-cases.js';
import { apns2Differences, apns2Faults } from './apns2-differences.js';
import { type Ground, isOtherInstalled, loadOther, rowOf, type Trace, traceOf } from './differential.js';

/** Rows of the table of cases: a case that is lost has to be noticed. */
const countOfCases = 131;

interface Undici {
  readonly Pool: new (url: string, options: object) => object;
}

type Open = (ground: Ground, own: object) => { library: Library; client: ours.ApnsClient };

function optionsOf({ providerKey }: Ground, own: object): ours.ApnsOptions {
  const { teamId: team, keyId, p8: signingKey } = providerKey;
  return { team, keyId, signingKey, defaultTopic: 'com.example.app', ...own };
}

/** The original knows port 443 only: its tests give it another pool. */
const openTheirs: Open = (ground, own) => {
  const library = loadOther('apns2') as Library;
  const { Pool } = createRequire(loadOther.resolve('apns2'))('undici') as Undici;
  const client = new library.ApnsClient({ host: 'localhost', ...optionsOf(ground, own) });
  const { port, caCertificate: ca } = ground.simulator;
  const connections = { connections: 32, pipelining: 1, allowH2: true, maxConcurrentStreams: 100 };
  const pool = new Pool(`https://localhost:${port}`, { ...connections, connect: { ca } });
  Object.assign(client, { client: pool });
  return { library, client };
};

const openOurs: Open = (ground, own) => {
  const { port, caCertificate: ca } = ground.simulator;
  const client = new ours.ApnsClient({ host: 'localhost', port, ca: ca!, ...optionsOf(ground, own) });
  return { library: ours, client };
};

async function trace(one: Case, open: Open): Promise<Trace> {
  return traceOf(one.simulator ?? {}, async (ground) => {
    const { library, client } = open(ground, one.client ?? {});
    const side: Side = {
      library,
      client,
      simulator: ground.simulator,
      outcomeOf: (sending, what) => outcomeOf(library, sending, what),
    };
    try {
      return await one.run(side);
    } finally {
      await client.destroy().catch(() => {});
    }
  });
}

/** A send as plain data. Of an error that is not of APNs only what tells it from others. */
async function outcomeOf(library: Library, sending: Promise<unknown>, sent?: ours.Notification): Promise<unknown> {
  try {
    const got = await sending;
    return { accepted: true, isSame: got === sent };
  } catch (error) {
    if (error instanceof library.ApnsError) {
      const { name, message, statusCode, response, reason, notification } = error;
      const fields = Object.keys(error);
      return { name, message, statusCode, response: known(response), reason, fields, isSame: notification === sent };
    }
    const { name, message, code, outcome } = error as ours.UnansweredError;
    if (error instanceof TypeError) return { name, message };
    return { name, ...(outcome !== undefined && { outcome, code }) };
  }
}

/** Times are those of each simulator's own start. */
function known(response: ours.ApnsResponseError): object {
  return { ...response, ...('timestamp' in response && { timestamp: typeof response.timestamp }) };
}

describe('compat/apns2 beside apns2', () => {
  const cases = apns2Cases(assert.deepEqual);

  before(function () {
    if (!isOtherInstalled('apns2')) this.skip();
  });

  for (const one of cases) {
    it(`${one.difference === undefined ? 'is the same for' : 'differs as listed for'} ${one.name}`, async () => {
      const [there, here] = [await trace(one, openTheirs), await trace(one, openOurs)];
      if (one.difference === undefined) {
        assert.deepEqual(here, there);
      } else {
        assert.notDeepEqual(here, there, 'it does not differ any more: take it off the list');
        one.differ!(there, here);
      }
    });
  }

  it('has the same constants', () => {
    const theirs = loadOther('apns2') as Library;
    const { Errors, Host, PushType, Priority } = theirs;
    const own = { Errors: ours.Errors, Host: ours.Host, PushType: ours.PushType, Priority: ours.Priority };
    assert.deepEqual(own, { Errors, Host, PushType, Priority });
    assert.equal(Object.keys(ours.Errors).length, 32);
    assert.deepEqual(
      Object.keys(theirs).filter((name) => !(name in ours)),
      [],
    );
  });
});

describe('the differences of compat/apns2', () => {
  const page = readFileSync(path.join(repositoryRoot, 'docs', 'compat.md'), 'utf8');

  it('are all on the page, and so are the faults', () => {
    for (const one of [...Object.values(apns2Differences), ...apns2Faults]) {
      assert.ok(page.includes(`${rowOf(one)}\n`), `docs/compat.md lacks the row\n${rowOf(one)}`);
    }
  });

  it('are tested by so many cases, which the page says', () => {
    const cases = apns2Cases(assert.deepEqual);
    const differing = cases.filter(({ difference }) => difference !== undefined);
    assert.equal(cases.length, countOfCases);
    assert.equal(new Set(cases.map(({ name }) => name)).size, countOfCases);
    // Time passes for `renewal`: test/compat/apns2/client.test.ts has it.
    const untested = Object.keys(apns2Differences).filter((key) =>
      differing.every(({ difference }) => difference !== key),
    );
    assert.deepEqual(untested, ['renewal']);
    assert.ok(
      page.includes(`${countOfCases} cases, ${differing.length} of them`),
      `${countOfCases}, ${differing.length}`,
    );
  });
});
