/** The calls that are made to apns2 and to `peal/compat/apns2`: the same code for both. */
import { inspect } from 'node:util';
import type * as ours from '../../../src/compat/apns2/index.js';
import { type Simulator, type SimulatorOptions, scriptedToken, tokenScript } from '../../../src/simulator/index.js';
import type { apns2Differences } from './apns2-differences.js';
import type { Trace } from './differential.js';

export type Library = typeof ours;
type Options = ours.NotificationOptions;

export interface Side {
  readonly library: Library;
  readonly client: ours.ApnsClient;
  readonly simulator: Simulator;
  /** The sending as plain data: what it resolved with or rejected with. */
  outcomeOf(sending: Promise<unknown>, notification?: ours.Notification): Promise<unknown>;
}

export interface Case {
  readonly name: string;
  readonly run: (side: Side) => Promise<unknown>;
  readonly simulator?: SimulatorOptions;
  readonly client?: Partial<ours.ApnsOptions>;
  /** Why the two may differ, and have to. */
  readonly difference?: keyof typeof apns2Differences;
  /** How they differ. */
  readonly differ?: (there: Trace, here: Trace) => void;
}

export const token = 'ab'.repeat(32);
const noon = new Date('2031-01-02T12:00:00.400Z');

/** One send, with what it becomes. */
const sendOf =
  (options: unknown, to = token): Case['run'] =>
  ({ client, library, outcomeOf }) => {
    const notification = new library.Notification(to, options as Options);
    return outcomeOf(client.send(notification), notification);
  };

const silentOf =
  (options?: unknown): Case['run'] =>
  ({ client, library, outcomeOf }) => {
    const notification = new library.SilentNotification(token, options as Options);
    return outcomeOf(client.send(notification), notification);
  };

const faults = (...list: object[]): SimulatorOptions => ({ scenario: { faults: list } as never });

/** Options of a notification, by what they are. */
const notifications: readonly (readonly [string, unknown])[] = [
  ['nothing', undefined],
  ['an empty object', {}],
  ['an alert as text', { alert: 'Hello' }],
  ['an alert with title, subtitle and body', { alert: { title: 'T', subtitle: 'S', body: 'B' } }],
  ['an empty alert', { alert: '' }],
  ['text beyond ASCII and a lone surrogate', { alert: 'Grüße 🎉 \ud800' }],
  ['badge 0', { badge: 0 }],
  ['a badge that is text', { badge: '3' }],
  ['a sound', { sound: 'ping.aiff' }],
  ['a critical sound', { sound: { critical: 1, name: 'a', volume: 0.5 } }],
  ['a sound that is null', { sound: null }],
  ['a category', { category: 'c' }],
  ['a thread id', { threadId: 't' }],
  ['content-available', { contentAvailable: true }],
  ['content-available false', { contentAvailable: false }],
  ['mutable-content', { alert: 'x', mutableContent: true }],
  ['mutable-content false', { alert: 'x', mutableContent: false }],
  ['data beside aps', { alert: 'x', data: { id: 7, nested: { a: [1, null, true] }, nothing: undefined } }],
  ['data that has aps itself', { alert: 'x', data: { aps: { alert: 'y' } }, mutableContent: true }],
  ['inherited data', { alert: 'x', data: Object.create({ inherited: 1 }) }],
  ['aps, with other options over it', { aps: { alert: 'a', 'relevance-score': 0.5, badge: 1 }, badge: 2 }],
  ['a topic of its own', { alert: 'x', topic: 'com.example.other' }],
  ['a topic with characters of no topic', { alert: 'x', topic: 'no topic' }],
  ['a collapse id', { alert: 'x', collapseId: 'c'.repeat(64) }],
  ['a collapse id of 65 bytes', { alert: 'x', collapseId: 'c'.repeat(65) }],
  ['an empty collapse id', { alert: 'x', collapseId: '' }],
  ['expiration 0', { alert: 'x', expiration: 0 }],
  ['expiration in seconds', { alert: 'x', expiration: 1_900_000_000 }],
  ['expiration with a fraction', { alert: 'x', expiration: 1_900_000_000.5 }],
  ['expiration as a Date', { alert: 'x', expiration: noon }],
  ['expiration below 0', { alert: 'x', expiration: -1 }],
  ['expiration above 2^32', { alert: 'x', expiration: 2 ** 40 }],
  ['expiration NaN', { alert: 'x', expiration: Number.NaN }],
  ['an invalid Date', { alert: 'x', expiration: new Date(Number.NaN) }],
  ['expiration null', { alert: 'x', expiration: null }],
  ['expiration as text', { alert: 'x', expiration: '12' }],
  ...[10, 5, 1, 7].map((priority) => [`priority ${priority}`, { alert: 'x', priority }] as const),
  ...[
    'alert',
    'background',
    'voip',
    'complication',
    'fileprovider',
    'mdm',
    'liveactivity',
    'location',
    'pushtotalk',
  ].map((type) => [`push type ${type}`, { type, alert: 'x' }] as const),
  ['push type voip with its topic', { type: 'voip', alert: 'x', topic: 'com.example.app.voip' }],
  ['a push type that there is not', { type: 'none', alert: 'x' }],
  ['background with priority 5', { type: 'background', contentAvailable: true, priority: 5 }],
  ['data that is not JSON', { data: { big: 1n } }],
];

