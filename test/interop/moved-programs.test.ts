/**
 * Programs that were written for other libraries, each run with its library and moved to peal by its import: they print the
 * same, end by themselves, and the gateway has received the same. Skipped by name where `npm ci` was not run in
 * test/interop.
 */
import assert from 'node:assert/strict';
import {
  createThrowAwayProviderKey,
  type ReceivedRequest,
  type Simulator,
  scriptedToken,
  startSimulator,
} from '../../src/simulator/index.js';
import { compiled, isInstalled, type Move, ProgramFolder, type ProgramOptions } from './moved-program.js';

const { p8, keyId, teamId } = createThrowAwayProviderKey();

const apns2: Move = { library: 'apns2', module: 'peal/compat/apns2' };

/** What a program printed, and what the gateway received, less what chance and the clock decide. */
interface Observed {
  readonly printed: readonly string[];
  readonly errors: string;
  readonly received: readonly object[];
}

/** One way to run a program: with its library, or moved. */
interface Way {
  readonly program: string;
  taskFor(simulator: Simulator): object;
  optionsFor?(simulator: Simulator): ProgramOptions;
}

/** Runs it against a gateway of its own. It must succeed, and end. */
async function observe({ program, taskFor, optionsFor }: Way, folder: ProgramFolder): Promise<Observed> {
  const requests: ReceivedRequest[] = [];
  await using simulator = await startSimulator({
    ...{ controlPort: null, ledger: 'counts', auth: 'token', providerKeys: [{ keyId, teamId, publicKey: p8 }] },
    onRequest: (request) => requests.push(request),
  });
  const { code, signal, stdout, stderr } = await folder.run(program, taskFor(simulator), optionsFor?.(simulator));
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, stderr);
  const { port } = new URL(simulator.url);
  const comparable = (text: string): string =>
    text
      .trimEnd()
      .replaceAll(port, 'PORT')
      .replaceAll(/\b\d{13}\b/g, 'MILLISECONDS');
  return {
    ...{ printed: comparable(stdout).split('\n'), errors: comparable(stderr) },
    // Which of the requests that are under way at once is read first is not the program's affair.
    received: requests.map(receivedPart).sort((a, b) => (a.key < b.key ? -1 : 1)),
  };
}

/** Ids that no notification names are drawn by whoever draws them, and HTTP/2 needs no length. */
function receivedPart({ path, headers, payload, answer, providerKey }: ReceivedRequest) {
  const { 'apns-id': _drawn, 'content-length': _length, ...rest } = headers;
  const key = `${path} ${rest['apns-push-type']} ${payload} ${answer}`;
  return { key, path, headers: Object.fromEntries(Object.entries(rest).sort()), payload, answer, providerKey };
}

/** The same both ways. Returns what was observed. */
async function isTheSame(before: Way, after: Way, folder: ProgramFolder): Promise<Observed> {
  const expected = await observe(before, folder);
  const actual = await observe(after, folder);
  assert.deepEqual(actual, expected);
  return actual;
}

/** The program as it was, and moved. */
async function isMoved(move: Move, program: string, how: Omit<Way, 'program'>): Promise<Observed> {
  using folder = new ProgramFolder();
  const observed = await isTheSame({ ...how, program: folder.before(program, move) }, { ...how, program }, folder);
  assert.equal(observed.errors, '');
  return observed;
}

describe('programs that were moved by their import', () => {
  function itMoves(move: Move, what: string, run: () => Promise<void>): void {
    it(`${move.library}: ${what}`, async function () {
      if (!isInstalled(move.library)) this.skip();
      await run();
    });
  }

  const shop = 'com.example.shop';
  const token = (index: number): string => index.toString(16).padStart(64, 'a');

  itMoves(apns2, 'a service with hooks, and events that delete rows', async () => {
    const gone = scriptedToken('Unregistered', 1);
    const devices = [
      ...Array.from({ length: 150 }, (_, index) => ({ token: token(index), customer: `customer ${index % 3}` })),
      { token: gone, customer: 'customer 1' },
      { token: scriptedToken('BadDeviceToken', 2), customer: 'customer 2' },
    ];
    const orders = [
      { number: 1, customer: 'customer 1', state: 'on its way' },
      { number: 2, customer: 'customer 2', state: 'verspätet – leider 🐌' },
      { number: 3, customer: 'nobody', state: 'lost' },
    ];
    const settings = { teamId, keyId, signingKey: p8, topic: shop, host: 'localhost' };
    const { printed } = await isMoved(apns2, compiled('../../examples/moved/order-notifications.js'), {
      taskFor: () => ({ settings, devices, orders }),
      optionsFor: (gateway) => ({ gateway }),
    });
    assert.ok(printed.includes(`${gone} is gone (410): its row is deleted`), printed.join('\n'));
    assert.ok(!printed.at(-1)!.includes(gone) && printed.at(-1)!.includes(token(149)));
  });
});
