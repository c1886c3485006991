/**
 * Prepares `peal send` before anything is read or sent: gateway, credential, message, session, and the options of the
 * campaign. Finds everything that can be wrong with them. Main thread.
 */
import { parseAddress } from '../../apns/address.js';
import { parseTime } from '../../base/duration.js';
import { recipientsWorthKeeping } from '../../base/limits.js';
import { estimateAll } from '../../campaign/input/estimate.js';
import { findFiles } from '../../campaign/input/find-files.js';
import type { CampaignOptions, CanaryOptions } from '../../campaign/run/campaign-options.js';
import type { CampaignSender } from '../../campaign/senders/campaign-sender.js';
import type { PlatformOptions } from '../../campaign/senders/campaign-services.js';
import type { Gateway } from '../../session/gateway.js';
import type { GatewayOptions } from '../../session/options/gateway-options.js';
import { Session } from '../../session/session.js';
import { loadCommandCredential, printCertificate } from '../shared/command-credential.js';
import type { GivenOption } from '../shared/command-options.js';
import { gatewayOf, isAppleGateway } from '../shared/gateway-flags.js';
import { linkOf } from '../shared/link-flags.js';
import { retryOf } from '../shared/retry-flags.js';
import { printNote, type Terminal } from '../shared/terminal.js';
import { nameOfVariant } from './campaign-rules.js';
import { fcmCredentialOf, fcmMessageOf, fcmProjectOf, goesToFcm } from './fcm-flags.js';
import { messageOf, type PayloadFiles, type SaidMessage } from './send-message.js';
import type { SendFlags } from './send-options.js';

/** Up to this many recipients, `--threads auto` starts no thread, because starting one takes longer than it saves. */
const recipientsWorthThreads = 50_000;

/** The command line as it was written, which a campaign keeps so that it can be resumed. */
export interface KeptCommand {
  readonly args: readonly string[];
  /** The directory that relative paths start from. */
  readonly cwd: string;
  /** When it was given, in milliseconds since the epoch: its times from now count from then. Set when it is kept. */
  readonly givenMs?: number;
}

interface MessageFiles extends PayloadFiles {
  /** Of `--message-file`; null without it. */
  readonly message: Uint8Array | null;
}

interface SendPlan {
  readonly session: Session;
  readonly gateway: Gateway;
  readonly said: SaidMessage;
  /** Of a list for both services; else null. */
  readonly platforms: PlatformOptions | null;
  /** Estimated number of recipients, from the size of the lists; null if unknown. */
  readonly estimated: number | null;
}

/**
 * Loads and checks everything, and opens nothing yet.
 *
 * @param hasMachines whether others send: then the session of this process opens nothing, and has no credential
 * @throws PealError ERR_PEAL_ADDRESS, ERR_PEAL_CREDENTIAL, ERR_PEAL_PAYLOAD, ERR_PEAL_HEADER or ERR_PEAL_OPTION
 */
export async function planSend(flags: SendFlags, terminal: Terminal, hasMachines = false): Promise<SendPlan> {
  const { maxConnections } = flags;
  const isFcm = flags.provider === 'fcm';
  const address = isFcm ? (flags.gateway ?? 'fcm') : gatewayOf(flags);
  if (!isFcm) parseAddress(address);
  const credential = hasMachines || isFcm ? null : loadCommandCredential(flags, terminal);
  await credential?.tokenOrigin?.check?.();
  const files = await readPayloads(flags);
  const fcmSaid = goesToFcm(flags) ? fcmMessageOf(flags, files.message, isFcm ? files.variants : noVariants) : null;
  const said = isFcm ? fcmSaid! : messageOf(flags, files);
  const estimated = await findFiles(flags.tokens, flags.out).then(estimateAll, () => null);
  const session = new Session({
    threads: hasMachines ? 0 : threadsFor(flags, estimated),
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(terminal.log !== undefined && { logger: terminal.log.logger }),
    ...linkOf(flags, terminal.env),
  });
  const fcmGateway = goesToFcm(flags)
    ? session.getConnection(
        isFcm ? address : (flags.fcmGateway ?? 'fcm'),
        hasMachines ? fcmProjectOf(flags, terminal.env) : fcmCredentialOf(flags, terminal.env),
        quotaOf(flags),
      )
    : null;
  const gateway = isFcm ? fcmGateway! : session.getConnection(address, credential);
  if (flags.quiet !== true) {
    if (credential !== null) printCertificate(credential, terminal);
    const note = missingOutNote(flags, estimated);
    if (note !== null) printNote(terminal, note);
  }
  const { platformColumn } = flags;
  if (platformColumn === undefined || fcmGateway === null || fcmSaid === null) {
    return { session, gateway, said, estimated, platforms: null };
  }
  const { message, personal } = fcmSaid;
  const own = { column: platformColumn, gateway: fcmGateway, message };
  return { session, gateway, said, estimated, platforms: personal === null ? own : { ...own, personal } };
}

/**
 * The note that unsent recipients will not be recorded, printed before the campaign begins. Null for a few recipients
 * and for gateways that are not Apple's. `estimated`: number of recipients, null if it is not known.
 */
export function missingOutNote(
  flags: Pick<SendFlags, 'out' | 'gateway' | 'environment' | 'dryRun'>,
  estimated: number | null,
): string | null {
  if (flags.out !== undefined || flags.dryRun === true || !isAppleGateway(flags)) return null;
  if (estimated !== null && estimated <= recipientsWorthKeeping) return null;
  return 'without --out DIR unsent recipients are not recorded: a run that is interrupted cannot be continued';
}

