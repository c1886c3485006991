'use strict';
/**
 * The push adapter of a server with several apps, written for @parse/node-apn, and moved to peal by its import alone:
 * every other line is as it was. Takes pushes in the form in which Parse Server gives them to its adapters.
 *
 *     node examples/moved/push-adapter.cjs TASK.json
 *
 * The task names the apps with their keys, and the pushes with their devices. What became of each device is printed.
 */
const fs = require('node:fs');
const apn = require('peal/compat/node-apn');

const CHUNK = 100;

/** What an app's topic is for each type of push. */
const TOPIC_SUFFIX = { voip: '.voip', complication: '.complication', liveactivity: '.push-type.liveactivity' };

/** Keys of a push that do not go into the payload as they are. */
const SETTERS = {
  alert: (notification, value) => notification.setAlert(value),
  title: (notification, value) => notification.setTitle(value),
  badge: (notification, value) => notification.setBadge(value),
  sound: (notification, value) => notification.setSound(value),
  category: (notification, value) => notification.setCategory(value),
  threadId: (notification, value) => notification.setThreadId(value),
  'content-available': (notification, value) => notification.setContentAvailable(value === 1),
  'mutable-content': (notification, value) => notification.setMutableContent(value === 1),
};

class PushAdapter {
  constructor(apps) {
    // The key of production is asked first, as most devices are there.
    this.connections = apps
      .map(({ topic, production = false, ...options }) => ({
        topic,
        rank: production ? 0 : 1,
        provider: new apn.Provider({ production, ...options }),
      }))
      .sort((a, b) => a.rank - b.rank);
  }

  /** Resolves with one result for each device, app by app. */
  async send(push, devices) {
    const byApp = new Map();
    for (const device of devices) {
      if (!byApp.has(device.appIdentifier)) byApp.set(device.appIdentifier, []);
      byApp.get(device.appIdentifier).push(device);
    }
    const results = await Promise.all([...byApp].map(([app, its]) => this.sendToApp(push, app, its)));
    return results.flat();
  }

  async sendToApp(push, app, devices) {
    const providers = this.connections.filter(({ topic }) => topic === app).map(({ provider }) => provider);
    if (providers.length === 0) return devices.map(({ deviceToken }) => refused(deviceToken, 'No key for this app'));
    const results = [];
    for (let start = 0; start < devices.length; start += CHUNK) {
      const tokens = devices.slice(start, start + CHUNK).map(({ deviceToken }) => deviceToken);
      results.push(...(await this.sendThrough(this.notificationFor(push, app), tokens, providers)));
    }
    return results;
  }

  /** What fails with one key is tried with the next. */
  async sendThrough(notification, tokens, [provider, ...others]) {
    const { sent, failed } = await provider.send(notification, tokens);
    const results = sent.map(({ device }) => ({ transmitted: true, device: { deviceToken: device, deviceType: 'ios' } }));
    if (failed.length > 0 && others.length > 0) {
      const again = failed.map(({ device }) => device);
      return results.concat(await this.sendThrough(notification, again, others));
    }
    return results.concat(failed.map((failure) => refused(failure.device, reasonOf(failure), failure)));
  }

  notificationFor(push, app) {
    const notification = new apn.Notification();
    const payload = {};
    for (const [key, value] of Object.entries(push.data)) {
      if (key === 'aps') notification.aps = value;
      else if (key in SETTERS) SETTERS[key](notification, value);
      else payload[key] = value;
    }
    notification.payload = payload;
    notification.pushType = push.push_type ?? 'alert';
    notification.topic = app + (TOPIC_SUFFIX[notification.pushType] ?? '');
    notification.collapseId = push.collapse_id;
    if (push.priority !== undefined) notification.priority = push.priority;
    if (push.expiration_time !== undefined) notification.expiry = Math.round(push.expiration_time / 1000);
    return notification;
  }

  close() {
    return Promise.all(this.connections.map(({ provider }) => new Promise((done) => provider.shutdown(done))));
  }
}

function reasonOf({ error, response }) {
  if (error) return error.message;
  return response?.reason ?? 'Unknown status';
}

function refused(deviceToken, why, { status, response } = {}) {
  const since = response?.timestamp;
  return { transmitted: false, device: { deviceToken, deviceType: 'ios' }, response: { error: why, status, since } };
}

module.exports = PushAdapter;

async function main() {
  const { apps, pushes } = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
  const adapter = new PushAdapter(apps);
  for (const { push, devices } of pushes) {
    const notification = adapter.notificationFor(push, devices[0].appIdentifier);
    console.log('push to %d devices, %d bytes: %s', devices.length, notification.length(), notification.compile());
    console.log('headers: %j', notification.headers());
    const results = await adapter.send(push, devices);
    for (const { device, transmitted, response } of results) {
      console.log('%s %s %j', device.deviceToken, transmitted ? 'transmitted' : 'failed', response ?? {});
    }
  }
  await adapter.close();
  const [{ push, devices }] = pushes;
  const late = await adapter.send(push, devices.slice(0, 1));
  console.log('after the end: %j', late);
}

if (require.main === module) {
  main().catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
}
