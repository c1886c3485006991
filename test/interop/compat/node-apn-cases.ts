/** The calls that are made to @parse/node-apn and to `peal/compat/node-apn`: the same code for both. */
import { EventEmitter } from 'node:events';
import { inherits } from 'node:util';
import type * as ours from '../../../src/compat/node-apn/index.js';
import { type Simulator, type SimulatorOptions, scriptedToken, tokenScript } from '../../../src/simulator/index.js';
import type { nodeApnDifferences } from './node-apn-differences.js';

export type Library = typeof ours.default;
type Options = ours.ProviderOptions;

export interface Side {
  readonly apn: Library;
  readonly simulator: Simulator;
  /** The options that lead to the simulator. */
  readonly options: Options;
  /** Made with them. */
  readonly provider: ours.Provider;
}

export interface Case {
  readonly name: string;
  readonly run: (side: Side) => unknown;
  readonly simulator?: SimulatorOptions;
  readonly options?: Options;
  /** Why the two may differ, and have to. */
  readonly difference?: keyof typeof nodeApnDifferences;
  /** How many are sent and failed, and how many requests were made: there and here. */
  readonly counts?: readonly [there: string, here: string];
  /** What the call gives: there and here. */
  readonly results?: readonly [there: unknown, here: unknown];
}

export const token = 'ab'.repeat(32);
export const knownId = '11111111-2222-4333-8444-555555555555';
const topic = 'com.example.app';
const bundleId = topic;
const at = (index: number): string => index.toString(16).padStart(64, '0');

/** Values of every kind, for setters that take some. */
const anyValues: readonly unknown[] = [
  ...['text', '', 7, 0, -1.5, Number.NaN, true, false, undefined, ['a', 1], []],
  ...[{ a: 1 }, {}, { name: 'n', critical: 1, volume: 0.5 }, { name: 'n', critical: '1', volume: 1 }],
];

const setters = [
  ...['alert', 'body', 'locKey', 'locArgs', 'title', 'subtitle', 'titleLocKey', 'titleLocArgs', 'subtitleLocKey'],
  ...['subtitleLocArgs', 'action', 'actionLocKey', 'launchImage', 'badge', 'sound', 'contentAvailable'],
  ...['mutableContent', 'contentChanged', 'mdm', 'urlArgs', 'category', 'threadId', 'targetContentIdentifier'],
  ...['interruptionLevel', 'relevanceScore', 'timestamp', 'staleDate', 'event', 'contentState', 'dismissalDate'],
  ...['filterCriteria', 'inputPushChannel', 'inputPushToken', 'attributesType', 'attributes', 'payload', 'expiry'],
  'priority',
];

type Fields = Record<string, unknown>;
type Chained = Record<string, (value: unknown) => ours.Notification>;

/** What a setter makes of all values: by assignment, after one that it takes; chained; and in the constructor. */
const setterOf =
  (name: string): Case['run'] =>
  ({ apn: { Notification } }) =>
    anyValues.map((value) => {
      const assigned = new Notification({ aps: { alert: 'before' }, badge: 1, sound: 's', category: 'c' });
      (assigned as unknown as Fields)[name] = value;
      const chained = new Notification();
      const method = `set${name[0]!.toUpperCase()}${name.slice(1)}`;
      const isSame = (chained as unknown as Chained)[method]!(value) === chained;
      const made = new Notification({ [name]: value });
      const texts = [assigned, chained, made].map((one) => JSON.stringify(one));
      return [isSame, texts, made.headers(), Object.keys(made), made.apsPayload(), made.compile(), made.body];
    });

const noteOf = ({ apn }: Side, fields: object = {}): ours.Notification =>
  new apn.Notification({ alert: 'Hello', topic, ...fields });

/** One send of a notification with these fields. */
const sendOf =
  (fields: object, recipients: string | string[] = token): Case['run'] =>
  (side) =>
    side.provider.send(noteOf(side, fields), recipients);

const fails = (what: () => unknown): unknown => {
  try {
    return { made: typeof what() };
  } catch (error) {
    return { thrown: (error as Error).message };
  }
};

const settled = (sending: unknown): Promise<unknown> =>
  Promise.resolve(sending).then(
    (given) => ({ given }),
    (thrown: unknown) => ({ thrown }),
  );

const faults = (...list: object[]): SimulatorOptions => ({ scenario: { faults: list } as never });
const answers = (fault: object): SimulatorOptions =>
  faults({ do: 'answer', forRequests: 1, when: { requests: 1 }, ...fault });
