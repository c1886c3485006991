/**
 * Every object that a program hands to peal refuses names it does not know, and says which is meant: each field of each
 * interface in the reports of the public face, misspelt. Objects that a program implements (back-ends, clocks, loggers,
 * sinks) may have more than their interface, and what peal hands out is not checked: `others` lists both.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createMemoryBackend, createMemoryPair, createProxyBackend, createTlsBackend } from '../src/backend.js';
import { PealError } from '../src/base/errors.js';
import {
  ClusterSender,
  ClusterWorker,
  CredentialCache,
  CredentialGateways,
  NewCredential,
  openCluster,
  openClusterStore,
  openCredentialStore,
  sharedAccessTokens,
  sharedProviderTokens,
} from '../src/cluster/index.js';
import { FcmMessage, loadServiceAccount } from '../src/fcm.js';
import {
  APNs,
  Campaign,
  Channels,
  createMemoryGateway,
  loadCredential,
  Message,
  Result,
  readTokens,
  Session,
  startSimulator,
  startSimulatorThread,
  Template,
} from '../src/index.js';
import { createThrowAwayProviderKey, ThrowAwayAuthority } from '../src/simulator/index.js';
import { runCommand } from './support/command.js';
import { repositoryRoot } from './support/repository.js';

interface Face {
  /** What the message says of whose name it is. */
  readonly owner: RegExp;
  /** Fields that have to be there. */
  readonly given?: object;
  readonly hand: (options: never) => unknown;
  /** Names that lead to another kind of object, or are said otherwise. */
  readonly except?: readonly string[];
}

const token = 'ab'.repeat(32);
const hello = { alert: 'Hello', topic: 'com.example.app' };
const providerKey = createThrowAwayProviderKey();
const { cert, key } = new ThrowAwayAuthority().issueClient('com.example.app');
const { keyId, teamId } = providerKey;

/** Sends without a gateway: what is wrong has to be told before one is needed. */
async function send(options: object, sessionOptions: object = {}): Promise<Result> {
  await using session = new Session({ backend: { open: () => assert.fail('connected') }, ...sessionOptions });
  return await new APNs(session.getConnection('https://gateway.example', null)).send(new Message([], hello), options);
}

/** The same for a push. */
async function push(options: object): Promise<unknown> {
  await using session = new Session({ backend: { open: () => assert.fail('connected') } });
  return await new APNs(session.getConnection('https://gateway.example', null)).push(hello, token, options);
}

/** The same for a stream of pushes. */
async function sendEach(options: object): Promise<void> {
  await using session = new Session({ backend: { open: () => assert.fail('connected') } });
  new APNs(session.getConnection('https://gateway.example', null)).sendEach([], options);
}

/** The same for a broadcast. */
async function broadcast(options: object): Promise<unknown> {
  await using session = new Session({ backend: { open: () => assert.fail('connected') } });
  const apns = new APNs(session.getConnection('https://gateway.example', null));
  return await apns.broadcast({ event: 'end', timestamp: new Date() }, 'AAAA', {
    bundleId: 'com.example.app',
    ...options,
  });
}

const channels = (options: object = {}): Channels => {
  const gateway = new Session({ backend: { open: () => assert.fail('connected') } }).getConnection('sandbox', null);
  return new Channels(gateway, { bundleId: 'com.example.app', ...options });
};

/** Throws what is wrong with a recipient. */
async function sendTo(recipient: object): Promise<never> {
  const { invalid } = await send({ recipients: [recipient] });
  throw new PealError('ERR_PEAL_TOKEN', `The recipient ${invalid[0]?.why}`, { origin: 'usage' });
}

const fcmMessage = (options: object): FcmMessage => new FcmMessage([], options);
const message = (options: object): Message => new Message(token, { ...hello, ...options });
const simulate = (options: object): Promise<unknown> => startSimulator({ port: 0, controlPort: null, ...options });
const scenario = (one: object): Promise<unknown> => simulate({ scenario: one });
/** A misspelt name instead of the right one, which would tell what kind it is. */
const connect = (options: object): unknown =>
  loadCredential(Object.fromEntries(Object.entries(options).filter(([name]) => !(misspelt(name) in options))) as never);
