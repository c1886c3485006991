/** The planted bugs of sending to FCM: tokens in bodies, its answers, access tokens, and the rate. See planted-bugs. */
import { fcmSeeds } from './fcm-seeds.js';
import type { PlantedBug } from './planted-bugs.js';

const common = { worlds: 'fcm', firstSeed: fcmSeeds + 1 } as const;

export const fcmBugs: readonly PlantedBug[] = [
  {
    name: 'a token stands behind the payload that is its own',
    file: 'codec/requests/request-writer.js',
    before: 'bytes.set(bodies.subarray(bodyFrom, bodyTo), bodyAt);',
    after: `bytes.set(bodies.subarray(bodyFrom, bodyTo), bodyAt);
            if (bodyStart !== null)
                bytes.copyWithin(bodyAt - tokenBytes, bodyAt, bodyAt + bodyTo - bodyFrom);`,
    breaks: 'messages have no recipient',
    ...common,
  },
  {
    name: 'a body in pieces has the token of the one before',
    file: 'codec/requests/request-writer.js',
    before: 'writeTokenText(joined, bodyStart.length, tokens.bytes, recipient * tokenBytes, tokenBytes);',
    after:
      'writeTokenText(joined, bodyStart.length, tokens.bytes, Math.max(0, recipient - 1) * tokenBytes, tokenBytes);',
    breaks: 'people read what was meant for others',
    ...common,
  },
  {
    name: "a quota of the project's is final",
    file: 'fcm/protocol.js',
    before: 'return special;',
    after: `return special === 'quota' ? null : special;`,
    breaks: 'what is above the quota of a minute is never sent',
    ...common,
  },
  {
    name: 'a quota is waited for no longer than a device',
    file: 'push/retry-policy.js',
    before: 'quota: atLeast(quotaDelayMs),',
    after: 'quota: atLeast(busyDeviceDelayMs),',
    breaks: 'requests come sooner than Google asks for',
    ...common,
  },
  {
    name: "a device's quota is taken for the project's",
    file: 'fcm/answer.js',
    before: `return 'QUOTA_EXCEEDED (device)';`,
    after: `return 'QUOTA_EXCEEDED';`,
    breaks: 'one device holds all others up',
    ...common,
  },
  {
    name: 'a 404 without UNREGISTERED is taken for gone',
    file: 'fcm/answer.js',
    before: `const given = errorCode === '' ? status : errorCode;`,
    after: `const given = facts.httpStatus === 404 ? 'UNREGISTERED' : errorCode === '' ? status : errorCode;`,
    breaks: 'a wrong project id makes a program drop all its tokens',
    ...common,
  },
  {
    name: 'an expired access token is used again',
    file: 'fcm/access-token.js',
    before: 'this.#token !== null && this.#token !== expired && ',
    after: 'this.#token !== null && ',
    breaks: 'after ACCESS_TOKEN_EXPIRED the send stops',
    ...common,
  },
  {
    name: 'a retry needs no allowance',
    file: 'engine/shard/route.js',
    before: 'return this.#pace === null ? count : this.#pace.allow(count);',
    after: 'return this.#pace === null || this.#queue.first()?.isRetry === true ? count : this.#pace.allow(count);',
    breaks: 'retries exceed the quota of the project',
    ...common,
  },
  {
    name: 'what has begun stays allowed',
    file: 'engine/shard/request-pace.js',
    before: 'this.#stock = Math.max(0, this.#stock - count);',
    after: '',
    breaks: 'the rate is exceeded',
    ...common,
  },
];