const once: Options = { connectionRetryLimit: 0 };

/** Fields of a notification that is sent, by what they are. */
const sends: readonly (readonly [string, object])[] = [
  ['an alert', {}],
  ['text beyond ASCII', { alert: 'Zwölf Äpfel 🍏 \u2028 " \\' }],
  ['a payload beside aps', { payload: { order: 17, nested: { a: [1, null] } } }],
  ['a payload that has aps itself', { payload: { aps: { alert: 'y' }, order: 1 } }],
  ['a payload and no alert', { alert: undefined, payload: { a: 1 } }],
  ['rawPayload', { rawPayload: { aps: { alert: 'raw' }, x: 1 } }],
  ['rawPayload that is null', { rawPayload: null }],
  ['aps set directly', { aps: { alert: 'direct', 'new-key': true } }],
  ['mdm', { mdm: 'push-magic', topic: 'com.apple.mgmt.External.x', pushType: 'mdm' }],
  ['priority 5', { priority: 5 }],
  ['priority 1', { priority: 1 }],
  ['priority 7', { priority: 7 }],
  ['priority as text', { priority: '5' }],
  ['priority null', { priority: null }],
  ['expiry 0', { expiry: 0 }],
  ['expiry in seconds', { expiry: 1_900_000_000 }],
  ['an id', { id: knownId }],
  ['an id that is no UUID', { id: 'order-17' }],
  ['a collapse id', { collapseId: 'c'.repeat(64) }],
  ['a collapse id of 65 bytes', { collapseId: 'c'.repeat(65) }],
  ['an empty collapse id', { collapseId: '' }],
  ['a collapse id that is a number', { collapseId: 17 }],
  ['no topic', { topic: undefined }],
  ['a topic that is none', { topic: 'not a topic' }],
  ['push type alert', { pushType: 'alert' }],
  ['push type background', { alert: undefined, contentAvailable: 1, pushType: 'background', priority: 5 }],
  ['push type background with priority 10', { contentAvailable: true, pushType: 'background' }],
  ['push type voip', { pushType: 'voip', topic: `${topic}.voip` }],
  ['push type voip without its topic', { pushType: 'voip' }],
  ['push type liveactivity', { pushType: 'liveactivity', topic: `${topic}.push-type.liveactivity`, event: 'end' }],
  ['a push type that there is not', { pushType: 'none' }],
  ['request and channel ids', { requestId: knownId, channelId: 'AAAA' }],
];

const recipients: readonly (readonly [string, string | string[]])[] = [
  ['a device token as text', token],
  ['an array of one', [token]],
  ['an empty array', []],
  ['the same device token twice', [token, token]],
  [
    'accepted and rejected ones, in order',
    [at(1), scriptedToken('Unregistered', 1), at(2), scriptedToken('TopicDisallowed', 1), at(3)],
  ],
  ['300 of them', Array.from({ length: 300 }, (_, index) => at(index))],
];

const reasons = tokenScript.filter(({ prefix }) => Number(prefix.slice(4, 7)) >= 400);
const endless = new Set(['ExpiredProviderToken']);

/** What a send of many comes to, without the numbers that the load of the machine decides. */
function tally({ failed }: { readonly failed: readonly ours.ResponseFailure[] }): object {
  const failedOnes = new Set(failed.map(({ error, status }) => error?.message.replace(/:.*$/s, '') ?? status));
  return { areAllSent: areAllSent({ failed }), failedOnes: [...failedOnes] };
}

const areAllSent = ({ failed }: { readonly failed: readonly unknown[] }): boolean => failed.length === 0;

const channelNote = (side: Side, fields: object = {}): ours.Notification =>
  new side.apn.Notification({ payload: { 'message-storage-policy': 1 }, ...fields });
const updateOf = (side: Side, channelId: string, fields: object = {}): ours.Notification =>
  new side.apn.Notification({
    ...{ channelId, pushType: 'liveactivity', expiry: 1_900_000_000, priority: 10, timestamp: 1_700_000_000 },
    ...{ event: 'update', contentState: { score: 1 }, ...fields },
  });

/** A new channel, and its id. */
async function channelOf(side: Side): Promise<string> {
  const { sent } = await side.provider.manageChannels(channelNote(side), bundleId, 'create');
  return sent[0]!['apns-channel-id']!;
}