const forCampaign = {
  gateway: new Session().getConnection('https://gateway.example', null),
  message: new Message([], hello),
  recipients: [],
};
const campaign = (options: object): Campaign => new Campaign({ ...forCampaign, ...options });
const ofFault = /option scenario\.faults\[0\]/;

/** By interface, as the reports name it. */
const faces: Readonly<Record<string, Face | readonly Face[]>> = {
  SessionOptions: { owner: /^Session /, hand: (options) => new Session(options) },
  PushOptions: { owner: /^push /, hand: push },
  BroadcastOptions: { owner: /^broadcast /, hand: broadcast },
  ChannelsOptions: { owner: /^Channels /, hand: channels },
  ChannelRequestOptions: { owner: /^list /, hand: (options) => channels().list(options) },
  CreateChannelOptions: { owner: /^create /, hand: (options) => channels().create(options) },
  SendEachOptions: { owner: /^sendEach /, hand: sendEach },
  SendOptions: { owner: /^send /, hand: send },
  RetryOptions: { owner: /option retry /, hand: (retry) => send({ retry }) },
  RetryChoice: { owner: /^retry /, hand: (options) => new Result().retry(options) },
  MessageOptions: { owner: /^Message /, hand: message },
  MessageData: { owner: /^Message\.fromJSON /, given: message({}).toJSON(), hand: (data) => Message.fromJSON(data) },
  AlertOptions: { owner: /: alert /, hand: (alert) => message({ alert }) },
  LocalizedText: { owner: /: alert\.title /, hand: (title) => message({ alert: { title } as object }) },
  SoundOptions: { owner: /: sound /, hand: (sound) => message({ sound }) },
  GatewayOptions: {
    owner: /^getConnection /,
    hand: (options) => new Session().getConnection('sandbox', null, options),
  },
  FcmMessageOptions: { owner: /^The message /, given: { title: 'Hi' }, hand: fcmMessage },
  FcmAlert: { owner: /^The option alert /, hand: (alert) => fcmMessage({ alert }) },
  FcmMessageData: {
    owner: /^FcmMessage\.fromJSON /,
    given: fcmMessage({ title: 'Hi' }).toJSON(),
    hand: (data) => FcmMessage.fromJSON(data),
  },
  ServiceAccountOptions: { owner: /^The credential /, given: { serviceAccount: '{}' }, hand: loadServiceAccount },
  AccessTokenOptions: {
    owner: /^The credential /,
    given: { accessToken: 'x', project: 'x' },
    hand: loadServiceAccount,
  },
  AccountEnvironment: {
    owner: /^loadServiceAccount /,
    hand: (environment) => loadServiceAccount({ accessToken: 'x', project: 'x' }, environment),
  },
  PersonalRecipient: { owner: /^The recipient /, given: { token }, hand: sendTo },
  ReadTokensOptions: { owner: /^readTokens /, hand: (options) => readTokens('none', options).next() },
  CertificateOptions: { owner: /^A credential /, given: { cert, key }, hand: connect },
  Pkcs12Options: { owner: /^A credential /, given: { pfx: 'x' }, hand: connect },
  ProviderKeyOptions: { owner: /^A credential /, given: { key: providerKey.p8, keyId, teamId }, hand: connect },
  SigningHookOptions: { owner: /^A credential /, given: { sign: () => token, keyId, teamId }, hand: connect },
  GivenTokenOptions: { owner: /^A credential /, given: { providerToken: 'x' }, hand: connect },
  OriginalCertificateOptions: { owner: /^A credential /, given: { certString: cert }, hand: connect },
  LoadEnvironment: { owner: /^loadCredential /, hand: (environment) => loadCredential(null, environment) },
  FileReference: { owner: /option ca\b/, given: { file: 'none.pem' }, hand: (ca) => new Session({ ca }) },
  SimulatorOptions: [
    { owner: /^The simulator /, hand: simulate },
    { owner: /^The simulator /, hand: (options) => createMemoryGateway(options) },
    {
      owner: /^A simulator on a thread of its own /,
      hand: (options) => startSimulatorThread(options),
      except: ['clock', 'logger', 'onRequest'],
    },
  ],
  SimulatorFcmOptions: { owner: /option fcm /, hand: (fcm) => simulate({ fcm }) },
  AcceptedServiceAccount: {
    owner: /option fcm\.serviceAccounts\[0\] /,
    given: { client_email: 'a@example.com', public_key: providerKey.publicKey },
    hand: (account) => simulate({ fcm: { serviceAccounts: [account] } }),
  },
  SimulatorConduct: { owner: /option conduct /, hand: (conduct) => simulate({ conduct }) },
  AcceptedProviderKey: {
    owner: /option providerKeys\[0\] /,
    given: providerKey,
    hand: (one) => simulate({ providerKeys: [one] }),
  },
  ScriptedFeedback: {
    owner: /option feedback\[0\] /,
    given: { token },
    hand: (one) => simulate({ feedbackPort: 0, feedback: [one] }),
  },
  Scenario: { owner: /option scenario /, given: { faults: [] }, hand: scenario },
  ScenarioEnd: { owner: /option scenario\.until /, hand: (until) => scenario({ faults: [], until }) },
  FaultTrigger: {
    owner: /option scenario\.faults\[0\]\.when /,
    hand: (when) => scenario({ faults: [{ do: 'reset', when }] }),
  },
  TlsBackendOptions: [
    { owner: /^The back-end tls /, hand: (options) => createTlsBackend(options) },
    { owner: /^The back-end tls /, hand: (tls) => createProxyBackend({ url: 'http://127.0.0.1:1' }, tls) },
  ],
  ProxyOptions: [
    { owner: /^The back-end proxy /, hand: (options) => createProxyBackend(options) },
    { owner: /^The back-end proxy /, hand: (backendOptions) => sendBy('proxy', backendOptions) },
  ],
  MemoryOptions: [
    { owner: /^The back-end memory /, hand: (options) => createMemoryBackend(() => assert.fail('connected'), options) },
    { owner: /^A pair of memory streams /, hand: (options) => createMemoryPair(options) },
    {
      owner: /^The back-end memory /,
      given: { accept: () => assert.fail() },
      hand: (given) => sendBy('memory', given),
    },
  ],
  CampaignOptions: { owner: /^Campaign /, given: forCampaign, hand: campaign },
  PlatformOptions: {
    owner: /option platforms /,
    given: { column: 'platform', gateway: forCampaign.gateway, message: forCampaign.message },
    hand: (platforms) => campaign({ platforms }),
  },
  RecipientFiles: {
    owner: /option recipients /,
    given: { files: 'x' },
    hand: (recipients) => campaign({ recipients }),
  },
  CanaryOptions: { owner: /option canary /, given: { recipients: 1 }, hand: (canary) => campaign({ canary }) },
  LocalHours: { owner: /option localWindow /, hand: (localWindow) => campaign({ localWindow }) },
  ReportSetting: { owner: /option settings\[0\] /, hand: (setting) => campaign({ settings: [setting] }) },
  TemplateOptions: { owner: /^Template /, given: { payload: hello }, hand: (options) => new Template(options) },
  ClusterOptions: { owner: /^openCluster /, hand: (options) => openCluster(options) },
  ClusterSenderOptions: { owner: /^ClusterSender /, hand: (options) => new ClusterSender(options) },
  ClusterWorkerOptions: { owner: /^ClusterWorker /, hand: (options) => ClusterWorker.start(options) },
  OpenStoreOptions: {
    owner: /^openClusterStore /,
    hand: (options) => openClusterStore('redis://127.0.0.1:1', options),
  },
  CredentialStoreOptions: { owner: /^openCredentialStore /, hand: (options) => openCredentialStore('env:', options) },
  CredentialCacheOptions: {
    owner: /^CredentialCache /,
    hand: (options) => new CredentialCache({ subscribe: () => () => {} } as never, options),
  },
  CredentialGatewaysOptions: {
    owner: /^CredentialGateways /,
    hand: (options) => new CredentialGateways(new Session(), { subscribe: () => () => {} } as never, options),
  },
  NewCredentialOptions: { owner: /^NewCredential /, hand: (options) => new NewCredential(options) },
  SharedAccessOptions: {
    owner: /^sharedAccessTokens /,
    hand: (options) => sharedAccessTokens({ credential: null as never, project: 'p' }, null as never, options),
  },
  SharedTokenOptions: {
    owner: /^sharedProviderTokens /,
    hand: (options) =>
      sharedProviderTokens(loadCredential({ key: providerKey.p8, keyId, teamId }), null as never, options),
  },
  ClientCertificateOptions: {
    owner: /^issueClient /,
    hand: (options) => new ThrowAwayAuthority().issueClient('com.example.app', options),
  },
  Validity: { owner: /^issueServer /, hand: (validity) => new ThrowAwayAuthority().issueServer([], validity) },
};

