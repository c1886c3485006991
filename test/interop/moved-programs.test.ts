/**
 * Programs that were written for other libraries, each run with its library and moved to peal by its import: they print
 * the same, end by themselves, and the gateway has received the same. Skipped by name where `npm ci` was not run in
 * test/interop.
 */
import assert from 'node:assert/strict';
import {
  createThrowAwayProviderKey,
  type ReceivedRequest,
  type Simulator,
  type SimulatorOptions,
  scriptedToken,
  startSimulator,
} from '../../src/simulator/index.js';
import { compiled, isInstalled, type Move, moved, ProgramFolder, type ProgramOptions } from './moved-program.js';

const { p8, keyId, teamId } = createThrowAwayProviderKey();

const nodeApn: Move = { library: '@parse/node-apn', module: 'peal/compat/node-apn' };
const apns2: Move = { library: 'apns2', module: 'peal/compat/apns2' };

/** What a program printed, and what the gateway received, less what chance and the clock decide. */
interface Observed {
  readonly printed: readonly string[];
  readonly errors: string;
  readonly received: readonly ReturnType<typeof receivedPart>[];
}

/** One way to run a program: with its library, or moved. */
interface Way {
  readonly program: string;
  taskFor(gateway: Simulator, strict: Simulator): object;
  optionsFor?(simulator: Simulator): ProgramOptions;
}

/**
 * Runs it against gateways of its own: one that accepts every token, and a strict one, which knows half of them, as if
 * the others were of another environment. The program must succeed, and end.
 */