const withChannels: SimulatorOptions = { channelsPort: 0 };

function channelCases(): readonly Case[] {
  const of = (name: string, run: Case['run'], difference?: Case['difference']): Case => ({
    ...{ name, run, simulator: withChannels, options: once },
    ...(difference !== undefined && { difference }),
  });
  return [
    of('creating a channel', (side) => side.provider.manageChannels(channelNote(side), bundleId, 'create')),
    of('creating a channel with a request id, topic and collapse id', (side) =>
      side.provider.manageChannels(
        channelNote(side, { requestId: knownId, topic, collapseId: 'c', id: knownId, pushType: 'alert' }),
        bundleId,
        'create',
      ),
    ),
    of('creating two channels at once', (side) =>
      side.provider.manageChannels([channelNote(side), channelNote(side)], bundleId, 'create'),
    ),
    of('creating a channel without a storage policy', (side) =>
      side.provider.manageChannels(new side.apn.Notification(), bundleId, 'create'),
    ),
    of('creating a channel from rawPayload', (side) =>
      side.provider.manageChannels(
        new side.apn.Notification({ rawPayload: { 'message-storage-policy': 0, 'push-type': 'LiveActivity' } }),
        bundleId,
        'create',
      ),
    ),
    of('reading a channel', async (side) => {
      const channelId = await channelOf(side);
      return side.provider.manageChannels(new side.apn.Notification({ channelId }), bundleId, 'read');
    }),
    of('reading a channel that there is not', (side) =>
      side.provider.manageChannels(new side.apn.Notification({ channelId: 'AAAAAAAA' }), bundleId, 'read'),
    ),
    of('reading a channel without its id', (side) =>
      side.provider.manageChannels(new side.apn.Notification(), bundleId, 'read'),
    ),
    of('listing all channels', async (side) => {
      await channelOf(side);
      return side.provider.manageChannels(new side.apn.Notification(), bundleId, 'readAll');
    }),
    of('removing a channel', async (side) => {
      const channelId = await channelOf(side);
      const note = (): ours.Notification => new side.apn.Notification({ channelId });
      return [
        await side.provider.manageChannels(note(), bundleId, 'delete'),
        await side.provider.manageChannels(note(), bundleId, 'delete'),
      ];
    }),
    of('an action that there is not', (side) =>
      settled(side.provider.manageChannels(new side.apn.Notification(), bundleId, 'update' as 'read')),
    ),
    of('a broadcast', async (side) => side.provider.broadcast(updateOf(side, await channelOf(side)), bundleId)),
    of('broadcasts to several channels, one of which there is not', async (side) => {
      const known = await channelOf(side);
      return side.provider.broadcast([updateOf(side, 'AAAAAAAA'), updateOf(side, known)], bundleId);
    }),
    of('no broadcast at all', (side) => side.provider.broadcast([], bundleId)),
    of('a broadcast without a channel id', (side) => side.provider.broadcast(updateOf(side, ''), bundleId)),
    of('a broadcast without a push type', async (side) =>
      side.provider.broadcast(updateOf(side, await channelOf(side), { pushType: undefined }), bundleId),
    ),
    of('a broadcast without an expiry', async (side) =>
      side.provider.broadcast(updateOf(side, await channelOf(side), { expiry: -1 }), bundleId),
    ),
    of('a broadcast that is too large', async (side) =>
      side.provider.broadcast(updateOf(side, await channelOf(side), { payload: { a: 'x'.repeat(6_000) } }), bundleId),
    ),
    of('a broadcast after shutdown', async (side) => {
      const note = updateOf(side, 'AAAAAAAA');
      await new Promise<void>((done) => void side.provider.shutdown(done));
      return side.provider.broadcast(note, bundleId);
    }),
  ];
}