function sendBy(backend: string, backendOptions: object): Promise<Result> {
  return send({ recipients: [token] }, { backend, backendOptions });
}

/** Interfaces of the reports that no program hands to peal as an object of options or of data, each for its reason. */
const others: Readonly<Record<string, readonly string[]>> = {
  'parts of interfaces that are here': [
    ...[
      'LinkOptions',
      'StreamTerms',
      'HeaderOptions',
      'HeaderTemplateOptions',
      'NotificationOptions',
      'PayloadOptions',
      'PersonalFields',
    ],
    ...['SharedOptions', 'FaultFrame', 'ConnectionFaultFrame', 'LastingFaultFrame', 'WithProcessed'],
  ],
  'what a program implements; it may have more': [
    ...['Backend', 'BackendCredential', 'BackendStream', 'ByteStream', 'ByteStreamListener'],
    ...['CampaignSender', 'RemoteSender', 'ClusterStore', 'SliceBlobs', 'SliceJobs', 'CredentialStore'],
    ...['Clock', 'Logger', 'OutcomeSink', 'PushItem', 'TextColumn'],
  ],
  'files of others, which may have more': ['ServiceAccountKey'],
  'what a program may make errors and failures of, which must not throw errors themselves': [
    ...['PealErrorOptions', 'ErrorRecord', 'Answer'],
  ],
  'what peal hands out': [
    ...[
      'AcceptedId',
      'AcceptedIds',
      'AnswerCounts',
      'Address',
      'AnonymousCredential',
      'Batch',
      'BatchSettledEvent',
      'CertificateCredential',
    ],
    ...[
      'BroadcastOutcome',
      'BroadcastResult',
      'Channel',
      'ChannelRecord',
      'ChannelsSummary',
      'CampaignEvent',
      'WatchedCampaign',
      'ConnectionFailedEvent',
    ],
    ...['CertificatePair', 'ConnectionCloseEvent', 'ConnectionOpenEvent', 'CredentialSummary', 'EngineShardStats'],
    ...['EngineStats', 'FaultRecord', 'FeedbackEntry', 'FeedbackRecord', 'InvalidLine', 'InvalidRecipient'],
    ...[
      'InvalidToken',
      'LatencyBar',
      'LatencyData',
      'LedgerSummary',
      'MemoryGateway',
      'Notification',
      'OpenOptions',
      'AcceptedPush',
      'InvalidPush',
      'RejectedPush',
      'UnansweredPush',
      'OutcomeCounts',
    ],
    ...[
      'OutcomeDetail',
      'PersonalParts',
      'Progress',
      'Reason',
      'ReceivedChannelRequest',
      'ReceivedRequest',
      'ResultData',
      'ScriptRow',
    ],
    ...['FcmCredential', 'FcmOfThread', 'FcmScriptRow', 'FcmSummary', 'ServiceAccountFile', 'TokenCounts'],
    ...[
      'SendFault',
      'ServiceSummary',
      'SettledBatch',
      'ShardStats',
      'Simulator',
      'TallyCounts',
      'ThrowAwayProviderKey',
    ],
    ...['TokenCredential', 'TokenRecord', 'WatchedConnection'],
    ...['CampaignCause', 'CampaignFile', 'CampaignProgress', 'CampaignReport', 'RunSummary', 'CampaignSummary'],
    ...['CanaryReport', 'CountedCause', 'CountedReason', 'DryRunReport', 'InvalidKind', 'LatencyFigures', 'NextStep'],
    ...['PayloadSizes', 'ReadList'],
    ...['Adoption', 'RemoteCampaign', 'SenderOptions', 'CampaignDefinition', 'CampaignStatus', 'Change'],
    ...['ClusterWorkerSnapshot', 'CredentialEntry', 'CredentialMaterial', 'CredentialPlace', 'CurrentCredential'],
    ...['GivenUpSlice', 'OpenedCredential', 'OpenedStore', 'QueueServerOptions', 'SliceClaim', 'SliceCommit'],
    ...['SliceJob', 'SliceSending', 'Steering', 'SteeringNow', 'StoredSlice', 'WorkerBeat'],
  ],
};

