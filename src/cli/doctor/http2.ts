/** The step about HTTP/2: whether the gateway sends its SETTINGS and answers a PING. Main thread. */
import { doctorStepMs } from '../../base/limits.js';
import { counted } from '../../base/text.js';
import { exitCodes } from '../shared/exit-codes.js';
import type { Conversation } from './conversation.js';
import { failed, failedBy, ok, type Step, TimeIsUp, within } from './step.js';

const closedAdvice = 'Look for a proxy or firewall that changes HTTP/2, and try again later.';
const refusedAdvice =
  'Gateways close without a word where they do not know a client certificate: check that it is valid and meant for this ' +
  'gateway.';

/** @param hasCertificate whether a client certificate was shown; with TLS 1.3 it is refused only after the handshake */
export async function http2Step(
  conversation: Conversation,
  hasCertificate: boolean,
  signal: AbortSignal,
): Promise<Step> {
  const { where } = conversation;
  try {
    const announced = await within(doctorStepMs, signal, () => conversation.settings());
    const ms = await within(doctorStepMs, signal, () => conversation.roundTrip());
    const roundTripMs = Math.round(ms * 10) / 10;
    const { maxStreams } = announced;
    const streams = maxStreams === null ? 'no limit of requests' : `${counted(maxStreams, 'request')} at a time`;
    // APNs allows one until it has seen a provider token.
    const atFirst = maxStreams === 1 ? ' until the first push' : '';
    return ok('http2', `${streams}${atFirst}, round trip ${roundTripMs} ms`, { ...announced, roundTripMs });
  } catch (error) {
    if (!(error instanceof TimeIsUp)) {
      return failedBy('http2', error, hasCertificate ? refusedAdvice : closedAdvice);
    }
    const found = `${where} does not answer in HTTP/2 within ${doctorStepMs / 1000} seconds (SETTINGS, PING)`;
    const advice = 'Check that it is a gateway, and that nothing between holds HTTP/2 back.';
    return failed('http2', found, advice, exitCodes.stopped);
  }
}
