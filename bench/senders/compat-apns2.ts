/** Sender: peal's module that stands in for apns2, with its defaults. */
import * as apns2 from '../../src/compat/apns2/index.js';
import { type Apns2, openClient, senderOf } from './apns2.js';
import type { OpenSender } from './sender.js';

const library = apns2 as unknown as Apns2;

export const open: OpenSender = async (options) => {
  const { url, ca } = options.target;
  return senderOf(openClient(options, library, { ca, port: Number(new URL(url).port) }), library);
};