async function observe({ program, taskFor, optionsFor }: Way, folder: ProgramFolder): Promise<Observed> {
  const requests: ReceivedRequest[] = [];
  const options: SimulatorOptions = {
    ...{ controlPort: null, ledger: 'counts', auth: 'token', providerKeys: [{ keyId, teamId, publicKey: p8 }] },
    onRequest: (request: ReceivedRequest) => requests.push(request),
  };
  await using gateway = await startSimulator(options);
  await using strict = await startSimulator({ ...options, rejectFraction: 0.5, rejectReasons: ['BadDeviceToken'] });
  const { code, signal, stdout, stderr } = await folder.run(program, taskFor(gateway, strict), optionsFor?.(gateway));
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, stderr);
  const { port } = new URL(gateway.url);
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

  type Device = { readonly appIdentifier: string; readonly deviceToken: string };
  const shop = 'com.example.shop';
  const courier = 'com.example.courier';
  const device = (appIdentifier: string, deviceToken: string): Device => ({ appIdentifier, deviceToken });
  const token = (index: number): string => index.toString(16).padStart(64, 'a');

  /**
   * The apps of the push adapter. Those of the courier's devices that the strict gateway does not know are at the
   * other.
   */
  function appsOf(gateway: Simulator, strict: Simulator): object[] {
    const at = ({ url, caCertificate: ca }: Simulator): object => {
      const { hostname: address, port } = new URL(url);
      // Without another request: @parse/node-apn sends them at once, and peal waits as Apple asks.
      return { address, port: Number(port), ca, connectionRetryLimit: 0, token: { key: p8, keyId, teamId } };
    };
    return [
      { topic: courier, ...at(gateway) },
      { topic: courier, production: true, ...at(strict) },
      { topic: shop, production: true, ...at(gateway) },
    ];
  }

  itMoves(nodeApn, 'a push adapter with several apps, keys and types of push', async () => {
    const gone = scriptedToken('Unregistered', 1);
    const bad = scriptedToken('BadDeviceToken', 2);
    const busy = scriptedToken('TooManyRequests', 3);
    const many = Array.from({ length: 250 }, (_, index) => device(shop, token(index)));
    const expiration_time = Date.UTC(2031, 2, 4, 5, 6, 7);
    const pushes = [
      {
        push: {
          data: { alert: 'Zwölf Äpfel 🍏', badge: 3, sound: 'ping.caf', order: 17 },
          collapse_id: 'order-17',
          expiration_time,
        },
        devices: [
          ...many,
          device(shop, gone),
          device(shop, bad),
          device(shop, busy),
          device('com.example.none', token(1)),
        ],
      },
      {
        push: { data: { 'content-available': 1, refresh: ['a', 'b'] }, push_type: 'background', priority: 5 },
        devices: [
          ...many.slice(0, 20).map(({ deviceToken }) => device(courier, deviceToken)),
          device(courier, gone),
          device(shop, token(2)),
        ],
      },
      {
        push: { data: { title: 'Title', alert: { body: 'Body' }, threadId: 't', category: 'C', 'mutable-content': 1 } },
        devices: [device(shop, token(3))],
      },
      { push: { data: { aps: { alert: 'raw', 'interruption-level': 'passive' } } }, devices: [device(shop, token(4))] },
      { push: { data: { alert: 'voice' }, push_type: 'voip' }, devices: [device(shop, token(5))] },
    ];
    const { printed, received } = await isMoved(nodeApn, moved('push-adapter.cjs'), {
      taskFor: (gateway, strict) => ({ apps: appsOf(gateway, strict), pushes }),
    });
    assert.ok(
      printed.includes(`${gone} failed {"error":"Unregistered","status":410,"since":MILLISECONDS}`),
      printed.join('\n'),
    );
    assert.ok(printed.includes(`${token(1)} failed {"error":"No key for this app"}`));
    assert.equal(printed.filter((line) => line.includes(' transmitted ')).length, 250 + 21 + 3);
    assert.ok(printed.at(-1)?.includes('client is destroyed'), printed.at(-1));
    const refused = received.filter(({ answer, path }) => answer === 'BadDeviceToken' && !path.includes(bad));
    assert.ok(refused.length > 0 && refused.length < 20, 'some go through the second connection');
  });

  itMoves(nodeApn, 'the same adapter, while the gateway does not answer in time', async () => {
    const { printed } = await isMoved(nodeApn, moved('push-adapter.cjs'), {
      taskFor: (gateway, strict) => ({
        apps: appsOf(gateway, strict).map((app) => ({ ...app, requestTimeout: 1_000 })),
        pushes: [{ push: { data: { alert: 'Hello' } }, devices: [device(shop, scriptedToken('no answer, ever'))] }],
      }),
    });
    assert.ok(
      printed.some((line) => line.endsWith('failed {"error":"apn write timeout"}')),
      printed.join('\n'),
    );
  });

  it('@parse/push-adapter itself, with its @parse/node-apn replaced', async function () {
    const adapter = '@parse/push-adapter';
    if (!isInstalled(adapter)) this.skip();
    const installation = (appIdentifier: string, deviceToken: string): object => ({
      ...{ deviceType: 'ios', pushType: 'ios', appIdentifier, deviceToken },
    });
    const failing = ['Unregistered', 'BadDeviceToken', 'TooManyRequests'].map((reason) => scriptedToken(reason, 4));
    const some = Array.from({ length: 300 }, (_, index) => token(index));
    const pushes = [
      {
        data: {
          data: { alert: 'Grüße', badge: 1, order: { number: 17 } },
          collapse_id: 'c',
          expiration_time: 1_900_000_000_000,
        },
        installations: [...some, ...failing].map((one) => installation(shop, one)),
      },
      {
        data: { data: { 'content-available': 1, fetch: true }, push_type: 'background', priority: 5 },
        installations: [...some.slice(0, 20), ...failing].map((one) => installation(courier, one)),
      },
      {
        data: {
          data: { alert: { title: 'T', body: 'B' }, threadId: 't', interruptionLevel: 'passive', sound: 's.caf' },
        },
        installations: [installation(shop, token(1)), installation('com.example.none', token(2))],
      },
      { data: { data: { alert: 'Called' }, push_type: 'voip' }, installations: [installation(shop, token(3))] },
    ];
    using folder = new ProgramFolder();
    const program = compiled('parse-push-server.js');
    const way = (isMoved: boolean): Way => {
      const packages = folder.packagesAround(adapter, nodeApn, isMoved);
      return { program, taskFor: (gateway, strict) => ({ packages, ios: appsOf(gateway, strict), pushes }) };
    };
    const { printed, errors } = await isTheSame(way(false), way(true), folder);
    assert.equal(printed.filter((line) => line.includes('"transmitted":true')).length, 300 + 20 + 1 + 1);
    assert.equal(printed.filter((line) => line.includes('"transmitted":false')).length, 3 + 3 + 1);
    assert.match(errors, /APNS error transmitting to device \w+ with status 410 and reason Unregistered/);
  });

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