export function nodeApnCases(): readonly Case[] {
  return [
    ...setters.map((name) => ({ name: `the setter ${name}`, run: setterOf(name) })),
    {
      name: 'the fields of a new notification',
      run: ({ apn }) => {
        const note = new apn.Notification();
        return [Object.entries(note), note.headers(), note.compile(), note.apsPayload(), note.length()];
      },
    },
    {
      name: 'fields that nobody knows, and inherited ones',
      run: ({ apn }) => {
        const given: object = Object.assign(Object.create({ badge: 9 }) as object, { own: 1, sound: 's' });
        const note = new apn.Notification(given);
        return [Object.entries(note), JSON.stringify(note)];
      },
    },
    {
      name: 'compile, which is final',
      run: ({ apn }) => {
        const note = new apn.Notification({ alert: 'one' });
        const first = note.compile();
        note.badge = 3;
        note.alert = 'two';
        return [first, note.compile(), note.compiled, note.length(), JSON.stringify(note)];
      },
    },
    {
      name: 'headers, which are not final',
      run: ({ apn }) => {
        const note = new apn.Notification({ alert: 'one', topic });
        note.compile();
        note.priority = 5;
        note.topic = 'com.example.other';
        note.expiry = 0;
        return note.headers();
      },
    },
    {
      name: 'length in octets, in other encodings, too',
      run: ({ apn }) =>
        ['utf8', 'ascii', 'utf16le', ''].map((encoding) => new apn.Notification({ alert: 'Ä🍏', encoding }).length()),
    },
    {
      name: 'an alert that becomes a dictionary',
      run: ({ apn }) => {
        const note = new apn.Notification({ alert: 'text' });
        note.title = 'T';
        const bodies = [note.body];
        note.body = 'B';
        note.prepareAlert();
        return [
          ...bodies,
          note.body,
          JSON.stringify(note),
          fails(() => Object.assign(note, { alert: null, title: 'T' })),
        ];
      },
    },
    {
      name: 'what channel management leaves of a notification',
      run: ({ apn }) => {
        const note = new apn.Notification({ ...{ id: knownId, topic, priority: 5 }, channelId: 'AAAA', expiry: 3 });
        note.removeNonChannelRelatedProperties();
        note.addPushTypeToPayloadIfNeeded();
        return [note.headers(), note.payload];
      },
    },
    {
      name: 'device tokens through token()',
      run: ({ apn }) =>
        ['<ab cd>', 'AB-cd', '', 'xyz', Buffer.from('abcd', 'hex'), undefined].map((one) =>
          fails(() => apn.token(one as string)),
        ),
    },
    { name: 'what token() returns', run: ({ apn }) => [apn.token('<AB cd 01>'), apn.token(Buffer.from([1, 255]))] },
    { name: 'the names of the exports', run: ({ apn }) => [Object.keys(apn).sort(), typeof apn.Provider] },
    ...sends.map(([what, fields]) => ({ name: `a send of ${what}`, run: sendOf(fields) })),
    {
      name: 'a payload that is too large',
      run: sendOf({ payload: { a: 'x'.repeat(4_200) } }),
      difference: 'local',
      counts: ['0 sent, 1 failed, 1 requests', '0 sent, 1 failed, 0 requests'],
    },
    {
      name: 'an empty payload',
      run: sendOf({ alert: undefined }),
      difference: 'local',
      counts: ['0 sent, 1 failed, 1 requests', '0 sent, 1 failed, 0 requests'],
    },
    { name: 'a line feed in a collapse id', run: sendOf({ collapseId: 'a\nb' }) },
    { name: 'a line feed in a topic', run: sendOf({ topic: 'a\nb' }) },
    {
      name: 'expiry null',
      run: sendOf({ expiry: null }),
      difference: 'expiryNull',
      counts: ['0 sent, 1 failed, 1 requests', '1 sent, 0 failed, 1 requests'],
    },
    { name: 'a fraction as expiry', run: sendOf({ expiry: 1_900_000_000.5 }) },
    { name: 'one notification sent twice', run: sendTwice },
    ...recipients.map(([what, list]) => ({ name: `sending to ${what}`, run: sendOf({}, list), options: once })),
    {
      name: 'a device token that is not hex',
      run: sendOf({}, ['zz', token]),
      difference: 'local',
      counts: ['1 sent, 1 failed, 2 requests', '1 sent, 1 failed, 1 requests'],
    },
    {
      name: 'a device token of an odd length',
      run: sendOf({}, 'abc'),
      difference: 'local',
      counts: ['0 sent, 1 failed, 1 requests', '0 sent, 1 failed, 0 requests'],
    },
    {
      name: 'an empty device token',
      run: sendOf({}, ''),
      difference: 'local',
      counts: ['0 sent, 1 failed, 1 requests', '0 sent, 1 failed, 0 requests'],
    },
    {
      name: 'a device token with capital letters',
      run: sendOf({}, 'AB'.repeat(32)),
      difference: 'letters',
      counts: ['1 sent, 0 failed, 1 requests', '1 sent, 0 failed, 1 requests'],
    },
    {
      name: 'a device token in angle brackets',
      run: sendOf({}, `<${'abcdef01 '.repeat(8).trim()}>`),
      difference: 'letters',
      counts: ['0 sent, 1 failed, 1 requests', '1 sent, 0 failed, 1 requests'],
    },
    ...reasons
      .filter(({ name }) => !endless.has(name))
      .map(({ name }) => ({ name: `the answer ${name}`, run: sendOf({}, scriptedToken(name, 5)), options: once })),
    {
      name: 'the answer ExpiredProviderToken without repetition',
      run: sendOf({}, scriptedToken('ExpiredProviderToken', 5)),
      options: once,
    },
    {
      name: 'a provider token that expires',
      simulator: faults({ do: 'expireProviderTokens', when: { requests: 1 } }),
      run: async (side) => [await sendOf({}, at(1))(side), await sendOf({}, at(2))(side)],
      difference: 'renewal',
      counts: ['2 sent, 0 failed, 3 requests', '1 sent, 1 failed, 2 requests'],
    },
    ...['ServiceUnavailable', 'InternalServerError', 'TooManyRequests'].map(
      (reason): Case => ({
        name: `${reason}, once, and then accepted`,
        simulator: answers({ reason }),
        run: sendOf({}),
      }),
    ),
    {
      name: 'an answer without a body',
      simulator: answers({ status: 404 }),
      run: sendOf({}),
    },
    {
      name: '502 without a body, and then accepted',
      simulator: answers({ status: 502 }),
      run: sendOf({}),
      difference: 'noBody',
      counts: ['0 sent, 1 failed, 1 requests', '1 sent, 0 failed, 2 requests'],
    },
    {
      name: 'Retry-After of one second',
      simulator: answers({ reason: 'ServiceUnavailable', retryAfterS: 1 }),
      run: async (side) => {
        const start = performance.now();
        const outcome = await sendOf({})(side);
        return { outcome, hasWaited: performance.now() - start > 900 };
      },
      difference: 'retryAfter',
      counts: ['1 sent, 0 failed, 2 requests', '1 sent, 0 failed, 2 requests'],
    },
    {
      name: 'a final answer to a repetition',
      simulator: answers({ reason: 'ServiceUnavailable' }),
      run: sendOf({}, scriptedToken('Unregistered', 7)),
      difference: 'finalAnswer',
      counts: ['0 sent, 1 failed, 4 requests', '0 sent, 1 failed, 2 requests'],
    },
    {
      name: 'no answer within requestTimeout',
      options: { requestTimeout: 200 },
      run: sendOf({}, scriptedToken('no answer, ever')),
    },
    {
      name: 'requestTimeout, while no connection opens',
      simulator: faults({ do: 'refuseConnections', how: 'silent' }),
      options: { requestTimeout: 700 },
      run: async (side) => {
        const waiting = new Promise((resolve) => setTimeout(resolve, 2_000, 'waits on'));
        return await Promise.race([side.provider.send(noteOf(side), [at(1), at(2)]).then(tally), waiting]);
      },
      difference: 'queue',
      results: [{ areAllSent: false, failedOnes: ['apn write timeout'] }, 'waits on'],
    },
    {
      name: '10,000 device tokens in one call',
      run: async (side) =>
        tally(
          await side.provider.send(
            noteOf(side),
            Array.from({ length: 10_000 }, (_, index) => at(index)),
          ),
        ),
      difference: 'many',
      // On a slow machine the original takes longer than the test waits.
      results: [undefined, { areAllSent: true, failedOnes: [] }],
    },
    {
      name: 'GOAWAY in the midst of 300',
      simulator: faults({ do: 'goaway', how: 'drain', last: 'half', when: { requests: 100 } }),
      run: async (side) =>
        areAllSent(
          await side.provider.send(
            noteOf(side),
            Array.from({ length: 300 }, (_, index) => at(index)),
          ),
        ),
      difference: 'refused',
      results: [false, true],
    },
    {
      name: 'a stream that is refused, and then accepted',
      simulator: faults({ do: 'refuse', forRequests: 1, when: { requests: 1 } }),
      run: sendOf({}),
      difference: 'refused',
      counts: ['0 sent, 1 failed, 0 requests', '1 sent, 0 failed, 1 requests'],
    },
    { name: 'a stream that is reset', run: sendOf({}, scriptedToken('RST_STREAM INTERNAL_ERROR')) },
    {
      name: 'GOAWAY between two sends',
      simulator: faults({ do: 'goaway', when: { requests: 1 } }),
      run: async (side) => {
        const first = await sendOf({}, at(1))(side);
        await new Promise((resolve) => setTimeout(resolve, 100));
        return [first, await sendOf({}, at(2))(side)];
      },
    },
    {
      name: 'a gateway that is not there',
      options: { port: 1, connectionRetryLimit: 0, requestTimeout: 1_000 },
      run: sendOf({}),
    },
    { name: 'a gateway whose authority is not known', options: { ca: [] }, run: sendOf({}) },
    ...lifeCases,
    ...optionCases,
    ...channelCases(),
  ];
}

