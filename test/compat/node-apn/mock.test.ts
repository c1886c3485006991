/** `peal/compat/node-apn/mock`: the interface without a gateway, for tests of programs. */
import assert from 'node:assert/strict';
import whole, { Client, MultiProvider, Notification, Provider, token } from '../../../src/compat/node-apn/mock.js';

const devices = ['ab'.repeat(32), 'cd'.repeat(32)];

describe('the mock of compat/node-apn', () => {
  it('accepts every notification, for one recipient, many and none', async () => {
    const provider = new Provider({});
    const notification = new Notification({ alert: 'x', topic: 'com.example.app' });
    assert.deepEqual(await provider.send(notification, devices), {
      sent: devices.map((device) => ({ device })),
      failed: [],
    });
    assert.deepEqual(await provider.send(notification, devices[0]!), { sent: [{ device: devices[0] }], failed: [] });
    assert.deepEqual(await provider.send(notification, []), { sent: [], failed: [] });
  });

  it('answers broadcasts and channel management in the same way', async () => {
    const provider = Provider();
    const answer = { sent: [{ device: 'com.example.app' }], failed: [] };
    assert.deepEqual(await provider.broadcast(new Notification({ alert: 'x' }), 'com.example.app'), answer);
    assert.deepEqual(await provider.manageChannels(new Notification(), 'com.example.app', 'create'), answer);
    await assert.rejects(provider.manageChannels(new Notification(), 'com.example.app', 'drop' as never));
  });

  it('has as many clients as are asked for, which take turns', async () => {
    const provider = MultiProvider({ clientCount: 3 });
    const { clients } = provider.client as unknown as { clients: InstanceType<typeof Client>[] };
    assert.equal(clients.length, 3);
    const asked: number[] = [];
    for (const [index, client] of clients.entries()) {
      assert.ok(client instanceof Client);
      client.write = (_notification, device) => {
        asked.push(index);
        return { device };
      };
    }
    await provider.send(new Notification({ alert: 'x' }), [...devices, ...devices]);
    assert.deepEqual(asked, [0, 1, 2, 0]);
    assert.throws(() => new MultiProvider({ clientCount: -1 }), /^Error: Expected positive client count but got -1$/);
  });

  it('fails as the write that a test puts in its place', async () => {
    const provider = new Provider();
    const failure = { device: devices[1]!, status: 410, response: { reason: 'Unregistered' } };
    const error = new Error('mine');
    (provider.client as InstanceType<typeof Client>).write = async (_notification, device) => {
      if (device === devices[1]) return failure;
      throw { device, error };
    };
    const { sent, failed } = await provider.send(new Notification({ alert: 'x' }), devices);
    assert.deepEqual([sent, failed], [[], [{ device: devices[0], error }, failure]]);
  });

  it('checks loggers, and calls back from shutdown', async () => {
    for (const provider of [new Provider(), new MultiProvider()]) {
      provider.client.setLogger(() => {});
      assert.throws(
        () => provider.client.setLogger(1 as never),
        /^Error: Expected newLogger to be a function, got number$/,
      );
      assert.throws(() => provider.client.setLogger(() => {}, 1 as never), /newErrorLogger to be a function or null/);
      let calls = 0;
      await provider.shutdown(() => {
        calls += 1;
      });
      await provider.shutdown();
      assert.equal(calls, 1);
    }
  });

  it('is the same by its default export', () => {
    assert.deepEqual(whole, { Provider, MultiProvider, Notification, Client, token });
    assert.equal(token('<ab cd>'), 'abcd');
  });
});
