/** What `peal broadcast --dry-run` prints: how many channels, and the request to each. Pure; main thread. */
import { maxBroadcastPayloadBytes } from '../../base/limits.js';
import { integer } from '../../base/text.js';
import type { CheckedBroadcast } from '../../session/channels/broadcast-options.js';
import { printable, widestText, wrapped } from '../shared/terminal.js';
import type { ChannelList } from './channel-list.js';

interface BroadcastDryRun {
  readonly list: ChannelList;
  readonly checked: CheckedBroadcast;
  /** Where the requests would go. */
  readonly url: string;
}

/** Where the text of a line with a name begins. */
const indent = 15;
/** Characters of a payload that are shown. */
const shownPayload = 1000;

export function broadcastDryRunMessage({ list, checked, url }: BroadcastDryRun): object {
  const { ids, invalid, duplicate } = list;
  return {
    messageType: 'dry-run',
    channels: ids.length + invalid.length,
    toSend: ids.length,
    invalid: invalid.length,
    duplicate,
    invalidLines: invalid,
    payload: { bytes: checked.payload.length, limit: maxBroadcastPayloadBytes },
    example: Buffer.from(checked.payload).toString('utf8'),
    headers: checked.headers,
    url,
  };
}

export function broadcastDryRunLines({ list, checked, url }: BroadcastDryRun, columns: number): string {
  const { ids, invalid, duplicate } = list;
  const width = Math.max(30, Math.min(columns, widestText) - 1 - indent);
  const row = (name: string, count: number): string => `  ${name.padEnd(indent - 2)}${integer(count)}`;
  const named = (name: string, text: string): string[] =>
    wrapped(printable(text), width).map((line, at) => `  ${(at === 0 ? name : '').padEnd(indent - 2)}${line}`);
  const text = Buffer.from(checked.payload).toString('utf8');
  const shown = text.length > shownPayload ? `${text.slice(0, shownPayload)}…` : text;
  const [first] = invalid;
  const lines = [
    row('channels', ids.length + invalid.length),
    row('to send', ids.length),
    row('invalid', invalid.length),
    ...(first === undefined ? [] : named('', `line ${integer(first.line)} of ${first.list}`)),
    ...(duplicate === 0 ? [] : [row('duplicates', duplicate)]),
    '',
    ...named('to', url),
    ...Object.entries(checked.headers).flatMap(([name, value], at) =>
      named(at === 0 ? 'headers' : '', `${name}: ${value}`),
    ),
    ...named('payload', `${integer(checked.payload.length)} of ${integer(maxBroadcastPayloadBytes)} bytes`),
    ...named('', shown),
    '',
    '  Nothing was sent.',
  ];
  return lines.map((line) => `${line}\n`).join('');
}
