/**
 * The last step with a gateway of the binary protocol, which answers only what it refuses: a notification without a
 * device token, which every gateway refuses and nobody gets. Main thread.
 */

import { binaryReasons } from '../../apns/reason.js';
import { doctorStepMs } from '../../base/limits.js';
import { FrameOutput } from '../../codec/binary/frame-output.js';
import { StatusDecoder } from '../../codec/binary/status.js';
import { exitCodes } from '../shared/exit-codes.js';
import type { Conversation } from './conversation.js';
import { failed, failedBy, ok, type Step, TimeIsUp, warning, within } from './step.js';

/** Those that say that the gateway knows the app by its certificate, and minds the token alone. */
const aboutToken: ReadonlySet<number> = new Set([2, 5, 8]);
const shutdown = 10;

/** @param hasCertificate whether the gateway was shown one */
export async function binaryPushStep(
  conversation: Conversation,
  hasCertificate: boolean,
  signal: AbortSignal,
): Promise<Step> {
  const { stream, where } = conversation;
  const output = new FrameOutput(64);
  output.appendFlush(1);
  let status: number | null = null;
  const decoder = new StatusDecoder({
    onStatus: (given) => {
      status ??= given;
    },
  });
  const answered = new Promise<void>((resolve) => {
    stream.on('data', (bytes: Buffer) => {
      decoder.receive(bytes, bytes.length);
      if (status !== null || decoder.failure !== null) resolve();
    });
    stream.once('close', resolve);
  });
  stream.write(output.take());
  try {
    await within(doctorStepMs, signal, () => answered);
  } catch (error) {
    if (!(error instanceof TimeIsUp)) throw error;
    const found = `${where} does not answer a notification that it has to refuse within ${doctorStepMs / 1000} seconds`;
    return failed('push', found, 'Check that it is a gateway of the binary protocol.', exitCodes.stopped);
  }
  if (status !== null) return judged(status, where, hasCertificate);
  const why = decoder.failure ?? stream.endCause;
  if (why !== null) return failedBy('push', why, 'Check certificate, port and gateway.');
  const advice =
    'Check the certificate: gateways of the binary protocol close without a word where they do not know it.';
  return failed('push', `${where} closed the connection without an answer`, advice, exitCodes.stopped);
}

function judged(status: number, where: string, hasCertificate: boolean): Step {
  const details = { status };
  if (aboutToken.has(status)) {
    const what = hasCertificate
      ? 'the gateway accepts the certificate'
      : 'no certificate is given, and the gateway asked for none';
    return ok('push', `${what} (status ${status} to a notification without a token)`, details);
  }
  const found = `${where} answers with status ${status}`;
  if (status === shutdown) return warning('push', found, 'The gateway is being shut down: try again.', details);
  const row = binaryReasons.find((reason) => reason.status === status);
  const advice = row?.advice ?? 'The gateway does not say what was wrong: try again later.';
  return failed('push', found, advice, exitCodes.credentials, details);
}
