/**
 * What the options of `peal broadcast` say: the payload of a Live Activity and its delivery. Reads the files that they
 * name. Main thread.
 */
import { systemClock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import type { MessageOptions } from '../../session/message/message.js';
import { readPayload } from '../shared/payload-file.js';
import { inFlagWords } from '../shared/wording.js';
import type { BroadcastFlags } from './broadcast-options.js';

/** Throws PealError ERR_PEAL_PAYLOAD for a file that cannot be read, or is not a JSON object. */
export async function broadcastMessageOf(flags: BroadcastFlags): Promise<MessageOptions> {
  const { payload, priority, expiration } = flags;
  const delivery = { ...(priority !== undefined && { priority }), ...(expiration !== undefined && { expiration }) };
  if (payload !== undefined)
    return { ...delivery, pushType: 'liveactivity', payload: await readPayload('--payload', payload) };
  return { ...delivery, ...(await contentOf(flags)) };
}

/** The error in the words of these flags: what a message calls `contentState` has an option of its own here. */
export function inBroadcastWords(error: unknown): unknown {
  return error instanceof PealError ? inFlagWords(error, words) : error;
}

const words = {
  pushType: 'apns-push-type',
  event: '--event',
  contentState: '--content-state',
  timestamp: '--timestamp',
  staleDate: '--stale-date',
  dismissalDate: '--dismissal-date',
  relevanceScore: '--relevance-score',
};

async function contentOf(flags: BroadcastFlags): Promise<MessageOptions> {
  const { event = 'update', contentState, alert, title, sound, staleDate, dismissalDate, relevanceScore } = flags;
  const { timestamp = new Date(systemClock.wallMs()) } = flags;
  const text = title === undefined ? alert : { title, ...(alert !== undefined && { body: alert }) };
  return {
    event,
    timestamp,
    ...(contentState !== undefined && { contentState: await contentStateOf(contentState) }),
    ...(text !== undefined && { alert: text }),
    ...(sound !== undefined && { sound }),
    ...(staleDate !== undefined && { staleDate }),
    ...(dismissalDate !== undefined && { dismissalDate }),
    ...(relevanceScore !== undefined && { relevanceScore }),
  };
}

/** JSON begins with a brace; anything else is the name of a file. */
async function contentStateOf(value: string): Promise<Readonly<Record<string, unknown>>> {
  const isFile = !value.trimStart().startsWith('{');
  const text = isFile ? Buffer.from(await readPayload('--content-state', value)).toString('utf8') : value;
  const what = isFile ? `--content-state: the file ${value}` : '--content-state';
  let content: unknown;
  try {
    content = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw contentError(`${what} is not JSON.`, cause);
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) return { ...content };
  throw contentError(`${what} must hold a JSON object, such as {"score":"2:1"}.`);
}

function contentError(message: string, cause?: unknown): PealError {
  return new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage', cause });
}