const sendTwice: Case['run'] = async (side) => {
  const note = noteOf(side);
  const first = await side.provider.send(note, token);
  note.alert = 'changed';
  note.collapseId = 'changed';
  return [first, await side.provider.send(note, at(9))];
};

const lifeCases: readonly Case[] = [
  {
    name: 'shutdown, with a callback, and again',
    run: async ({ provider }) => {
      const called = () => new Promise((done) => void provider.shutdown(() => done('called')));
      return [await called(), await called()];
    },
  },
  {
    name: 'a send after shutdown',
    run: async (side) => {
      await new Promise<void>((done) => void side.provider.shutdown(done));
      return sendOf({}, [token, at(1)])(side);
    },
  },
  {
    name: 'shutdown while sends are under way',
    run: async (side) => {
      await sendOf({}, at(99))(side);
      const sending = sendOf({}, [at(1), at(2), at(3)])(side);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise<void>((done) => void side.provider.shutdown(done));
      return sending;
    },
  },
  {
    name: 'Provider without new',
    run: ({ apn, options }) => {
      const made = apn.Provider(options);
      const kinds = [made instanceof apn.Provider, made instanceof EventEmitter, typeof made.client, 'client' in made];
      void made.shutdown();
      return kinds;
    },
  },
  {
    name: 'a class that extends Provider',
    run: async (side) => {
      class Own extends side.apn.Provider {
        readonly own = 7;
      }
      const made = new Own(side.options);
      const sent = await made.send(noteOf(side), token);
      void made.shutdown();
      return [made.own, made instanceof side.apn.Provider, sent];
    },
  },
  {
    name: 'a constructor that inherits by util.inherits',
    run: async (side) => {
      function Own(this: object, options: Options): void {
        (side.apn.Provider as unknown as { call(on: object, options: Options): void }).call(this, options);
      }
      inherits(Own, side.apn.Provider);
      const made = new (Own as unknown as new (options: Options) => ours.Provider)(side.options);
      const sent = await made.send(noteOf(side), token);
      void made.shutdown();
      return [made instanceof side.apn.Provider, sent];
    },
  },
  {
    name: 'events of a provider',
    run: ({ provider }) => {
      const told: unknown[] = [];
      provider.on('anything', (what: unknown) => told.push(what));
      return [provider.emit('anything', 3), told, provider.listenerCount('anything')];
    },
  },
  {
    name: 'a class that extends Notification',
    run: async (side) => {
      class Own extends side.apn.Notification {
        override headers(): Record<string, string | number> {
          return { ...super.headers(), 'apns-collapse-id': 'own' };
        }
        override compile(): string {
          return '{"aps":{"alert":"own"}}';
        }
      }
      return side.provider.send(new Own({ topic }), token);
    },
  },
  {
    name: 'MultiProvider with two clients',
    run: async (side) => {
      const made = new side.apn.MultiProvider({ ...side.options, clientCount: 2 });
      const sent = await made.send(noteOf(side), [at(1), at(2), at(3)]);
      await new Promise<void>((done) => void made.shutdown(done));
      return [sent, (made.client as unknown as { clients: unknown[] }).clients.length];
    },
  },
  {
    name: 'MultiProvider without new, and counts of clients',
    run: ({ apn, options }) =>
      [undefined, 0, 1, '3', -1, 'x', null].map((clientCount) =>
        fails(() => {
          const made = apn.MultiProvider({ ...options, clientCount: clientCount as number });
          void made.shutdown();
          throw new Error(`${(made.client as unknown as { clients: unknown[] }).clients.length} clients`);
        }),
      ),
  },
  {
    name: 'setLogger of the client, with what is no function',
    run: ({ provider }) => [
      fails(() => provider.client.setLogger('x' as never)),
      fails(() => provider.client.setLogger(() => {}, 7 as never)),
      fails(() => provider.client.setLogger(() => {})),
      typeof (provider as { setLogger?: unknown }).setLogger,
    ],
  },
  {
    name: 'write of the client',
    run: async (side) => {
      const note = noteOf(side);
      const built = { headers: note.headers(), body: note.compile() };
      const { client } = side.provider;
      return [
        await settled(client.write(built, token, 'device', 'post')),
        await settled(client.write(built, scriptedToken('Unregistered'), 'device', 'post')),
        await settled(client.write(built, token, 'nothing', 'post')),
        await settled(client.write(built, token, 'device', 'patch')),
      ];
    },
  },
];

