/**
 * The same octets of a server to our HTTP/2 client and to node's (nghttp2), and whether they come to the same verdict.
 * Where they do not, one of the known differences below has to be the reason.
 */
import * as frames from '../../src/codec/http2/frames.js';
import { NodeClient, type StreamVerdict, turns } from './node-client.js';
import { OurClient } from './our-client.js';
import { plainNotification } from './scripted-peer.js';
import { type Facts, factsOf } from './server-facts.js';

export interface ClientOutcome {
  /** The piece of the octets at which the client ended the connection; -1 when it did not. */
  readonly endedAt: number;
  /** The error code of its GOAWAY. */
  readonly code: number;
  readonly streams: readonly StreamVerdict[];
}

export interface Comparison {
  readonly ours: ClientOutcome;
  readonly node: ClientOutcome;
  /** Names of the known differences that were the reason; empty where the verdicts are the same. */
  readonly differences: readonly string[];
  /** What none of them explains; '' when all is well. */
  readonly unexplained: string;
}

/** Differences that concern the whole connection: [name with its reason, when it applies]. */
type Known = readonly [name: string, applies: (facts: Facts, ours: ClientOutcome, node: ClientOutcome) => boolean];

/** Only one of the two has ended the connection, or one before the other. */
const endsOfOne: readonly Known[] = [
  [
    'a PING acknowledgement that answers nothing: node ends the connection; nothing in RFC 9113 §6.7 asks for it',
    ({ hasPingAck }, ours, node) => hasPingAck && isFirst(node, ours),
  ],
  [
    'GOAWAY with an error: node gives all requests up at once; we wait for those up to lastStreamId (§6.8)',
    ({ hasGoawayWithError }, ours, node) => hasGoawayWithError && isFirst(node, ours),
  ],
  [
    'GOAWAY: node closes as soon as no request is open; here the owner of the connection decides',
    ({ hasGoaway }, ours, node) => hasGoaway && isFirst(node, ours) && node.code === frames.NO_ERROR,
  ],
  [
    'GOAWAY that raises lastStreamId: node ends the connection; we keep to the smaller id (§6.8)',
    ({ hasRaisedGoaway }, ours, node) => hasRaisedGoaway && isFirst(node, ours),
  ],
  [
    'GOAWAY with an even lastStreamId: node ends the connection; for us the number is a bound like any other',
    ({ hasEvenGoaway }, ours, node) => hasEvenGoaway && isFirst(node, ours),
  ],
  [
    'WINDOW_UPDATE that makes a stream window overflow: node makes a connection error of it (§5.4.1 allows it)',
    ({ hasLargeUpdate, hasLargeWindow }, ours, node) => (hasLargeUpdate || hasLargeWindow) && isFirst(node, ours),
  ],
  [
    'a forbidden value in SETTINGS that the same frame replaces: node sees the last one only (§6.5.3: in order)',
    ({ hasReplacedValue }, ours, node) => hasReplacedValue && isFirst(ours, node),
  ],
  [
    'INITIAL_WINDOW_SIZE that makes a stream window overflow: node resets the stream; §6.9.2 asks for the connection',
    ({ hasLargeWindow }, ours, node) =>
      hasLargeWindow && isFirst(ours, node) && ours.code === frames.FLOW_CONTROL_ERROR,
  ],
  [
    'padding that is too long on a stream that is gone: node does not look at it any more',
    ({ badPadding }, ours, node) => badPadding.size > 0 && isFirst(ours, node),
  ],
  [
    'ALTSVC, ORIGIN and PRIORITY_UPDATE: node knows and checks them; we discard what we do not know (§5.5)',
    ({ hasExtension }, ours, node) => hasExtension && isFirst(node, ours),
  ],
  [
    'PRIORITY of a wrong length: node makes a connection error of the stream error (§5.4.1 allows it)',
    ({ hasShortPriority }, ours, node) => hasShortPriority && isFirst(node, ours),
  ],
  [
    'DATA before HEADERS: node makes a connection error of the malformed answer (§5.4.1 allows it)',
    ({ dataFirst }, ours, node) => dataFirst.size > 0 && isFirst(node, ours),
  ],
  [
    'WINDOW_UPDATE by 0 on a stream: node makes a connection error of the stream error (§5.4.1 allows it)',
    ({ hasZeroUpdate }, ours, node) => hasZeroUpdate && isFirst(node, ours),
  ],
  [
    'ENABLE_CONNECT_PROTOCOL and the like: node knows and checks them; we ignore settings we do not know (§6.5.2)',
    ({ hasOtherSetting }, ours, node) => hasOtherSetting && isFirst(node, ours),
  ],
  [
    'a frame that is not whole: node looks at its header, we wait for the rest',
    ({ withinFrame }, ours, node) => withinFrame.has(node.endedAt) && isFirst(node, ours),
  ],
  [
    'a field block that is not whole: node looks at its beginning, we wait for the rest',
    ({ withinBlock }, ours, node) => withinBlock.has(node.endedAt) && isFirst(node, ours),
  ],
  [
    'CONTINUATION above the MAX_FRAME_SIZE that was announced: node waits for more of it',
    ({ isTooLarge }, ours, node) => isTooLarge && isFirst(ours, node) && ours.code === frames.FRAME_SIZE_ERROR,
  ],
  [
    'a limit of ours that is tighter than those of node',
    (_, ours) => ours.endedAt >= 0 && ours.code === frames.ENHANCE_YOUR_CALM,
  ],
];

