/**
 * Troubleshooting by reason and by code: a heading for each, so that the search finds it, with what the tables of the
 * source and of the troubleshooting page say. Called by the staging of the site.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { binaryReasons, channelReasons, reasons } from '../../../src/apns/reason.js';
import { PealError, type PealErrorCode } from '../../../src/base/errors.js';
import { exitCodeOf } from '../../../src/cli/shared/exit-codes.js';
import { fcmReasons } from '../../../src/fcm/reason.js';
import type { Reason, ReasonClass } from '../../../src/push/reason.js';
import { page, plain } from '../markdown.js';
import { asSentence, commentsIn, type MadeText } from './made-text.js';

/** What each class of reasons is about, and what a send does then. */
const classes: Readonly<Record<ReasonClass, string>> = {
  token: 'It is about this token or channel alone. peal does not send to it again, and the others are not affected.',
  gone: 'The token is no longer valid. peal does not send to it again: delete it from your database.',
  request: 'It is about the request, and so about every recipient. After ten such answers in a row the send stops.',
  credential:
    'It is about the credential: nothing else will succeed with it. After ten such answers in a row the send stops.',
  connection: 'It is about this connection only. peal sends the request again over another one.',
  transient: 'It is a temporary fault. peal sends the request again after a wait.',
};

export function reasonPage(root: string): MadeText {
  const advice = adviceOfDocs(root);
  const headings = new Set<string>();
  const entry = (reason: Reason, of: string): string => {
    // Both protocols and both services may have a reason of the same name.
    const heading = headings.has(reason.reason) ? `${reason.reason} (${of})` : reason.reason;
    headings.add(heading);
    const said = of.startsWith('FCM') ? undefined : advice.get(reason.reason);
    const body = said === undefined ? plain(reason.advice) : `${said.means}\n\n**What to do:** ${said.remedy}`;
    const facts = `Status ${reason.status}. ${classes[reason.class]}`;
    return `### ${plain(heading)}\n\n${body}\n\n${facts}`;
  };
  const part = (title: string, about: string, rows: readonly Reason[], of: string): string =>
    [`## ${title}`, about, ...rows.map((reason) => entry(reason, of))].join('\n\n');
  const text = page(
    'By reason',
    'Why a recipient was *rejected*, in the words of the push service. The reason stands in `rejected.csv`, in the summary ' +
      'of `peal send` and in `result.failed`.',
    part('Of APNs', 'Answers to notifications over HTTP/2.', reasons, 'APNs'),
    part(
      'Of broadcasts and channels',
      'Answers to broadcasts and to channel management only.',
      channelReasons,
      'channels',
    ),
    part('Of FCM', '[Firebase Cloud Messaging](./fcm.md#reasons) says more about these.', fcmReasons, 'FCM'),
    part('Of the binary protocol', 'The error responses of [binary gateways](./binary.md).', binaryReasons, 'binary'),
  );
  return { address: 'reasons', title: 'By reason', text };
}

/** The comment of each code of an error, by code. */
export function errorCodes(root: string): ReadonlyMap<string, string> {
  return commentsIn(root, 'src/base/errors.ts', /\| '(?<name>ERR_PEAL_\w+)';? \/\/ (?<comment>.+)/g);
}

export function codePage(root: string): MadeText {
  const advice = adviceOfDocs(root);
  const entries = [...errorCodes(root)].map(([name, comment]) => {
    const said = advice.get(name);
    const ends = exitCodeOf(new PealError(name as PealErrorCode, '', { origin: 'usage' }));
    return [
      `## ${name}`,
      said?.means ?? plain(asSentence(comment)),
      ...(said === undefined ? [] : [`**What to do:** ${said.remedy}`]),
      `A command that ends because of it has the [exit code](./reference/exit-codes.md) ${ends}.`,
    ].join('\n\n');
  });
  const text = page(
    'By code',
    'What went wrong, in the words of peal: the `code` of an error, the `cause` of recipients that are *unsent* or *unknown*, ' +
      '`stopped` of a result, and the `code` of JSON lines.',
    ...entries,
  );
  return { address: 'codes', title: 'By code', text };
}

interface Said {
  readonly means: string;
  readonly remedy: string;
}

/** The rows of the troubleshooting page: its last two cells, by the name in the first. */
function adviceOfDocs(root: string): ReadonlyMap<string, Said> {
  const text = readFileSync(path.join(root, 'docs/troubleshooting.md'), 'utf8');
  const said = text.split('\n').flatMap((line) => {
    const cells = line.split(/(?<!\\)\|/).slice(1, -1);
    const name = /^ `([^`]+)` $/.exec(cells[0] ?? '')?.[1];
    const [means, remedy] = cells.slice(-2);
    return name === undefined ? [] : [[name, { means: atTop(means!), remedy: atTop(remedy!) }] as const];
  });
  // A name that stands twice is a reason first, and a part of a frequent mistake after that.
  return new Map(said.toReversed());
}

/** Links within the troubleshooting page, from a page beside it. */
function atTop(cell: string): string {
  return cell
    .trim()
    .replace(/\]\(#/g, '](./troubleshooting.md#')
    .replace(/\]\((?=[a-z-]+\.md)/g, '](./');
}
