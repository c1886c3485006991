/**
 * The step about the credential of APNs: loads it as a push does, and says what it is. Main thread; reads the files,
 * once.
 */
import { loadCredential } from '../../apns/credentials/load-credential.js';
import { maxTopicsShown } from '../../base/limits.js';
import { type Logger, silentLogger } from '../../base/log.js';
import { counted } from '../../base/text.js';
import type { Environment } from '../../push/address.js';
import type { Credential } from '../../push/credentials/credential.js';
import { credentialOf, inCredentialWords, keyNameNote } from '../shared/command-credential.js';
import type { Terminal } from '../shared/terminal.js';
import type { DoctorFlags } from './doctor-options.js';
import { asSentence, failedBy, ok, type Step, type StepName, skipped, warning } from './step.js';

/** A credential as far as it could be loaded. */
interface Examined {
  readonly step: Step;
  /** Null where none is given, or it cannot be used. */
  readonly credential: Credential | null;
}

/** @param isAssumed whether no option says that it is about APNs */
export async function examineCredential(
  flags: DoctorFlags,
  env: Terminal['env'],
  nowMs: number,
  isAssumed: boolean,
): Promise<Examined> {
  const step = stepFor(flags);
  const notes: string[] = [];
  const read: CertificateFacts[] = [];
  const named = keyNameNote(flags);
  if (named !== null) notes.push(named);
  let credential: Credential;
  try {
    const wanted = credentialOf(flags, env);
    if (wanted === null) {
      const ofFcm = isAssumed ? ' for APNs, --service-account (or --provider fcm) for FCM' : '';
      const why = `no credential is given: --key, --cert or --pfx${ofFcm}`;
      return { step: skipped('key', why), credential: null };
    }
    credential = loadCredential(wanted, { log: notesOf(notes, (facts) => read.push(facts)) });
    await credential.tokenOrigin?.check?.();
  } catch (error) {
    const usual =
      step === 'provider-token'
        ? 'Check the file of --provider-token-file.'
        : 'Give the path of the file that Apple issued, and its passphrase if it was encrypted.';
    const failure = failedBy(step, inCredentialWords(error, flags), usual);
    return { step: read.length === 0 ? failure : withFacts(failure, read[0]!), credential: null };
  }
  if (step === 'certificate') return { step: certificateStep(credential, notes, nowMs), credential };
  if (step === 'key') return { step: keyStep(credential, notes), credential };
  return { step: ok('provider-token', `provider tokens come from ${flags.providerTokenFile}`), credential };
}

function stepFor({ key, cert, pfx, providerTokenFile }: DoctorFlags): StepName {
  if (cert !== undefined || pfx !== undefined) return 'certificate';
  return key === undefined && providerTokenFile !== undefined ? 'provider-token' : 'key';
}

/**
 * What the loaders warn of.
 *
 * @param onRead called with the certificate that they have read, before it is refused or taken
 */
function notesOf(notes: string[], onRead: (facts: CertificateFacts) => unknown): Logger {
  const warn = (fields: object, message: string): void => {
    notes.push('file' in fields ? `${String(fields.file)}: ${message}` : message);
  };
  const debug = (fields: object): void => {
    if ('expiresAt' in fields) onRead(fields as CertificateFacts);
  };
  return { ...silentLogger, warn, debug };
}

/**
 * A private key on P-256: the loader takes no other.
 *
 * @param notes what is worth a look: each a sentence without its end
 */
function keyStep({ keyId, teamId }: Credential, notes: readonly string[]): Step {
  const found = `key ${keyId} of team ${teamId}, EC P-256`;
  const details = { keyId, teamId, curve: 'P-256' };
  if (notes.length === 0) return ok('key', found, details);
  return warning('key', found, notes.map(asSentence).join(' '), details);
}

/** What a certificate says of itself. */
interface CertificateFacts {
  readonly subject: string;
  readonly topics: readonly string[] | null;
  readonly environments: readonly Environment[] | null;
  /** ISO 8601. */
  readonly expiresAt: string;
}

/** A certificate that is refused, such as one that has expired: a person has to know which one to renew. */
function withFacts(step: Step, { subject, topics, environments, expiresAt }: CertificateFacts): Step {
  const found = [step.found, ...purpose({ subject, topics, environments })].join('; ');
  return { ...step, found, details: { ...step.details, subject, topics, environments, expiresAt } };
}

/** Subject, topics and environments, as parts of one line. */
function purpose({ subject, topics, environments }: Omit<CertificateFacts, 'expiresAt'>): string[] {
  return [
    subject,
    ...(topics === null ? [] : [`for ${shown(topics)}`]),
    ...(environments === null ? [] : [environments.join(' and ')]),
  ];
}

const dayMs = 86_400_000;

/** A certificate that is valid now and has its key: the loader takes no other. */
function certificateStep(credential: Credential, notes: readonly string[], nowMs: number): Step {
  const { subject, topics, environments, expiresAt } = credential;
  const days = expiresAt === null ? null : Math.floor((expiresAt.getTime() - nowMs) / dayMs);
  const found = [
    ...purpose({ subject: subject ?? 'a client certificate', topics, environments }),
    ...(expiresAt === null ? [] : [`valid until ${expiresAt.toISOString().slice(0, 10)} (${counted(days!, 'day')})`]),
  ].join('; ');
  const details = { subject, topics, environments, expiresAt: expiresAt?.toISOString() ?? null };
  if (notes.length === 0) return ok('certificate', found, details);
  return warning('certificate', found, notes.map(asSentence).join(' '), details);
}

function shown(topics: readonly string[]): string {
  const more = topics.length - maxTopicsShown;
  return more > 0 ? `${topics.slice(0, maxTopicsShown).join(', ')} and ${more} more` : topics.join(', ');
}
