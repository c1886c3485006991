/**
 * The options of `peal simulate`, and the simulator options made from them. The simulator itself checks the values.
 * Main thread; reads the certificate and key files.
 */
import { readFile } from 'node:fs/promises';
import { Option } from 'commander';
import { parseTime, timeForms } from '../../base/duration.js';
import { readProblem } from '../../base/file-errors.js';
import { maxFcmTokenLifeS } from '../../base/limits.js';
import type { Environment } from '../../push/address.js';
import { apnsConduct, type SimulatorConduct } from '../../simulator/settings/conduct.js';
import type { AcceptedServiceAccount, SimulatorFcmOptions } from '../../simulator/settings/fcm-options.js';
import type { ScriptedFeedback, SimulatorAuth, SimulatorOptions } from '../../simulator/settings/options.js';
import { readScenario } from '../../simulator/settings/scenario-check.js';
import {
  decimalNumber,
  durationBetween,
  type OptionGroup,
  orWord,
  repeated,
  wholeNumber,
} from '../shared/option-values.js';
import { usageError } from '../shared/terminal.js';
import type { FlagNames } from '../shared/wording.js';

export interface SimulateFlags {
  readonly host?: string;
  readonly port?: number;
  readonly binaryPort?: number;
  readonly feedbackPort?: number;
  readonly channelsPort?: number;
  readonly controlPort?: number;
  readonly fcm?: boolean;
  readonly fcmPort?: number;
  readonly fcmTokenPort?: number;
  readonly fcmProject?: string;
  readonly fcmAuth?: 'token' | 'any';
  readonly fcmAccount?: readonly string[];
  readonly fcmAccountOut?: string;
  readonly fcmTokenLife?: number;
  readonly fcmQuota?: number | null;
  readonly fcmDeviceQuota?: number | null;
  readonly fcmTopicQuota?: number | null;
  readonly fcmRetryAfter?: number | null;
  readonly fcmRejectFraction?: number;
  readonly fcmRejectReason?: readonly string[];
  readonly fcmMaxStreams?: number;
  readonly fcmScenario?: string;
  readonly cert?: string;
  readonly certKey?: string;
  readonly caOut?: string;
  readonly auth?: SimulatorAuth;
  readonly clientCa?: string;
  readonly providerKey?: string;
  readonly keyId?: string;
  readonly teamId?: string;
  readonly keyTopic?: readonly string[];
  readonly keyEnvironment?: Environment;
  readonly topic?: readonly string[];
  readonly broadcastTopic?: readonly string[];
  readonly environment?: Environment;
  readonly roundTrip?: number;
  readonly maxStreams?: number;
  readonly streamWindow?: number;
  readonly connectionWindow?: number | 'large';
  readonly rejectFraction?: number;
  readonly rejectReason?: readonly string[];
  readonly statusDelay?: number;
  readonly splitStatus?: boolean;
  readonly silentStatus?: boolean;
  readonly zeroFlushIdentifier?: boolean;
  readonly closeAfter?: number;
  readonly shutdownAfter?: number;
  readonly feedbackToken?: readonly string[];
  readonly scripted: boolean;
  readonly scenario?: string;
  readonly channelsScenario?: string;
  readonly conduct?: readonly string[];
  readonly seed?: number;
  readonly ledger?: 'tokens' | 'counts' | 'full';
  readonly json?: boolean;
}

/** Flags that differ from the simulator's option with hyphens. */
export const simulatorFlags: FlagNames = {
  key: '--cert-key',
  providerKeys: '--provider-key',
  topics: '--topic',
  broadcastTopics: '--broadcast-topic',
  roundTripMs: '--round-trip',
  initialWindowBytes: '--stream-window',
  connectionWindowBytes: '--connection-window',
  rejectReasons: '--reject-reason',
  statusDelayMs: '--status-delay',
  feedback: '--feedback-token',
  'fcm.port': '--fcm-port',
  'fcm.tokenPort': '--fcm-token-port',
  'fcm.project': '--fcm-project',
  'fcm.auth': '--fcm-auth',
  'fcm.serviceAccounts': '--fcm-account',
  'fcm.tokenLifeS': '--fcm-token-life',
  'fcm.messagesPerMinute': '--fcm-quota',
  'fcm.deviceMessagesPerMinute': '--fcm-device-quota',
  'fcm.topicMessagesPerMinute': '--fcm-topic-quota',
  'fcm.retryAfterS': '--fcm-retry-after',
  'fcm.rejectFraction': '--fcm-reject-fraction',
  'fcm.rejectReasons': '--fcm-reject-reason',
  'fcm.maxStreams': '--fcm-max-streams',
  'fcm.scenario': '--fcm-scenario',
};

