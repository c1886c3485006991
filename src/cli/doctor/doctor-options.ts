/**
 * The options of `peal doctor`: the table that commander reads, and the rules between options. They are those of
 * `peal send`, as far as they are about gateway and credential. The contract is docs/cli.md. Main thread.
 */
import { InvalidArgumentError, Option } from 'commander';
import { parseAddress } from '../../apns/address.js';
import { type PushType, pushTypes } from '../../apns/push-type.js';
import { isFcmAddress, parseFcmAddress } from '../../fcm/address.js';
import type { Address } from '../../push/address.js';
import {
  type CredentialFlags,
  certificateOptions,
  checkCertificateFlags,
  checkKeyFlags,
  providerKeyOptions,
} from '../shared/credential-options.js';
import { type GatewayFlags, gatewayOf, gatewayOptions } from '../shared/gateway-flags.js';
import { type LinkFlags, linkOptions } from '../shared/link-flags.js';
import type { OptionGroup } from '../shared/option-values.js';
import { type Terminal, usageError } from '../shared/terminal.js';
import type { PushService } from './step.js';

/** Host and port of a time server. */
export interface TimeServer {
  readonly host: string;
  readonly port: number;
}

/** The parsed command line. */
export interface DoctorFlags extends CredentialFlags, GatewayFlags, LinkFlags {
  readonly topic?: string;
  readonly pushType?: PushType;
  /** Default: those whose credential or gateway is given. */
  readonly provider?: PushService | 'both';
  readonly serviceAccount?: string;
  readonly project?: string;
  /** Where `gateway` is one of APNs. */
  readonly fcmGateway?: string;
  readonly offline?: boolean;
  readonly timeServer?: TimeServer;
  readonly json?: boolean;
}

export function doctorOptionGroups(): readonly OptionGroup[] {
  return [
    {
      heading: 'Gateway:',
      options: [
        ...gatewayOptions('another gateway: https://HOST:PORT, binary://HOST:PORT, fcm://HOST:PORT, or a name'),
        ...linkOptions(),
      ],
    },
    { heading: 'Credential (one of key, cert and pfx):', options: [...providerKeyOptions(), ...certificateOptions()] },
    {
      heading: 'What is to be sent:',
      options: [
        new Option('--topic <topic>', 'bundle id of the app, with the suffix of the push type'),
        new Option('--push-type <type>', 'apns-push-type (default: follows from the topic)').choices(pushTypes),
      ],
    },
    {
      heading: 'FCM, and both services:',
      options: [
        new Option(
          '--provider <name>',
          'the push service: apns, fcm or both (default: each whose credential is given)',
        ).choices(['apns', 'fcm', 'both']),
        new Option('--service-account <file>', 'JSON file of a service account; env:NAME; or set PEAL_SERVICE_ACCOUNT'),
        new Option('--project <id>', 'project of Firebase (default: the one of the service account)'),
        new Option('--fcm-gateway <address>', "with both services: fcm://HOST:PORT (default: Google's)"),
      ],
    },
    {
      heading: 'What is looked at:',
      options: [
        new Option('--offline', 'look at this machine and its files only, and open no connection'),
        new Option(
          '--time-server <host[:port]>',
          "time server to compare the clock with (default: time.apple.com with Apple's gateways, else none)",
        ).argParser(timeServerOf),
      ],
    },
    { heading: 'Output:', options: [new Option('--json', 'print a JSON line for each step, and one at the end')] },
  ];
}

const usualTimePort = 123;

function timeServerOf(text: string): TimeServer {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-f:.]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? usualTimePort : Number(digits);
  if (host !== undefined && host.length <= 253 && port >= 1 && port <= 65_535) return { host, port };
  throw new InvalidArgumentError('It has to be HOST or HOST:PORT, such as time.apple.com.');
}

/** A service that is looked at, and the gateway of it. */
export interface ExaminedService {
  readonly service: PushService;
  /** Null where none is given. That of FCM gets its project from the service account. */
  readonly address: Address | null;
  /** Whether no option names a service: it may be that the other one is meant. */
  readonly isAssumed: boolean;
}

/**
 * Returns the services that the options are about, at least one, in the order in which they are looked at.
 *
 * @throws PealError ERR_PEAL_OPTION for options that do not go together, ERR_PEAL_ADDRESS for an address that cannot be
 *   read
 */
export function checkDoctorFlags(flags: DoctorFlags, env: Terminal['env']): readonly ExaminedService[] {
  checkKeyFlags(flags);
  checkCertificateFlags(flags);
  const { provider, fcmGateway } = flags;
  if (fcmGateway !== undefined && provider === 'fcm') {
    throw usageError('--fcm-gateway does not go with --provider fcm: write --gateway.');
  }
  if (fcmGateway !== undefined && provider === 'apns') {
    throw usageError('--fcm-gateway is for FCM: give --provider fcm or both, or leave it out.');
  }
  const isAbout = {
    apns: provider === undefined ? namesApns(flags) || !namesFcm(flags, env) : provider !== 'fcm',
    fcm: provider === undefined ? namesFcm(flags, env) : provider !== 'apns',
  };
  const isAssumed = provider === undefined && !namesApns(flags) && !namesFcm(flags, env);
  return [
    ...(isAbout.apns ? [{ service: 'apns', address: apnsAddress(flags, isAbout.fcm), isAssumed } as const] : []),
    ...(isAbout.fcm ? [{ service: 'fcm', address: fcmAddress(flags, isAbout.apns), isAssumed } as const] : []),
  ];
}

function namesApns({ key, cert, pfx, providerTokenFile, environment, gateway }: DoctorFlags): boolean {
  const isGateway = gateway !== undefined && !isFcmAddress(gateway);
  return isGateway || [key, cert, pfx, providerTokenFile, environment].some((given) => given !== undefined);
}

function namesFcm({ serviceAccount, gateway }: DoctorFlags, env: Terminal['env']): boolean {
  return serviceAccount !== undefined || env.PEAL_SERVICE_ACCOUNT !== undefined || isFcmAddress(gateway);
}

/** @param isForBoth whether `--gateway` may be the one of FCM */
function apnsAddress(flags: DoctorFlags, isForBoth: boolean): Address | null {
  const { gateway, environment } = flags;
  if ((gateway === undefined && environment === undefined) || (isForBoth && isFcmAddress(gateway))) return null;
  const address = parseAddress(gatewayOf(flags));
  if (address.protocol === 'feedback') {
    throw usageError('--gateway: this is a feedback gateway, which takes no notifications: give that of the pushes.');
  }
  if (address.protocol !== 'binary') return address;
  const given = (['key', 'providerTokenFile', 'topic', 'pushType'] as const).find((name) => flags[name] !== undefined);
  if (given === undefined) return address;
  throw usageError(
    given === 'topic' || given === 'pushType'
      ? `--${given === 'topic' ? given : 'push-type'} does not go with a binary gateway: the client certificate says ` +
          'which app it is for.'
      : '--key: a binary gateway does not accept provider tokens. Give a client certificate with --cert or --pfx.',
  );
}

/** @param isForBoth whether `--gateway` may be the one of APNs */
function fcmAddress({ gateway, fcmGateway, project }: DoctorFlags, isForBoth: boolean): Address {
  const own = isForBoth && !isFcmAddress(gateway) ? undefined : gateway;
  return parseFcmAddress(fcmGateway ?? own ?? 'fcm', project ?? 'unknown');
}
