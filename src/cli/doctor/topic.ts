/**
 * The step about the topic, before anybody is asked: whether its form goes with the push type, and topic and
 * environment with the certificate. Pure; main thread.
 */
import { gatewayEnvironment } from '../../apns/address.js';
import { isTopicAmong, pushTypeOfTopic, ruleOf } from '../../apns/push-type.js';
import type { Address, Environment } from '../../push/address.js';
import type { Credential } from '../../push/credentials/credential.js';
import { Message } from '../../session/message/message.js';
import { exitCodes } from '../shared/exit-codes.js';
import type { DoctorFlags } from './doctor-options.js';
import { failed, failedBy, ok, type Step, skipped, warning } from './step.js';

/** @param credential null where none is given, or it cannot be used */
export function topicStep(flags: DoctorFlags, address: Address | null, credential: Credential | null): Step {
  const { topic, pushType } = flags;
  const environment = address === null ? null : gatewayEnvironment(address);
  const stranger = strangeEnvironment(credential, environment);
  if (stranger !== null) return stranger;
  if (topic === undefined) return withoutTopic(credential, environment);
  try {
    new Message([], { topic, payload: { aps: {} }, ...(pushType !== undefined && { pushType }) });
  } catch (error) {
    return failedBy('topic', error, 'Give the bundle id of the app, with the suffix of the push type.');
  }
  const type = pushType ?? pushTypeOfTopic(topic) ?? 'alert';
  const topics = credential?.topics ?? null;
  const details = { topic, pushType: type, topics };
  if (topics !== null && !isTopicAmong(topics, topic)) {
    const advice = `Give one of its topics (${topics.join(', ')}), or the certificate that was made for this app.`;
    return failed('topic', `the certificate is not for ${topic}`, advice, exitCodes.credentials, details);
  }
  if (ruleOf(type).needsProviderToken && credential?.kind === 'certificate') {
    const advice = 'Give a provider-token key with --key: APNs takes no certificate for such pushes.';
    return failed('topic', `a push of the type ${type} needs a provider token`, advice, exitCodes.credentials, details);
  }
  return ok('topic', `${topic}, for pushes of the type ${type}`, details);
}

/** Apple has written into the certificate what it is for. */
function strangeEnvironment(credential: Credential | null, environment: Environment | null): Step | null {
  const environments = credential?.environments ?? null;
  if (environments === null || environment === null || environments.includes(environment)) return null;
  const found = `the certificate is for ${environments.join(' and ')} only, and the gateway is that of ${environment}`;
  const advice = `Give --environment ${environments[0]}, or a certificate for ${environment}.`;
  return failed('topic', found, advice, exitCodes.credentials, { environments, environment });
}

function withoutTopic(credential: Credential | null, environment: Environment | null): Step {
  if (credential?.kind === 'token' && environment !== null) {
    return warning(
      'topic',
      'no topic is given',
      'Give --topic, the bundle id of the app: each push with a key needs it.',
    );
  }
  if ((credential?.topics?.length ?? 0) > 1) {
    const advice = 'Give --topic: a push with a certificate for several topics has to name one.';
    return warning('topic', 'no topic is given', advice, { topics: credential!.topics });
  }
  return skipped('topic', 'no topic is given');
}
