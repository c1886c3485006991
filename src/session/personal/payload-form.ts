/**
 * What a template has to know of the push service for whom it writes: how a payload becomes JSON text, what checks it,
 * and which of its octets are sent. Each service has one form; the template cuts, fills and counts for all of them
 * alike. Pure; main thread.
 */
import { compileWhole, payloadText, type RawPayload } from '../../apns/payload.js';
import type { PayloadContent } from '../../apns/payload-content.js';
import { compileFcm } from '../../fcm/compile-fcm.js';
import { afterRecipient, bodyText } from '../../fcm/fcm-notification.js';
import { messageText } from '../../fcm/whole-message.js';
import type { TokenEncoding } from '../../push/token-block.js';

export interface PayloadForm {
  /** How the tokens of its service are written. */
  readonly encoding: TokenEncoding;
  /** Whether the service only checks what it gets. */
  readonly dryRun: boolean;
  /** The JSON text with its placeholders; throws PealError ERR_PEAL_PAYLOAD for what is no JSON. */
  textOf(payload: RawPayload): string;
  /** What JSON text without placeholders says; throws PealError ERR_PEAL_PAYLOAD where it could not be sent. */
  contentOf(json: string): PayloadContent | null;
  /** What is sent of the text up to the first placeholder. */
  sentStart(literal: string): string;
}

export const apnsForm: PayloadForm = {
  encoding: 'hex',
  dryRun: false,
  textOf: payloadText,
  contentOf: (json) => compileWhole(json).content,
  sentStart: (literal) => literal,
};

/** A payload is a whole message of the HTTP v1 API without its recipient. */
function fcmForm(dryRun: boolean): PayloadForm {
  const [before, behind] = bodyText('?', dryRun).split('?') as [string, string];
  return {
    encoding: 'text',
    dryRun,
    textOf: (payload) => bodyText(messageText(payload), dryRun),
    contentOf: (json) => {
      compileFcm({ message: json.slice(before.length, json.length - behind.length), dryRun });
      return null;
    },
    sentStart: afterRecipient,
  };
}

export const fcmForms = { send: fcmForm(false), dryRun: fcmForm(true) } as const;
