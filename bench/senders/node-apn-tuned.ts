/** Sender: @parse/node-apn with the best tuning that was found for many tokens: slices of 1,000, two at a time. */
import { openProvider } from './node-apn.js';
import type { OpenSender } from './sender.js';

const sliceTokens = 1_000;
const slicesAtATime = 2;

export const open: OpenSender = async (options) => {
  const { sender, send } = openProvider(options);
  const sendAll = async (tokens: readonly string[], alert: string): Promise<number> => {
    let next = 0;
    let accepted = 0;
    const work = async (): Promise<void> => {
      while (next < tokens.length) {
        const slice = tokens.slice(next, next + sliceTokens);
        next += slice.length;
        const sent = await send(slice, alert);
        // After the await: another slice may have counted meanwhile.
        accepted += sent;
      }
    };
    await Promise.all(Array.from({ length: slicesAtATime }, work));
    return accepted;
  };
  return { sendAll, close: sender.close };
};