/** Reasons that are about more than one request, of which cases of their own follow. */
const others = new Set(['ExpiredProviderToken']);

const reasons = tokenScript.filter(({ prefix, name }) => Number(prefix.slice(4, 7)) >= 400 && !others.has(name));

/** The request is missing, and everything else is as there. */
function withoutRequest(assertSame: (there: unknown, here: unknown) => void) {
  return (there: Trace, here: Trace): void => {
    assertSame(there.result, here.result);
    assertSame([there.requests.length, here.requests.length], [1, 0]);
  };
}

export function apns2Cases(assertSame: (there: unknown, here: unknown) => void): readonly Case[] {
  const lacksRequest = withoutRequest(assertSame);
  const outcomes =
    (there: readonly string[], here: readonly string[]) =>
    (theirs: Trace, own: Trace): void =>
      assertSame([kinds(theirs.result), kinds(own.result)], [there, here]);
  return [
    ...notifications.map(([what, options]) => ({ name: `a notification with ${what}`, run: sendOf(options) })),
    { name: 'a silent notification', run: silentOf() },
    {
      name: 'a silent notification with data, collapse id and expiration',
      run: silentOf({ data: { a: 1 }, collapseId: 'c', expiration: 5 }),
    },
    {
      name: 'a silent notification with options over its own',
      run: silentOf({ priority: 10, alert: 'x', type: 'alert' }),
    },
    { name: 'no topic at all', client: { defaultTopic: undefined as never }, run: sendOf({ alert: 'x' }) },
    ...reasons.map(({ name }) => ({ name: `the answer ${name}`, run: sendOf({ alert: 'x' }, scriptedToken(name)) })),
    {
      name: 'the answer ExpiredProviderToken to a new provider token',
      run: sendOf({ alert: 'x' }, scriptedToken('ExpiredProviderToken')),
    },
    {
      name: 'an answer of a proxy, without a reason',
      simulator: faults({ do: 'answer', status: 502, forRequests: 1, when: { requests: 1 } }),
      run: sendOf({ alert: 'x' }),
    },
    {
      name: 'the events of a rejection, and the order of all',
      run: async ({ client, library }) => {
        const told: unknown[] = [];
        const notification = new library.Notification(scriptedToken('Unregistered'), { alert: 'x' });
        const errors: unknown[] = [];
        const listen = (name: string): void => {
          client.on(name, (error: unknown) => {
            told.push(name);
            errors.push(error);
          });
        };
        for (const name of Object.values(library.Errors)) listen(name);
        const sending = client.send(notification);
        told.push('returned');
        const rejection = await sending.catch((error: unknown) => error);
        told.push('rejected');
        return {
          told,
          isOne: errors.every((error) => error === rejection),
          isApnsError: rejection instanceof library.ApnsError,
        };
      },
    },
    {
      name: 'a listener that throws',
      run: async ({ client, library }) => {
        client.on(library.Errors.badTopic, () => {
          throw new Error('mine');
        });
        const first = await client
          .send(new library.Notification(scriptedToken('BadTopic')))
          .catch((error: Error) => error.message);
        const second = await client.send(new library.Notification(token)).then(() => 'accepted');
        return [first, second];
      },
    },
    {
      name: 'sendMany with accepted and rejected ones, in order',
      run: async ({ client, library, outcomeOf }) => {
        const tokens = [token, scriptedToken('Unregistered'), 'cd'.repeat(32), scriptedToken('BadTopic')];
        const sent = await client.sendMany(tokens.map((to) => new library.Notification(to, { alert: to.slice(0, 8) })));
        return Promise.all(
          sent.map((one) =>
            'error' in one ? outcomeOf(Promise.reject(one.error)) : (one as ours.Notification).deviceToken,
          ),
        );
      },
    },
    { name: 'sendMany of nothing', run: ({ client }) => client.sendMany([]) },
    {
      name: 'twelve sends with a topic that is refused, one after another',
      run: async ({ client, library }) => {
        const told: unknown[] = [];
        for (let sent = 0; sent < 12; sent++) {
          const sending = client.send(new library.Notification(token, { alert: `${sent}`, topic: 'no topic' }));
          told.push(await sending.catch((error: ours.ApnsError) => error.reason));
        }
        return told;
      },
    },
    {
      name: '60 sends at once with a topic that is refused',
      run: async ({ client, library }) => {
        const many = Array.from(
          { length: 60 },
          (_, at) => new library.Notification(token, { alert: `${at}`, topic: 'no topic' }),
        );
        const sent = await client.sendMany(many);
        return sent.map((one) => (one as { error: ours.ApnsError }).error.reason);
      },
    },
    {
      name: 'options that are changed between two sends',
      run: async ({ client, library }) => {
        const notification = new library.Notification(token, { alert: 'x' });
        await client.send(notification);
        notification.options.badge = 3;
        return (await client.send(notification)) === notification;
      },
    },
    {
      name: 'a class of the program with a payload of its own',
      run: async ({ client, library, outcomeOf }) => {
        class Own extends library.Notification {
          override get pushType(): ours.PushType {
            return library.PushType.background;
          }
          override get priority(): ours.Priority {
            return library.Priority.throttled;
          }
          override buildApnsOptions(): ours.ApnsPayload {
            return { aps: { 'content-available': 1 }, own: true };
          }
        }
        const notification = new Own(token, {});
        return outcomeOf(client.send(notification), notification);
      },
    },
    {
      name: 'the fields of a client',
      run: async ({ client }) =>
        [client.team, client.keyId, client.defaultTopic, client.keepAlive, client.host].map(String),
    },
    {
      name: 'close, which waits for what is pending',
      simulator: { roundTripMs: 20 },
      run: async ({ client, library }) => {
        let accepted = 0;
        const many = Array.from({ length: 40 }, (_, at) => new library.Notification(token, { alert: `${at}` }));
        const sending = many.map((one) => client.send(one).then(() => (accepted += 1)));
        await client.close();
        await Promise.all(sending);
        return accepted;
      },
    },
    {
      name: 'close twice',
      difference: 'closed',
      run: async ({ client, outcomeOf }) => {
        await client.close();
        return outcomeOf(client.close());
      },
      differ: outcomes(['ClientDestroyedError'], ['accepted']),
    },
    {
      name: 'send after close',
      difference: 'closed',
      run: async ({ client, library, outcomeOf }) => {
        await client.close();
        return outcomeOf(client.send(new library.Notification(token)));
      },
      differ: outcomes(['ClientDestroyedError'], ['unsent ERR_PEAL_CLOSED']),
    },
    {
      name: 'send after destroy',
      difference: 'closed',
      run: async ({ client, library, outcomeOf }) => {
        await client.destroy();
        return outcomeOf(client.send(new library.Notification(token)));
      },
      differ: outcomes(['ClientDestroyedError'], ['unsent ERR_PEAL_CLOSED']),
    },
    {
      name: 'destroy with an error of its own before anything is written',
      run: async ({ client, library }) => {
        const sending = client.send(new library.Notification(token)).catch((error: Error) => error.message);
        await client.destroy(new Error('mine'));
        return sending;
      },
    },
    {
      name: 'destroy while the answer is on its way',
      difference: 'destroy',
      simulator: { roundTripMs: 50 },
      run: async ({ client, library, simulator }) => {
        await client.send(new library.Notification(token, { alert: '1' }));
        const sending = client.send(new library.Notification(token, { alert: '2' })).then(
          () => 'accepted',
          (error: Error) => error.message,
        );
        while (simulator.ledger.summary().requests < 2) await new Promise((resolve) => setTimeout(resolve, 1));
        await client.destroy(new Error('mine'));
        return sending;
      },
      differ: (there, here) => assertSame([there.result, here.result], ['mine', 'accepted']),
    },
    ...['xyz', 'abc', '', 'zz'.repeat(32)].map((to) => ({
      name: `the device token "${to}"`,
      difference: 'token' as const,
      run: sendOf({ alert: 'x' }, to),
      differ: lacksRequest,
    })),
    { name: 'a device token of four hex digits', run: sendOf({ alert: 'x' }, 'abcd') },
    {
      name: 'a device token as base64',
      difference: 'base64',
      run: sendOf(
        { alert: 'x' },
        Buffer.from('3f1c9a77d20b48e6a5c4107e9d3b62f85e0a91c4d7b3286f1a4c5d9e7b302f68', 'hex').toString('base64'),
      ),
      differ: outcomes(['400 BadDeviceToken'], ['accepted']),
    },
    {
      name: 'a device token with capital letters',
      difference: 'upperCase',
      run: sendOf({ alert: 'x' }, token.toUpperCase()),
      differ: (there, here) => {
        assertSame(there.result, here.result);
        assertSame(
          [there.requests[0]!.path, here.requests[0]!.path],
          [`/3/device/${token.toUpperCase()}`, `/3/device/${token}`],
        );
      },
    },
    ...[4097 - 20, 6000].map((length) => ({
      name: `a payload with an alert of ${length} characters`,
      difference: 'payload' as const,
      run: sendOf({ alert: 'x'.repeat(length) }),
      differ: lacksRequest,
    })),
    { name: 'the largest payload', run: sendOf({ alert: 'x'.repeat(4096 - 20) }) },
    {
      name: 'an empty topic',
      difference: 'headerValue',
      run: sendOf({ alert: 'x', topic: '' }),
      differ: outcomes(['400 BadTopic'], ['invalid ERR_PEAL_HEADER']),
    },
    {
      name: 'a collapse id with another header in it',
      difference: 'headerValue',
      run: sendOf({ alert: 'x', collapseId: 'a\r\napns-topic: b' }),
      differ: outcomes(['InvalidArgumentError'], ['invalid ERR_PEAL_HEADER']),
    },
    {
      name: 'a collapse id beyond ASCII',
      difference: 'headerValue',
      run: sendOf({ alert: 'x', collapseId: 'ü' }),
      differ: outcomes(['accepted'], ['invalid ERR_PEAL_HEADER']),
    },
    {
      name: 'a stream that is reset',
      difference: 'unanswered',
      run: sendOf({ alert: 'x' }, scriptedToken('RST_STREAM INTERNAL_ERROR')),
      differ: outcomes(['Error'], ['unknown ERR_PEAL_RESET']),
    },
    {
      name: 'a connection that is reset',
      difference: 'unanswered',
      simulator: faults({ do: 'reset', processed: 1, when: { requests: 1 } }),
      run: sendOf({ alert: 'x' }),
      differ: outcomes(['Error'], ['unknown ERR_PEAL_CLOSED']),
    },
    {
      name: 'a gateway that is not there',
      difference: 'unanswered',
      run: async (side) => {
        await side.simulator.close();
        return sendOf({ alert: 'x' })(side);
      },
      differ: outcomes(['Error'], ['unsent ERR_PEAL_CONNECT']),
    },
    {
      name: 'a stream that is refused',
      difference: 'refused',
      simulator: faults({ do: 'refuse', forRequests: 1, when: { requests: 1 } }),
      run: async ({ client, library, outcomeOf }) => {
        const first = await outcomeOf(client.send(new library.Notification(token)));
        return [first, await outcomeOf(client.send(new library.Notification(token)))].map((one) => kinds(one)[0]);
      },
      differ: (there, here) => {
        assertSame(there.result, ['Error', 'accepted']);
        assertSame(here.result, ['accepted', 'accepted']);
      },
    },
    {
      name: 'aps that two notifications share',
      difference: 'sharedAps',
      run: async ({ client, library }) => {
        const aps = {};
        await client.send(new library.Notification(token, { aps, badge: 1 }));
        await client.send(new library.Notification('cd'.repeat(32), { aps, alert: 'x' }));
        return aps;
      },
      differ: (there, here) => {
        const payloads = ({ requests }: Trace): string[] => requests.map(({ payload }) => payload).toSorted();
        assertSame(payloads(here), ['{"aps":{"alert":"x"}}', '{"aps":{"badge":1}}']);
        assertSame(payloads(there), ['{"aps":{"badge":1,"alert":"x"}}', '{"aps":{"badge":1}}']);
      },
    },
    {
      name: 'the key in what is printed',
      difference: 'signingKey',
      run: async ({ client }) => [
        inspect(client, { depth: 1 }).includes('PRIVATE KEY'),
        String(client.signingKey).includes('PRIVATE KEY'),
      ],
      differ: (there, here) =>
        assertSame(
          [there.result, here.result],
          [
            [true, true],
            [false, true],
          ],
        ),
    },
    {
      name: 'the field client',
      difference: 'client',
      run: async ({ client }) => 'client' in client,
      differ: (there, here) => assertSame([there.result, here.result], [true, false]),
    },
    {
      name: 'ping after a send',
      run: async ({ client, library }) => {
        await client.send(new library.Notification(token));
        return client.ping();
      },
    },
    { name: 'ping before anything', run: ({ client }) => client.ping() },
    {
      name: 'ping of what 64 sends have opened',
      difference: 'ping',
      simulator: { roundTripMs: 5 },
      run: async ({ client, library }) => {
        await client.sendMany(
          Array.from({ length: 64 }, (_, at) => new library.Notification(token, { alert: `${at}` })),
        );
        return client.ping();
      },
      differ: (there, here) => {
        const [theirs, own] = [there.result, here.result] as { status: string }[][];
        assertSame([theirs!.length, own!.length >= 1 && own!.length < 32], [32, true]);
        assertSame(
          [...theirs!, ...own!].every(({ status }) => status === 'fulfilled'),
          true,
        );
      },
    },
    {
      name: 'a signing key that is none',
      difference: 'key',
      client: { signingKey: 'none' },
      run: sendOf({ alert: 'x' }),
      differ: outcomes(['Error'], ['unsent ERR_PEAL_CREDENTIAL']),
    },
    {
      name: 'the signing key as bytes, and with a passphrase that is not needed',
      run: async ({ client, library }) => {
        const key = client.signingKey as string;
        const given = [Buffer.from(key), { key, passphrase: undefined }];
        return given.map((signingKey) => new library.ApnsClient({ team: 'A', keyId: 'B', signingKey }).host);
      },
    },
  ];
}

/** What became of a send, in a word or two. */
function kinds(result: unknown): string[] {
  const one = result as {
    accepted?: true;
    statusCode?: number;
    reason?: string;
    outcome?: string;
    code?: string;
    name?: string;
  };
  if (one.accepted === true) return ['accepted'];
  if (one.statusCode !== undefined) return [`${one.statusCode} ${one.reason}`];
  if (one.outcome !== undefined) return [`${one.outcome} ${one.code}`];
  return [one.name!];
}
