/**
 * Reads the feedback gateway that a session's gateway stands for. Loaded with the first reading; main thread.
 */
import { Buffer } from 'node:buffer';
import { readFeedback } from '../connection/binary/feedback-connection.js';
import type { Address } from '../push/address.js';
import type { Credential } from '../push/credentials/credential.js';
import { openBackend } from './options/backend-option.js';
import type { CheckedOptions } from './options/session-options.js';
import type { FeedbackEntry } from './send/gone-tokens.js';

/** The list of the gateway, as it comes. Throws PealError when the connection cannot be made. */
export async function* feedbackOf(
  address: Address,
  credential: Credential,
  options: CheckedOptions,
): AsyncGenerator<FeedbackEntry, void, undefined> {
  const { backend: choice, link, clock, logger: log } = options;
  const backend = await openBackend(choice ?? { backend: 'tls', options: null }, options);
  const certificate = credential.data.kind === 'certificate' ? credential.data : null;
  for await (const { token, seconds } of readFeedback({ address, certificate, link, backend, clock, log })) {
    yield { token: Buffer.from(token).toString('hex'), when: new Date(seconds * 1000) };
  }
}
