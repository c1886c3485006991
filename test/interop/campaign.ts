/**
 * One campaign against a server written by others: sends in this process over the public API, with the server disturbed
 * in the middle, and compares the sender's books with the server's own log. Called by the interop tests.
 */
import assert from 'node:assert/strict';
import { APNs, Message, type Notification, Session } from '../../src/index.js';
import { BookSink } from '../support/engine-fixtures.js';
import type { OtherServer } from './servers.js';

/** A line of the table that the tests print. */
export interface CampaignRow {
  readonly server: string;
  readonly what: string;
  readonly sends: number;
  readonly accepted: number;
  readonly unknown: number;
  readonly unsent: number;
  readonly rejected: number;
  /** Attempts to connect. */
  readonly connections: number;
  /** Tokens that the log has with 200 more than once. */
  readonly duplicates: number;
  /** Accepted tokens that the log lacks: a killed server takes its last lines with it. */
  readonly unlogged: number;
  readonly seconds: number;
}

/** The share that is handed over before the server is disturbed; the rest follows once a server listens again. */
const firstShare = 0.6;

/**
 * Sends to `tokens`. Once the first outcomes are there, with most of the first share still to be answered, `disturb` is
 * called; what it resolves after is a server that can be sent to again.
 */
export async function campaign(
  server: OtherServer,
  what: string,
  tokens: readonly string[],
  disturb: (() => Promise<void>) | null,
): Promise<CampaignRow> {
  const book = new DisturbedBook(disturb);
  await using session = new Session({ ca: server.place.caCertificate });
  const startedMs = performance.now();
  const apns = new APNs(session.getConnection(server.url, null));
  const Kind = server.kind.wantsLength === true ? MessageWithLength : Message;
  const message = new Kind([], { alert: 'Hello', topic: 'com.example.app' });
  const recipients = disturb === null ? tokens : inTwoParts(tokens, book.isBack);
  const result = await apns.send(message, { recipients, outcomes: book });
  const seconds = (performance.now() - startedMs) / 1000;
  const { connectionsOpened } = await session.stats();
  await session.shutdown();
  assert.equal(result.stopped, null);
  const { isWhole, duplicates, unlogged } = compare(book, tokens, await server.answers());
  assert.ok(isWhole, 'the books hold other tokens than were sent to');
  return {
    server: server.label,
    what,
    sends: tokens.length,
    accepted: book.count('accepted'),
    unknown: book.count('unknown'),
    unsent: book.count('unsent'),
    rejected: book.count('rejected'),
    connections: connectionsOpened,
    duplicates,
    unlogged,
    seconds,
  };
}

/** A message whose requests have a content-length, which peal leaves out as Apple's own examples do. */
class MessageWithLength extends Message {
  override notificationFor(...args: Parameters<Message['notificationFor']>): Notification {
    const notification = super.notificationFor(...args);
    const length = ['content-length', String(notification.payload.length)] as const;
    return { ...notification, headers: [...notification.headers, length] };
  }
}

/** The sender's book, which refuses a second outcome of a token. Starts the disturbance with the first outcomes. */
class DisturbedBook extends BookSink {
  readonly isBack: Promise<void>;
  #begin: (() => void) | null = null;

  constructor(disturb: (() => Promise<void>) | null) {
    super();
    const begun = new Promise<void>((resolve) => {
      this.#begin = resolve;
    });
    this.isBack = begun.then(() => disturb?.());
    // Whoever waits for it is told, too.
    this.isBack.catch(() => {});
  }

  override settled(batch: Parameters<BookSink['settled']>[0]): void | Promise<void> {
    const wait = super.settled(batch);
    this.#begin?.();
    this.#begin = null;
    return wait;
  }
}

async function* inTwoParts(tokens: readonly string[], isBack: Promise<void>): AsyncGenerator<string, void, void> {
  const first = Math.floor(tokens.length * firstShare);
  yield* tokens.slice(0, first);
  await isBack;
  yield* tokens.slice(first);
}

/** Throws where the log says that the server accepted what the sender holds for unsent or rejected. */
function compare(
  book: BookSink,
  tokens: readonly string[],
  answers: readonly { readonly token: string; readonly status: number }[],
): { readonly isWhole: boolean; readonly duplicates: number; readonly unlogged: number } {
  const logged = new Map<string, number>();
  for (const { token, status } of answers) {
    if (status === 200) logged.set(token, (logged.get(token) ?? 0) + 1);
  }
  for (const token of logged.keys()) {
    const outcome = book.outcomes.get(token);
    assert.ok(outcome === 'accepted' || outcome === 'unknown', `a token is in the log with 200 and ${outcome}`);
  }
  return {
    isWhole: book.outcomes.size === tokens.length && tokens.every((token) => book.outcomes.has(token)),
    duplicates: [...logged.values()].filter((times) => times > 1).length,
    unlogged: tokens.filter((token) => book.outcomes.get(token) === 'accepted' && !logged.has(token)).length,
  };
}

/** The rows as a table of fixed width, for a log. */
export function tableOf(rows: readonly CampaignRow[]): string {
  const head = ['server', 'what', 'sends', 'accepted', 'unknown', 'unsent', 'rejected', 'connections'];
  const lines = rows.map((row) => [
    ...[row.server, row.what, row.sends, row.accepted, row.unknown, row.unsent, row.rejected, row.connections],
    ...[row.duplicates, row.unlogged, row.seconds.toFixed(2)],
  ]);
  const cells = [[...head, 'duplicates', 'not in log', 'seconds'], ...lines].map((line) => line.map(String));
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  const pad = (text: string, column: number): string =>
    column < 2 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!);
  return cells.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}