interface Declared {
  /** What stands behind `extends`. */
  readonly base: string;
  /** Names of its own, with the text of their types. */
  readonly fields: ReadonlyMap<string, string>;
}

/**
 * Interfaces of the modules for programs that come from other packages. They ignore names that they do not know, as
 * those packages do: a program that moves in keeps what it hands over.
 */
const facades: Readonly<Record<string, readonly string[]>> = {
  'peal-compat-apns2': [
    ...['ApnsOptions', 'ApnsPayload', 'ApnsResponseError', 'CriticalAlertSoundPayload', 'NotificationOptions'],
    ...['PrivateKey', 'SigningToken'],
  ],
  'peal-compat-firebase-messaging': [
    ...['AndroidConfig', 'AndroidFcmOptions', 'AndroidNotification', 'ApnsConfig', 'ApnsFcmOptions', 'ApnsPayload'],
    ...['App', 'AppOptions', 'Aps', 'ApsAlert', 'BaseMessage', 'BatchResponse', 'ConditionMessage', 'Credential'],
    ...['CriticalSound', 'ErrorInfo', 'FcmOptions', 'FidMessage', 'GoogleOAuthAccessToken', 'LightSettings'],
    ...['MessagingTopicManagementResponse', 'MulticastMessage', 'Notification', 'SendResponse', 'ServiceAccount'],
    ...['TextMap', 'TokenMessage', 'TopicMessage', 'WebpushConfig', 'WebpushFcmOptions', 'WebpushNotification'],
  ],
  'peal-compat-node-apn': [
    ...[
      'AnswerIds',
      'Aps',
      'ApsAlert',
      'ApsSetters',
      'ApsSound',
      'BroadcastResponse',
      'BroadcastResponseFailure',
      'BuiltNotification',
    ],
    ...['LoggerResponse', 'LoggerResponseFailure', 'MultiProvider', 'MultiProviderOptions', 'NotificationAlertOptions'],
    ...['Provider', 'ProviderClient', 'ProviderConstructor', 'ProviderOptions', 'ProviderToken', 'ResponseFailure'],
    ...['ResponseSent', 'Responses'],
  ],
};

