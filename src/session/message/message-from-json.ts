/** Messages of any push service out of plain JSON data. Called by workers of a cluster; main thread. */
import { FcmMessage, type FcmMessageData } from './fcm-message.js';
import { Message, type MessageData } from './message.js';
import type { PushMessage } from './push-message.js';

/** What `toJSON` of a message gives, whichever service it is for. */
export type AnyMessageData = MessageData | FcmMessageData;

/** @throws PealError for data that are not those of a message */
export function messageFromJSON(data: AnyMessageData): PushMessage {
  return 'service' in data ? FcmMessage.fromJSON(data) : Message.fromJSON(data);
}
