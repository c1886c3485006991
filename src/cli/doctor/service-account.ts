/**
 * The steps about the credential of FCM: the service account as a push loads it, and the access token that Google gives
 * for it. Main thread; reads the file, once.
 */

import { providerTokens } from '../../apns/credentials/provider-token.js';
import { accessTokenTimeoutMs } from '../../base/limits.js';
import { silentLogger } from '../../base/log.js';
import type { FcmCredential } from '../../fcm/service-account.js';
import { loadServiceAccount } from '../../fcm/service-account.js';
import type { Credential } from '../../push/credentials/credential.js';
import { fcmCredentialOf } from '../send/fcm-flags.js';
import { exitCodes } from '../shared/exit-codes.js';
import type { Terminal } from '../shared/terminal.js';
import type { DoctorFlags } from './doctor-options.js';
import { asSentence, failed, failedBy, ok, type Step, TimeIsUp, warning, within } from './step.js';

interface ExaminedAccount {
  readonly step: Step;
  /** Null where it cannot be used. */
  readonly account: FcmCredential | null;
}

export function examineAccount(flags: DoctorFlags, env: Terminal['env']): ExaminedAccount {
  const notes: string[] = [];
  const warn = (fields: object, message: string): void => {
    notes.push('file' in fields ? `${String(fields.file)}: ${message}` : message);
  };
  try {
    const account = loadServiceAccount(fcmCredentialOf(flags, env), {
      log: { ...silentLogger, warn },
      environment: env,
    });
    return { step: accountStep(account, notes), account };
  } catch (error) {
    const usual = 'Give the JSON file of a service account with --service-account.';
    return { step: failedBy('service-account', error, usual), account: null };
  }
}

function accountStep({ credential, project }: FcmCredential, notes: readonly string[]): Step {
  const { keyId } = credential;
  const found = `service account for the project ${project}${keyId === null ? '' : `, key ${keyId.slice(0, 8)}…`}`;
  const details = { project, keyId };
  if (notes.length === 0) return ok('service-account', found, details);
  return warning('service-account', found, notes.map(asSentence).join(' '), details);
}

/** @returns token is null where there is none */
export async function examineAccessToken(
  { fingerprint, tokenOrigin }: Credential,
  signal: AbortSignal,
): Promise<{ readonly step: Step; readonly token: string | null }> {
  try {
    // A request for it has a limit of its own, which its sentence names.
    const token = await within(accessTokenTimeoutMs + 1_000, signal, async () =>
      providerTokens.keeperFor(fingerprint, tokenOrigin!).current(),
    );
    return { step: ok('access-token', 'Google gives an access token for it'), token };
  } catch (error) {
    const usual = 'Check the service account in the Google Cloud console.';
    if (!(error instanceof TimeIsUp)) return { step: failedBy('access-token', error, usual), token: null };
    const advice = `${asSentence(tokenOrigin!.waitsFor ?? 'check the network')}`;
    return { step: failed('access-token', 'no access token came in time', advice, exitCodes.stopped), token: null };
  }
}
