/**
 * Registration tokens and messages of the benchmark of FCM. Made before they are needed, because all contenders need
 * them.
 */
import { randomBytes } from 'node:crypto';

/** As FCM gives them out: 22 characters, a colon, and 140 characters. */
export const tokenCharacters = 163;
const randomCharacters = 134;

export interface RegistrationTokens {
  readonly texts: readonly string[];
  /** The same end to end, as readers of files yield them. */
  readonly packed: Buffer;
}

/** Each another, with random characters that many of them share: making them must not take longer than sending. */
export function registrationTokens(count: number): RegistrationTokens {
  const random = randomBytes(30_000).toString('base64url');
  const places = random.length - randomCharacters;
  const texts = Array.from({ length: count }, (_, index) => {
    const first = (index * 7919) % places;
    const rest = random.slice(first, first + randomCharacters);
    return `${String(index).padStart(22, 'cdefGHIJ')}:APA91b${rest}`;
  });
  return { texts, packed: Buffer.from(texts.join(''), 'latin1') };
}

export const title = 'Your order has left our house';

/** Of equal length for all. */
export const orderAt = (index: number): string => String(index).padStart(10, '0');

export const bodyOf = (order: string): string => `Order ${order} will be with you tomorrow, before noon. Thank you!`;

/** A message without its recipient, in the form of the HTTP v1 API and in that of firebase-admin. */
export const messageOf = (
  order: string,
): { notification: { title: string; body: string }; data: { order: string }; android: { priority: 'high' } } => ({
  notification: { title, body: bodyOf(order) },
  data: { order },
  android: { priority: 'high' },
});