const quotaNumber = wholeNumber(0, Number.MAX_SAFE_INTEGER);
const numberOrOff = orWord('off', null, quotaNumber);
const environments = ['production', 'sandbox'];
const windowBytes = wholeNumber(0, 0x7fffffff);

export function simulateOptionGroups(): readonly OptionGroup[] {
  return [
    {
      heading: 'Where:',
      options: [
        new Option('--host <address>', 'where it listens (default: 127.0.0.1)'),
        new Option('--port <n>', 'port of the gateway (default: any free one)').argParser(wholeNumber(0, 65_535)),
        new Option('--binary-port <n>', 'port of the gateway of the binary protocol; 0: any free one').argParser(
          wholeNumber(0, 65_535),
        ),
        new Option('--feedback-port <n>', 'port of its feedback service; 0: any free one').argParser(
          wholeNumber(0, 65_535),
        ),
        new Option('--channels-port <n>', 'port of channel management (Live Activities); 0: any free one').argParser(
          wholeNumber(0, 65_535),
        ),
        new Option('--control-port <n>', 'port of GET /peal/ledger (default: any free one)').argParser(
          wholeNumber(0, 65_535),
        ),
        new Option('--cert <file>', 'server certificate, PEM (default: a throw-away one)'),
        new Option('--cert-key <file>', 'its private key, PEM'),
        new Option('--ca-out <file>', 'where to write the certificate that clients have to trust'),
        new Option('--json', 'print the addresses as one JSON line'),
      ],
    },
    {
      heading: 'Who may send:',
      options: [
        new Option('--auth <kind>', 'credential that clients must have (default: any)').choices([
          ...['any', 'either', 'token', 'certificate'],
        ]),
        new Option('--client-ca <file>', 'authority whose client certificates are accepted, PEM'),
        new Option('--provider-key <file>', 'accept provider tokens of this key only: .p8 or public key, PEM'),
        new Option('--key-id <id>', 'id of that key'),
        new Option('--team-id <id>', 'id of its team'),
        new Option('--key-topic <topic>', 'the key is for this topic only; may be repeated').argParser(repeated),
        new Option('--key-environment <name>', 'the key is for this environment only').choices(environments),
        new Option('--topic <topic>', 'accept this topic only; may be repeated').argParser(repeated),
        new Option('--broadcast-topic <topic>', 'only this app may have channels; may be repeated').argParser(repeated),
        new Option('--environment <name>', "which of Apple's gateways it is (default: either)").choices(environments),
      ],
    },
    {
      heading: 'How it answers:',
      options: [
        new Option('--round-trip <ms>', 'delay of every answer (default: 0); also 50ms, 1s').argParser(
          durationBetween(0, 600_000, 1),
        ),
        new Option('--max-streams <n>', 'requests at a time on a connection (default: 1000)').argParser(
          wholeNumber(1, 0x7fffffff),
        ),
        new Option('--stream-window <bytes>', 'window of one request (default: 65535)').argParser(windowBytes),
        new Option('--connection-window <bytes|large>', 'window of a connection (default: 65535)').argParser(
          orWord('large', 'large', windowBytes),
        ),
        new Option('--reject-fraction <share>', 'share of the tokens that are rejected (default: 0)').argParser(
          decimalNumber(0, 1),
        ),
        new Option(
          '--reject-reason <reason>',
          'reason of those rejections; may be repeated (default: Unregistered)',
        ).argParser(repeated),
        new Option('--no-scripted', 'do not give tokens the answer that they ask for'),
        new Option('--scenario <file>', 'JSON file that says what goes wrong and when'),
        new Option('--channels-scenario <file>', 'the same for the port of channel management'),
        new Option('--conduct <apns|name=value>', 'what errors do to a connection; may be repeated').argParser(
          repeated,
        ),
        new Option('--seed <n>', 'seed of all random choices (default: 1)').argParser(wholeNumber(0, 0xffffffff)),
        new Option('--ledger <mode>', 'what the ledger keeps (default: tokens)').choices([
          ...['tokens', 'counts', 'full'],
        ]),
      ],
    },
    {
      heading: 'FCM (each of these serves it, too):',
      options: [
        new Option('--fcm', 'serve FCM beside APNs, on a port of its own'),
        new Option('--fcm-port <n>', 'its port (default: any free one)').argParser(wholeNumber(0, 65_535)),
        new Option('--fcm-token-port <n>', 'port of its token endpoint (default: any free one)').argParser(
          wholeNumber(0, 65_535),
        ),
        new Option('--fcm-project <id>', 'the project (default: peal-simulator)'),
        new Option('--fcm-account-out <file>', 'where to write a service account that may send'),
        new Option('--fcm-account <file>', 'also take this service account, JSON; may be repeated').argParser(repeated),
        new Option('--fcm-auth <kind>', 'credential that clients must have (default: token)').choices([
          ...['token', 'any'],
        ]),
        new Option('--fcm-token-life <time>', 'how long access tokens are valid (default: 3599s)').argParser(
          durationBetween(1000, maxFcmTokenLifeS * 1000, 1000),
        ),
        new Option('--fcm-quota <n|off>', 'messages of the project in a minute (default: 600000)').argParser(
          numberOrOff,
        ),
        new Option('--fcm-device-quota <n|off>', 'messages to one token in a minute (default: 240)').argParser(
          numberOrOff,
        ),
        new Option('--fcm-topic-quota <n|off>', 'messages to one topic in a minute (default: off)').argParser(
          numberOrOff,
        ),
        new Option('--fcm-retry-after <s|off>', 'Retry-After of answers 503, in seconds (default: 10)').argParser(
          numberOrOff,
        ),
        new Option('--fcm-reject-fraction <share>', 'share of the tokens that are rejected (default: 0)').argParser(
          decimalNumber(0, 1),
        ),
        new Option('--fcm-reject-reason <reason>', 'their reason; may be repeated (default: UNREGISTERED)').argParser(
          repeated,
        ),
        new Option('--fcm-max-streams <n>', 'messages at a time on a connection (default: 100)').argParser(
          wholeNumber(1, 0x7fffffff),
        ),
        new Option('--fcm-scenario <file>', 'JSON file that says what goes wrong and when'),
      ],
    },
    {
      heading: 'How it answers over the binary protocol:',
      options: [
        new Option('--status-delay <ms>', 'time from a bad notification to its status (default: 0)').argParser(
          durationBetween(0, 600_000, 1),
        ),
        new Option('--split-status', 'send each status byte by byte'),
        new Option('--silent-status', 'close the connection after a bad notification without a status'),
        new Option('--zero-flush-identifier', 'the status about an empty token names identifier 0'),
        new Option('--close-after <n>', 'close each connection after so many notifications').argParser(
          wholeNumber(1, Number.MAX_SAFE_INTEGER),
        ),
        new Option('--shutdown-after <n>', 'end each connection with status 10 after so many notifications').argParser(
          wholeNumber(1, Number.MAX_SAFE_INTEGER),
        ),
        new Option(
          '--feedback-token <token[,time]>',
          'token in the list of the feedback service; may be repeated',
        ).argParser(repeated),
      ],
    },
  ];
}