/** Interfaces by name. One that stands in two reports is the same in both. */
function declaredInterfaces(
  reports: readonly string[] = ['peal', 'peal-backend', 'peal-simulator', 'peal-cluster', 'peal-fcm'],
): ReadonlyMap<string, Declared> {
  const found = new Map<string, Declared>();
  for (const report of reports) {
    const text = readFileSync(path.join(repositoryRoot, `api/${report}.api.md`), 'utf8');
    for (const [, name, base = '', body] of text.matchAll(
      /^(?:export )?interface (\w+)(?:<.*>)?( extends .*)? \{\n([\s\S]*?)^\}/gm,
    )) {
      const fields = [...body!.matchAll(/^ {4}(?:readonly )?(\w+)\??: (.*);$/gm)];
      found.set(name!, { base, fields: new Map(fields.map(([, field, type]) => [field!, type!])) });
    }
  }
  return found;
}

const declared = declaredInterfaces();

/** Its own fields and those of the interfaces that it extends. */
function fieldsOf(name: string): string[] {
  const { base, fields } = declared.get(name)!;
  const bases = [...base.matchAll(/\w+/g)].map(([word]) => word).filter((word) => declared.has(word));
  return [...new Set([...fields.keys(), ...bases.flatMap(fieldsOf)])];
}

