/**
 * The last step: what the gateway says to the credential. It is asked by a push that can reach nobody: to a device
 * token that cannot exist, or a message that FCM only checks. Main thread.
 */
import { pushTypeOfTopic, ruleOf } from '../../apns/push-type.js';
import { doctorStepMs } from '../../base/limits.js';
import type { Address } from '../../push/address.js';
import { http2PushProtocolOf } from '../../push-services/push-protocols.js';
import { adviceOf, classOf } from '../../push-services/reasons.js';
import { exitCodes } from '../shared/exit-codes.js';
import type { Conversation, TimedAnswer } from './conversation.js';
import type { DoctorFlags } from './doctor-options.js';
import { failed, failedBy, ok, type Step, TimeIsUp, warning, within } from './step.js';

interface AnsweredStep {
  readonly step: Step;
  /** The time of the answer, as it came; null without one. */
  readonly date: string | null;
}

/** What is known before the gateway is asked. */
interface Known {
  /** Whether the gateway is shown a credential. */
  readonly hasCredential: boolean;
  /** Whether that was found already. */
  readonly isClockWrong: boolean;
}

/** @param token the provider token or access token; null without one */
export async function pushStep(
  conversation: Conversation,
  address: Address,
  flags: DoctorFlags,
  token: string | null,
  known: Known,
  signal: AbortSignal,
): Promise<AnsweredStep> {
  const { path, fields, body } = address.protocol === 'fcm' ? checkedMessage(address) : harmlessPush(address, flags);
  try {
    const answer = await within(doctorStepMs, signal, () => conversation.post(path, fields, token, body));
    return { step: judged(answer, address, known), date: answer.date };
  } catch (error) {
    if (!(error instanceof TimeIsUp)) {
      return { step: failedBy('push', error, 'Try again later.'), date: null };
    }
    const found = `${conversation.where} answers no request within ${doctorStepMs / 1000} seconds`;
    return {
      step: failed('push', found, 'Try again later; if it stays, look at its status page.', exitCodes.stopped),
      date: null,
    };
  }
}

interface Probe {
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An odd number of digits: no device has ever had such a token. */
const impossibleToken = '0'.repeat(63);

function harmlessPush(address: Address, { topic, pushType }: DoctorFlags): Probe {
  const type = pushType ?? (topic === undefined ? null : pushTypeOfTopic(topic)) ?? 'alert';
  const fields = {
    ...(topic !== undefined && { 'apns-topic': topic }),
    'apns-push-type': type,
    'apns-priority': String(ruleOf(type).onlyPriority ?? 10),
    // One attempt: it is never kept.
    'apns-expiration': '0',
  };
  // Even a device that got it would show nothing.
  const path = http2PushProtocolOf(address.protocol).pathOf(address) + impossibleToken;
  return { path, fields, body: JSON.stringify({ aps: type === 'background' ? { 'content-available': 1 } : {} }) };
}

/** To a topic that nobody subscribes to, and to be checked only. */
function checkedMessage(address: Address): Probe {
  const message = { topic: 'peal-doctor', notification: { title: 'peal doctor' } };
  return {
    path: http2PushProtocolOf(address.protocol).pathOf(address),
    fields: { 'content-type': 'application/json' },
    body: JSON.stringify({ validate_only: true, message }),
  };
}

const unasked = 'no credential is given, and the gateway asked for none';

function judged({ status, reason }: TimedAnswer, { protocol, project }: Address, known: Known): Step {
  const said = reason === '' ? `HTTP ${status}` : `${status} ${reason}`;
  const details = { status, reason };
  if (status === 200) {
    const what = protocol === 'fcm' ? `a message for the project ${project}, which it only checked` : 'the push';
    return ok('push', `the gateway accepts ${what}${known.hasCredential ? '' : `, and ${unasked}`}`, details);
  }
  const advice = adviceOf(status, reason, protocol);
  switch (classOf(status, reason, protocol)) {
    case 'token':
    case 'gone':
      return ok(
        'push',
        `${known.hasCredential ? 'the gateway accepts the credential' : unasked} (${said} to a token that cannot exist)`,
        details,
      );
    case 'credential': {
      const clock = known.isClockWrong ? ' The clock of this machine is wrong, as said above: set it first.' : '';
      return failed('push', `the gateway refuses: ${said}`, `${advice}${clock}`, exitCodes.credentials, details);
    }
    case 'request': {
      const isOwner = reason === 'TopicDisallowed';
      const code = isOwner ? exitCodes.credentials : exitCodes.usage;
      return failed('push', `the gateway refuses: ${said}`, advice, code, details);
    }
    default:
      return warning('push', `the gateway does not decide now: ${said}`, advice, details);
  }
}