/** Reads the files that the options name. Throws PealError ERR_PEAL_OPTION. */
export async function simulatorOptions(options: SimulateFlags): Promise<SimulatorOptions> {
  const { auth, clientCa, cert, certKey, topic, rejectReason, maxStreams, seed, ledger, host, port } = options;
  const values: { [Name in keyof SimulatorOptions]?: SimulatorOptions[Name] | undefined } = {
    host,
    port,
    controlPort: options.controlPort,
    cert: await pem('--cert', cert),
    key: await pem('--cert-key', certKey),
    auth,
    clientCa: await pem('--client-ca', clientCa),
    providerKeys: await providerKeys(options),
    topics: topic,
    broadcastTopics: options.broadcastTopic,
    environment: options.environment,
    roundTripMs: options.roundTrip,
    maxStreams,
    initialWindowBytes: options.streamWindow,
    connectionWindowBytes: options.connectionWindow,
    rejectFraction: options.rejectFraction,
    rejectReasons: rejectReason,
    binaryPort: options.binaryPort,
    feedbackPort: options.feedbackPort,
    channelsPort: options.channelsPort,
    fcm: await fcmOptions(options),
    statusDelayMs: options.statusDelay,
    splitStatus: options.splitStatus,
    silentStatus: options.silentStatus,
    zeroFlushIdentifier: options.zeroFlushIdentifier,
    closeAfter: options.closeAfter,
    shutdownAfter: options.shutdownAfter,
    feedback: options.feedbackToken?.map(feedbackEntry),
    scripted: options.scripted,
    scenario: options.scenario === undefined ? undefined : readScenario(options.scenario),
    channelsScenario: options.channelsScenario === undefined ? undefined : readScenario(options.channelsScenario),
    conduct: options.conduct === undefined ? undefined : conductOf(options.conduct),
    seed,
    ledger,
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** Undefined without an option of FCM. Reads the files that they name. */
async function fcmOptions(options: SimulateFlags): Promise<SimulatorOptions['fcm'] | undefined> {
  const isWanted = Object.entries(options).some(([name, value]) => name.startsWith('fcm') && value !== undefined);
  if (!isWanted) return undefined;
  const { fcmAccount, fcmScenario, fcmTokenLife } = options;
  const values: { [Name in keyof SimulatorFcmOptions]?: SimulatorFcmOptions[Name] | undefined } = {
    port: options.fcmPort,
    tokenPort: options.fcmTokenPort,
    project: options.fcmProject,
    auth: options.fcmAuth,
    serviceAccounts: fcmAccount && (await Promise.all(fcmAccount.map(readAccount))),
    tokenLifeS: fcmTokenLife === undefined ? undefined : Math.round(fcmTokenLife / 1000),
    messagesPerMinute: options.fcmQuota,
    deviceMessagesPerMinute: options.fcmDeviceQuota,
    topicMessagesPerMinute: options.fcmTopicQuota,
    retryAfterS: options.fcmRetryAfter,
    rejectFraction: options.fcmRejectFraction,
    rejectReasons: options.fcmRejectReason,
    maxStreams: options.fcmMaxStreams,
    scenario: fcmScenario === undefined ? undefined : readScenario(fcmScenario, 'fcm'),
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

async function readAccount(path: string): Promise<AcceptedServiceAccount> {
  const text = (await pem('--fcm-account', path)) ?? '';
  try {
    return JSON.parse(text) as AcceptedServiceAccount;
  } catch (cause) {
    throw usageError(`--fcm-account: the file ${path} is not the JSON of a service account.`, cause);
  }
}

/** `apns`, and differences from it (or from no conduct) as NAME=VALUE. The simulator checks names and values. */
function conductOf(texts: readonly string[]): SimulatorConduct {
  const values = texts
    .filter((text) => text !== 'apns')
    .map((text): [string, unknown] => {
      const at = text.indexOf('=');
      if (at < 1) throw usageError(`--conduct: "${text}" is neither apns nor NAME=VALUE.`);
      return [text.slice(0, at), conductValue(text.slice(at + 1))];
    });
  return { ...(texts.includes('apns') ? apnsConduct : {}), ...Object.fromEntries(values) };
}

function conductValue(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null' || text === 'off') return null;
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** `TOKEN` or `TOKEN,TIME`; the simulator checks the token. */
function feedbackEntry(text: string): ScriptedFeedback {
  const [token = '', time] = text.split(',', 2);
  const ms = time === undefined ? Date.now() : parseTime(time, Date.now());
  if (ms === null) throw usageError(`--feedback-token: the text after the comma must be ${timeForms}.`);
  return { token, when: new Date(ms) };
}

async function providerKeys({
  providerKey,
  keyId,
  teamId,
  keyTopic: topics,
  keyEnvironment: environment,
}: SimulateFlags): Promise<SimulatorOptions['providerKeys'] | undefined> {
  if ([providerKey, keyId, teamId, topics, environment].every((given) => given === undefined)) return undefined;
  if (providerKey === undefined || keyId === undefined || teamId === undefined) {
    throw usageError(
      '--provider-key, --key-id and --team-id belong together; --key-topic and --key-environment go with them.',
    );
  }
  const scope = { ...(topics !== undefined && { topics }), ...(environment !== undefined && { environment }) };
  return [{ keyId, teamId, publicKey: (await pem('--provider-key', providerKey))!, ...scope }];
}

async function pem(option: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw usageError(`${option}: the file ${path} ${readProblem(cause)}.`, cause);
  }
}