/** Both have ended the connection, for reasons that they call by other codes: [ours, node's]. */
const otherCodes: readonly (readonly [name: string, ours: number, node: number])[] = [
  [
    'a wrong stream and a wrong length in one frame: which of the two is seen first',
    frames.PROTOCOL_ERROR,
    frames.FRAME_SIZE_ERROR,
  ],
  [
    'a frame too short for its flags: FRAME_SIZE_ERROR (§4.2) for us, PROTOCOL_ERROR (§6.1) for node',
    frames.FRAME_SIZE_ERROR,
    frames.PROTOCOL_ERROR,
  ],
  ['a limit of ours that node calls an error of compression', frames.ENHANCE_YOUR_CALM, frames.COMPRESSION_ERROR],
];

/** Whether `one` has ended the connection, and the other not, or later. */
function isFirst(one: ClientOutcome, other: ClientOutcome): boolean {
  return one.endedAt >= 0 && (other.endedAt < 0 || other.endedAt > one.endedAt);
}

/** Cuts `pieces` of a server's octets and feeds them to both, with `count` requests behind the first piece. */
export async function compare(pieces: readonly Uint8Array[], count: number): Promise<Comparison> {
  const ours = new OurClient();
  const node = new NodeClient();
  try {
    for (let i = 0; i < count; i++) node.request(plainNotification.payload);
    await turns(3);
    let ourEnd = -1;
    let nodeEnd = -1;
    for (const [index, piece] of pieces.entries()) {
      ours.feed(piece);
      await node.feed(piece);
      if (index === 0) ours.request(count);
      if (ourEnd < 0 && ours.failure !== '') ourEnd = index;
      if (nodeEnd < 0 && (node.isOver || node.goawayCode !== frames.NO_ERROR)) nodeEnd = index;
    }
    const ourOutcome = { endedAt: ourEnd, code: ours.goawayCode, streams: ours.verdicts() };
    const nodeOutcome = { endedAt: nodeEnd, code: node.goawayCode, streams: node.verdicts() };
    return { ours: ourOutcome, node: nodeOutcome, ...judge(factsOf(pieces), ourOutcome, nodeOutcome) };
  } finally {
    node.close();
  }
}

function judge(
  facts: Facts,
  ours: ClientOutcome,
  node: ClientOutcome,
): Pick<Comparison, 'differences' | 'unexplained'> {
  if (ours.endedAt !== node.endedAt) {
    const known = endsOfOne.find(([, applies]) => applies(facts, ours, node));
    if (known !== undefined) return { differences: [known[0]], unexplained: '' };
    return {
      differences: [],
      unexplained: `${isFirst(ours, node) ? 'we end' : 'node ends'} the connection, the other not or later`,
    };
  }
  const differences = new Set<string>();
  let unexplained = '';
  if (ours.endedAt >= 0 && ours.code !== node.code) {
    const name = codeDifference(ours.code, node.code);
    if (name === '') unexplained = `we end the connection with ${ours.code}, node with ${node.code}`;
    else differences.add(name);
  }
  ours.streams.forEach((our, index) => {
    const theirs = node.streams[index]!;
    // What was open when the connection ended has no verdict of its own.
    if (our === theirs || (ours.endedAt >= 0 && our === 'open')) return;
    const name = endsTogether(facts, ours, our, theirs) || streamDifference(facts, 2 * index + 1, our, theirs);
    if (name === '') unexplained = `stream ${2 * index + 1} is ${our} for us and ${theirs} for node`;
    else differences.add(name);
  });
  return { differences: [...differences], unexplained };
}

function codeDifference(ours: number, node: number): string {
  if (node === frames.NO_ERROR || node === frames.INTERNAL_ERROR) {
    return 'node ends the connection too, and does not say why: NO_ERROR or INTERNAL_ERROR in its GOAWAY';
  }
  return otherCodes.find(([, our, theirs]) => our === ours && theirs === node)?.[0] ?? '';
}

/** What the last octets do to a stream, and to the connection at once. */
function endsTogether(facts: Facts, { endedAt }: ClientOutcome, ours: StreamVerdict, node: StreamVerdict): string {
  if (endedAt >= 0 && ours === 'error' && (node === 'open' || node === 'reset')) {
    return 'a stream error right in front of the end of the connection: node says only the latter';
  }
  if (facts.isWithinBlock && ours === 'open' && node === 'error') {
    return 'a malformed field block that is not whole: node looks at its beginning, we wait for the rest';
  }
  return '';
}

function streamDifference(facts: Facts, streamId: number, ours: StreamVerdict, node: StreamVerdict): string {
  if (facts.endedByReset.has(streamId) && ours === 'reset' && (node === '200' || node === 'other')) {
    return 'RST_STREAM(NO_ERROR) within an answer: node takes it for its end; we believe complete answers only (§8.1)';
  }
  if (facts.passedOver.has(streamId) && ours === 'error') {
    return 'fields with forbidden characters: node passes them over; for us the answer is malformed (§8.2.1)';
  }
  if (facts.dataFirst.has(streamId) && ours === 'error') {
    return 'empty DATA between an informational and the final answer: node passes it over; malformed for us (§8.1)';
  }
  if (facts.manyInformational.has(streamId) && ours === 'error') {
    return 'more informational answers than we take; node takes any number';
  }
  return '';
}