function threadsFor({ threads }: SendFlags, estimated: number | null): number | 'auto' {
  const isShort = estimated !== null && estimated <= recipientsWorthThreads;
  return threads === 'auto' && isShort ? 0 : threads;
}

/** What the options of a campaign are made of, beside the flags. */
interface CampaignParts {
  readonly gateway: Gateway;
  readonly said: SaidMessage;
  readonly platforms?: PlatformOptions | null;
  /** For times from now. */
  readonly nowMs: number;
  readonly settings?: readonly GivenOption[];
  readonly kept?: KeptCommand;
  /** Who sends through each service, where it is not this process. */
  readonly senders?: readonly CampaignSender[];
  /** Asks whether to go on after the canary. */
  readonly confirm?: CanaryOptions['confirm'];
}

/** Options that were not given have the library's defaults. Pure. */
export function campaignOptionsOf(flags: SendFlags, parts: CampaignParts): CampaignOptions {
  const { gateway, said, platforms, settings, kept } = parts;
  const [sender, otherSender] = parts.senders ?? [];
  const { keepDuplicates, dedupeMemory, minTokenBytes, out, force, outputFormat, accepted } = flags;
  return {
    gateway,
    message: said.message,
    ...(sender !== undefined && { sender }),
    ...(said.personal !== null && { personal: said.personal }),
    ...(platforms != null && {
      platforms: otherSender === undefined ? platforms : { ...platforms, sender: otherSender },
    }),
    recipients: filesOf(flags),
    ...(keepDuplicates !== undefined && { keepDuplicates }),
    ...(dedupeMemory !== undefined && { dedupeMemoryBytes: dedupeMemory }),
    ...(minTokenBytes !== undefined && { minTokenBytes }),
    ...(out !== undefined && { folder: out }),
    ...(force !== undefined && { startAnew: force }),
    ...(outputFormat !== undefined && { outputFormat }),
    ...(accepted !== undefined && { accepted }),
    ...(settings !== undefined && { settings }),
    ...(kept !== undefined && { kept: { givenMs: parts.nowMs, ...kept } }),
    ...retryOptionsOf(flags),
    ...boundsOf(flags),
    ...canaryOf(flags, parts.confirm),
    ...hoursOf(flags, parts.nowMs),
  };
}

function filesOf({ tokens, format, tokenColumn, delimiter, header }: SendFlags): CampaignOptions['recipients'] {
  return {
    files: tokens,
    ...(format !== undefined && { format }),
    ...(tokenColumn !== undefined && { tokenColumn }),
    ...(delimiter !== undefined && { delimiter }),
    ...(header !== undefined && { header }),
  };
}

function retryOptionsOf(flags: SendFlags): Pick<CampaignOptions, 'retry' | 'onUnknown' | 'stopAtBadTokens'> {
  const { onUnknown, stopAtBadTokens } = flags;
  return {
    ...retryOf(flags),
    ...(onUnknown !== undefined && { onUnknown }),
    ...(stopAtBadTokens !== undefined && { stopAtBadTokens }),
  };
}

function boundsOf({ rate, maxFailures, maxErrorRate, maxDuration, stopOn }: SendFlags): Partial<CampaignOptions> {
  return {
    ...(rate !== undefined && { rate }),
    ...(maxFailures !== undefined && { maxFailures }),
    ...(maxErrorRate !== undefined && { maxErrorRate }),
    ...(maxDuration !== undefined && { maxDurationMs: Math.round(maxDuration) }),
    ...(stopOn !== undefined && { stopOn }),
  };
}

function canaryOf(
  { canary, canaryShare, yes }: SendFlags,
  confirm: CanaryOptions['confirm'],
): Pick<CampaignOptions, 'canary'> {
  if (canary === undefined) return {};
  return {
    canary: {
      recipients: canary,
      ...(canaryShare !== undefined && { minAccepted: canaryShare }),
      ...(yes !== true && confirm !== undefined && { confirm }),
    },
  };
}

function hoursOf(flags: SendFlags, nowMs: number): Pick<CampaignOptions, 'notBefore' | 'notAfter' | 'localWindow'> {
  const { notBefore, notAfter, localWindow, timezoneColumn, outsideWindow } = flags;
  return {
    ...(notBefore !== undefined && { notBefore: new Date(parseTime(notBefore, nowMs)!) }),
    ...(notAfter !== undefined && { notAfter: new Date(parseTime(notAfter, nowMs)!) }),
    ...(localWindow !== undefined && {
      localWindow: {
        hours: localWindow,
        timezoneColumn: timezoneColumn!,
        ...(outsideWindow !== undefined && { outside: outsideWindow }),
      },
    }),
  };
}

const noVariants: ReadonlyMap<string, Uint8Array> = new Map();

function quotaOf({ fcmQuota }: SendFlags): GatewayOptions | undefined {
  return fcmQuota === undefined ? undefined : { messagesPerMinute: fcmQuota };
}

async function readPayloads({ payload, messageFile, variant = [] }: SendFlags): Promise<MessageFiles> {
  const variants = new Map<string, Uint8Array>();
  if (payload === undefined && messageFile === undefined && variant.length === 0) {
    return { payload: null, message: null, variants };
  }
  const { readPayload } = await import('../shared/payload-file.js');
  for (const text of variant) {
    const name = nameOfVariant(text);
    variants.set(name, await readPayload(`--variant ${name}`, text.slice(name.length + 1)));
  }
  return {
    payload: payload === undefined ? null : await readPayload('--payload', payload),
    message: messageFile === undefined ? null : await readPayload('--message-file', messageFile),
    variants,
  };
}