/** Its last letter twice. */
const misspelt = (field: string): string => field + field.at(-1);

async function refusal(hand: () => unknown): Promise<string> {
  try {
    await hand();
  } catch (error) {
    assert.ok(error instanceof PealError, String(error));
    assert.match(error.code, /^ERR_PEAL_(OPTION|PAYLOAD|CREDENTIAL|TOKEN)$/);
    return error.message;
  }
  return 'accepted';
}

async function assertRefuses({ owner, given = {}, hand }: Face, field: string): Promise<void> {
  const wrong = misspelt(field);
  const said = await refusal(() => hand({ ...given, [wrong]: 'x' } as never));
  assert.match(said, owner, `${wrong}: ${said}`);
  assert.match(said, new RegExp(`\\b${wrong}\\b`), said);
  assert.match(said, new RegExp(`(?:did you mean|write|goes with) ${field}\\b`), said);
}

describe('a name that no options have', () => {
  const faults = [...declared].flatMap(([name, { fields }]) => {
    const action = /^'(\w+)'$/.exec(fields.get('do') ?? '')?.[1];
    return action === undefined ? [] : [[name, action] as const];
  });

  it('is looked for in every interface of the public face', () => {
    const told = [...Object.keys(faces), ...faults.map(([name]) => name), ...Object.values(others).flat()];
    assert.deepEqual([...declared.keys()].sort(), [...new Set(told)].sort());
    assert.ok(faults.length >= 15, `${faults.length} faults`);
  });

  it('is ignored by the modules for other packages alone, each interface of which is listed', () => {
    for (const [report, names] of Object.entries(facades)) {
      const own = [...declaredInterfaces([report]).keys()].filter(
        (name) => !declared.has(name) || names.includes(name),
      );
      assert.deepEqual(own.sort(), names.toSorted(), report);
    }
  });

  for (const [name, face] of Object.entries(faces)) {
    it(`is refused with the nearest that is known: ${name}`, async () => {
      const fields = fieldsOf(name);
      assert.ok(fields.length > 0);
      for (const one of [face].flat() as Face[]) {
        for (const field of fields) if (one.except?.includes(field) !== true) await assertRefuses(one, field);
      }
    });
  }

  for (const [name, action] of faults) {
    it(`is refused with the nearest that is known: ${name}`, async () => {
      const hand = (fault: object): unknown => scenario({ faults: [fault] });
      for (const field of fieldsOf(name)) await assertRefuses({ owner: ofFault, given: { do: action }, hand }, field);
    });
  }

  const app = ['--bundle-id', 'com.example.app'];
  for (const [name, ...given] of [
    ...[['send'], ['feedback', '--gateway', 'x'], ['simulate'], ['demo'], ['broadcast', ...app]],
    ...['create', 'list', 'remove'].map((action) => [`channels ${action}`, ...app]),
    ['channels read', ...app, 'AAAA'],
  ]) {
    const command = name!.split(' ');
    it(`is refused with the nearest that is known: peal ${name}`, async () => {
      const { stdout } = await runCommand([...command, '--help']);
      const flags = [...stdout.matchAll(/^ {2,}(?:-\w, )?--([\w-]+)/gm)].map(([, flag]) => flag!);
      assert.ok(flags.length > 2, stdout);
      for (const flag of flags) {
        const { code, stderr } = await runCommand([...command, ...given, `--${misspelt(flag)}`]);
        assert.equal(code, 2, stderr);
        assert.match(stderr, new RegExp(`unknown option '--${misspelt(flag)}'`));
        assert.match(stderr, new RegExp(`Did you mean (?:one of )?.*--${flag}\\b`), stderr);
      }
    });
  }
});
