/**
 * Asks a time server by how much this machine's clock is off: one datagram there and one back (SNTP, RFC 4330; RFC 5905
 * §7.3). Main thread.
 *
 *   us    T1 ──────────────▶ T2      offset = ((T2 - T1) + (T3 - T4)) / 2
 *   us    T4 ◀────────────── T3
 *
 * What is sent as its own time is random, so that nobody who has not seen it can answer. Nothing else is told of this
 * machine.
 */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { timeServerMs, timeServerQueries } from '../../base/limits.js';
import { TimeIsUp, within } from './step.js';

const packetBytes = 48;
/** No leap second, version 4, client. */
const clientHead = 0b00_100_011;
const serverMode = 4;
/** Seconds from 1900 to 1970. */
const ntpEpochSeconds = 2_208_988_800;
/** One era; the era of a time is that in which it lies nearest to our own. */
const eraSeconds = 2 ** 32;

/** What a time server answered. */
interface TimeAnswer {
  /** How far our clock is behind the server's; negative where it is ahead. */
  readonly offsetMs: number;
  readonly roundTripMs: number;
}

/** A time server that gives no time, with the rest of the sentence that begins with its name. */
export class NoTime extends Error {}

/**
 * @throws NoTime
 */
export async function askTimeServer(
  { host, port }: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<TimeAnswer> {
  const address = await addressOf(host, signal);
  for (let query = 1; ; query += 1) {
    try {
      return await within(timeServerMs, signal, (stop) => exchange(address, port, stop));
    } catch (error) {
      if (error instanceof NoTime) throw error;
      if (!(error instanceof TimeIsUp)) throw new NoTime(`cannot be asked (${codeOf(error)})`);
      if (query >= timeServerQueries) {
        throw new NoTime(`gave no answer within ${(timeServerMs * timeServerQueries) / 1000} seconds (UDP ${port})`);
      }
    }
  }
}

async function addressOf(host: string, signal: AbortSignal): Promise<{ address: string; family: number }> {
  try {
    return await within(timeServerMs, signal, () => lookup(host));
  } catch (error) {
    throw new NoTime(error instanceof TimeIsUp ? 'was not resolved in time' : `does not resolve (${codeOf(error)})`);
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? 'no reason given';
}

function exchange(
  { address, family }: { readonly address: string; readonly family: number },
  port: number,
  signal: AbortSignal,
): Promise<TimeAnswer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', signal });
    const done = (end: () => void): void => {
      socket
        .removeAllListeners('message')
        .removeAllListeners('error')
        .on('error', () => {});
      socket.close();
      end();
    };
    const question = Buffer.alloc(packetBytes);
    question[0] = clientHead;
    randomBytes(8).copy(question, 40);
    let [wallMs, sentMs] = [0, 0];
    socket.on('error', (error) => done(() => reject(error)));
    socket.on('message', (answer) => {
      const roundTripMs = performance.now() - sentMs;
      const read = readAnswer(answer, question);
      // What is no answer to this question is not from whom we have asked.
      if (read === null) return;
      done(() => {
        if (read instanceof NoTime) reject(read);
        else resolve({ offsetMs: offsetOf(read, wallMs, roundTripMs), roundTripMs });
      });
    });
    // Connected, so that an answer from elsewhere is dropped, and a closed port is told.
    socket.connect(port, address, () => {
      [wallMs, sentMs] = [Date.now(), performance.now()];
      socket.send(question);
    });
  });
}

interface ServerTimes {
  readonly receivedSeconds: number;
  readonly sentSeconds: number;
}

/** Returns null for what is no answer to `question`, and why there is no time in one that refuses. */
function readAnswer(answer: Buffer, question: Buffer): ServerTimes | NoTime | null {
  if (answer.length < packetBytes || !answer.subarray(24, 32).equals(question.subarray(40, 48))) return null;
  if ((answer[0]! & 0b111) !== serverMode) return null;
  const stratum = answer[1]!;
  const hasNoTime = answer[0]! >> 6 === 3 || stratum > 15 || answer.readUInt32BE(40) === 0;
  if (stratum === 0) return new NoTime('refuses to be asked (kiss of death)');
  if (hasNoTime) return new NoTime('does not know the time itself');
  return { receivedSeconds: secondsAt(answer, 32), sentSeconds: secondsAt(answer, 40) };
}

function secondsAt(answer: Buffer, at: number): number {
  return answer.readUInt32BE(at) + answer.readUInt32BE(at + 4) / eraSeconds;
}

function offsetOf({ receivedSeconds, sentSeconds }: ServerTimes, wallMs: number, roundTripMs: number): number {
  const ours = wallMs / 1000 + ntpEpochSeconds;
  const there = sinceOurs(receivedSeconds, ours);
  const back = sinceOurs(sentSeconds, ours + roundTripMs / 1000);
  return ((there + back) / 2) * 1000;
}

function sinceOurs(seconds: number, ours: number): number {
  const difference = (seconds - ours) % eraSeconds;
  if (difference > eraSeconds / 2) return difference - eraSeconds;
  return difference < -eraSeconds / 2 ? difference + eraSeconds : difference;
}
