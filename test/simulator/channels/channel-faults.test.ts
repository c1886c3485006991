/** Faults of both services: what a client sees of them, and that the books say what was processed. */
import assert from 'node:assert/strict';
import type { Fault, Simulator, SimulatorOptions } from '../../../src/simulator/index.js';
import { PealError, startSimulator } from '../../../src/simulator/index.js';
import { type PushAnswer, PushClient, tokenNumber } from '../../support/push-client.js';

const app = 'com.example.app';
const newChannel = JSON.stringify({ 'message-storage-policy': 0, 'push-type': 'LiveActivity' });
const everyRequest = { everyRequests: 1 };
const withFault = (fault: object): SimulatorOptions => ({ channelsScenario: { faults: [fault as Fault] } });

describe('simulator: faults of channels', () => {
  const opened: { close(): unknown }[] = [];

  afterEach(async () => {
    for (const item of opened.splice(0).reverse()) await item.close();
  });

  async function start(
    options: SimulatorOptions,
  ): Promise<{ simulator: Simulator; service: PushClient; gateway: PushClient }> {
    const simulator = await startSimulator({ channelsPort: 0, ...options });
    const trust = { ca: simulator.caCertificate ?? '' };
    const [service, gateway] = [new PushClient(simulator.channelsUrl!, trust), new PushClient(simulator.url, trust)];
    opened.push(simulator, service, gateway);
    return { simulator, service, gateway };
  }

  const create = (client: PushClient): Promise<PushAnswer> =>
    client.request({ ':path': `/1/apps/${app}/channels` }, newChannel);
  const broadcast = (client: PushClient, channelId: string): Promise<PushAnswer> =>
    client.request(
      {
        ':path': `/4/broadcasts/apps/${app}`,
        'apns-channel-id': channelId,
        'apns-push-type': 'liveactivity',
        'apns-priority': '10',
        'apns-expiration': '0',
      },
      '{"aps":{}}',
    );

  for (const [reason, status] of [['Service Unavailable', 503] as const, ['TooManyRequests', 429] as const]) {
    it(`answers ${status} ${reason} with Retry-After, and creates nothing`, async () => {
      const fault = { when: everyRequest, do: 'answer', reason, retryAfterS: 3, forRequests: 1, times: 1 };
      const { simulator, service } = await start(withFault(fault));
      const answer = await create(service);
      assert.deepEqual([answer.status, answer.reason, answer.headers['retry-after']], [status, reason, '3']);
      assert.notEqual(answer.headers['apns-request-id'], undefined);
      assert.equal(simulator.channels.summary().channels, 0);
      assert.deepEqual(simulator.channels.summary().management.reasons, { [reason]: 1 });
      assert.equal((await create(service)).status, 201);
      assert.deepEqual(
        simulator.channelsFaults.map((record) => record.do),
        ['answer'],
      );
      assert.deepEqual(simulator.channels.summary().faults, { answer: 1 });
      assert.deepEqual(simulator.faults, []);
    });
  }

  for (const [processed, outcome] of [[1, 'after'] as const, [0, 'before'] as const]) {
    for (const action of ['reset', 'fin', 'blackHole', 'noAnswer', 'rst'] as const) {
      it(`does ${action} ${outcome} a channel is created`, async () => {
        const fault = { when: { requests: 1 }, do: action, processed };
        const { simulator, service } = await start({ channelsScenario: { processingMs: 1, faults: [fault] } });
        const answer = create(service);
        if (action === 'blackHole' || action === 'noAnswer') {
          // Nothing comes; the books say when it is decided.
          while (simulator.channelsFaults.length === 0) await new Promise(setImmediate);
          const isDecided = (): boolean => processed === 0 || simulator.channels.received().length > 0;
          while (!isDecided()) await new Promise(setImmediate);
          service.close();
        }
        assert.equal((await answer).status, 0);
        const { channels, management } = simulator.channels.summary();
        assert.deepEqual([channels, management.requests, management.unanswered], [processed, processed, processed]);
        if (processed === 1) {
          const [request] = simulator.channels.received();
          assert.deepEqual([request!.answer, request!.status], ['no answer', 0]);
        }
      });
    }
  }

  it('refuses a stream without processing it', async () => {
    const { simulator, service } = await start(withFault({ when: { requests: 1 }, do: 'refuse', forRequests: 1 }));
    assert.equal((await create(service)).resetCode, 7);
    assert.equal(simulator.channels.summary().management.requests, 0);
    assert.equal((await create(service)).status, 201);
  });

  it('has those of the ordinary port for broadcasts there, and the other port unharmed', async () => {
    const fault: Fault = {
      when: { requests: 2 },
      do: 'answer',
      reason: 'Service Unavailable',
      retryAfterS: 1,
      forRequests: 1,
    };
    const { simulator, service, gateway } = await start({ scenario: { faults: [fault] } });
    const channelId = String((await create(service)).headers['apns-channel-id']);
    assert.equal((await gateway.push(tokenNumber(1))).status, 200);
    const refused = await broadcast(gateway, channelId);
    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1']);
    assert.equal((await broadcast(gateway, channelId)).status, 200);
    assert.equal((await broadcast(service, channelId)).status, 200);
    const { accepted, reasons } = simulator.channels.find(app, channelId)!.broadcasts;
    assert.deepEqual([accepted, reasons], [2, { 'Service Unavailable': 1 }]);
    assert.equal(simulator.ledger.summary().requests, 1);
  });

  it('counts a broadcast whose answer is lost as unanswered, and not among the device pushes', async () => {
    const { simulator, service, gateway } = await start({
      scenario: { processingMs: 1, faults: [{ when: { requests: 1 }, do: 'reset', processed: 1 }] },
    });
    const channelId = String((await create(service)).headers['apns-channel-id']);
    assert.equal((await broadcast(gateway, channelId)).status, 0);
    const { requests, unanswered } = simulator.channels.find(app, channelId)!.broadcasts;
    assert.deepEqual([requests, unanswered], [1, 1]);
    const { requests: pushes, unprocessed } = simulator.ledger.summary();
    assert.deepEqual([pushes, unprocessed], [0, 0]);
  });

  it('needs a port for its scenario, and names a wrong one', async () => {
    const wrong = (options: SimulatorOptions, message: RegExp): Promise<void> =>
      assert.rejects(startSimulator(options), (error) => error instanceof PealError && message.test(error.message));
    await wrong({ channelsScenario: { faults: [] } }, /channelsScenario needs channelsPort/);
    const misspelt = { faults: [{ do: 'resett' }] } as never;
    await wrong({ channelsPort: 0, channelsScenario: misspelt }, /channelsScenario\.faults\[0\]\.do/);
  });
});