/** What the client's config says of addresses and times. */
const configOf =
  (given: object, ...left: string[]): Case['run'] =>
  ({ apn, options }) => {
    const all: Record<string, unknown> = { ...options, port: 8443, ...given };
    for (const name of left) delete all[name];
    const made = new apn.Provider(all as Options);
    const { config } = made.client as unknown as { config: Record<string, unknown> };
    void made.shutdown();
    return [
      ...['production', 'address', 'port', 'manageChannelsAddress', 'manageChannelsPort', 'rejectUnauthorized'],
      ...['connectionRetryLimit', 'heartBeat', 'requestTimeout'],
    ].map((name) => `${name}: ${config[name]}`);
  };

const own = ['address', 'port', 'manageChannelsAddress', 'manageChannelsPort'];
const makes =
  (given: object): Case['run'] =>
  ({ apn, options }) =>
    fails(() => {
      const made = new apn.Provider({ ...options, ...given } as Options);
      void made.shutdown();
      return made;
    });
const key = { key: 'k', keyId: 'ABC123DEFG', teamId: 'DEF123GHIJ' };

const optionCases: readonly Case[] = [
  { name: 'the defaults of options', run: configOf({}, ...own, 'connectionRetryLimit', 'requestTimeout') },
  { name: 'production', run: configOf({ production: true }, ...own) },
  { name: 'the address of production', run: configOf({ address: 'api.push.apple.com', production: false }, 'port') },
  { name: 'another address, and production', run: configOf({ address: 'gateway.example', production: true }, 'port') },
  { name: 'port 2197, as text', run: configOf({ port: '2197' }, 'address') },
  { name: 'times and limits of options', run: configOf({ heartBeat: 1, requestTimeout: 7, connectionRetryLimit: 9 }) },
  { name: 'NODE_ENV', run: (side) => withNodeEnv('production', () => configOf({}, ...own)(side)) },
  { name: 'a passphrase that is no text', run: makes({ passphrase: 7 }) },
  { name: 'a token without a key id', run: makes({ token: { ...key, keyId: '' } }) },
  { name: 'a token whose key id is no text', run: makes({ token: { ...key, keyId: 7 } }) },
  { name: 'a token without a team id', run: makes({ token: { ...key, teamId: undefined } }) },
  { name: 'a token whose team id is no text', run: makes({ token: { ...key, teamId: {} } }) },
  { name: 'options that nobody knows', run: makes({ fastMode: true, gateway: 'x' }) },
  {
    name: 'the key of a token as bytes',
    run: async (side) => {
      const { token: given } = side.options;
      const made = new side.apn.Provider({
        ...side.options,
        token: { ...given!, key: Buffer.from(given!.key as string) },
      });
      const sent = await made.send(noteOf(side), token);
      void made.shutdown();
      return sent;
    },
  },
  {
    name: 'ca as text rather than an array',
    run: async (side) => {
      const made = new side.apn.Provider({ ...side.options, ca: side.simulator.caCertificate as never });
      const sent = await made.send(noteOf(side), token);
      void made.shutdown();
      return sent;
    },
  },
  {
    name: 'rejectUnauthorized: false, with another authority',
    options: { ca: [], rejectUnauthorized: false },
    run: sendOf({}),
    difference: 'verified',
    counts: ['1 sent, 0 failed, 1 requests', '0 sent, 1 failed, 0 requests'],
  },
];

function withNodeEnv<T>(value: string, run: () => T): T {
  const before = process.env.NODE_ENV;
  process.env.NODE_ENV = value;
  try {
    return run();
  } finally {
    if (before === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = before;
  }
}
