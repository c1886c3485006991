/**
 * Compares our HTTP/2 client with node's (nghttp2) on generated octets of servers, lightly mutated:
 *
 *   node dist/test/fuzz/against-node.js --sequences 2000 --from 1
 *
 * Prints how many sequences were compared, how many came to the same verdict, and how many fell under each known
 * difference. Exit code 1 where none explains a difference. A program of its own, because node 20 can be made to fail
 * an assertion by what is sent to it here.
 */
import { parseArgs } from 'node:util';
import * as frames from '../../src/codec/http2/frames.js';
import { readU32 } from '../../src/codec/octets.js';
import { Prng } from '../support/prng.js';
import { compare } from '../support/same-octets.js';
import { drawConversation } from './conversation.js';
import { type Draft, writeDrafts } from './draft.js';
import { mutateDrafts } from './mutations.js';

/** Unexplained differences that are printed in full. */
const shownUnexplained = 10;
const buffer = new Uint8Array(1 << 18);

/** The octets of one server, cut where frames are; the requests belong behind the first piece. */
function drawPieces(seed: number): { pieces: Uint8Array[]; count: number } {
  const prng = new Prng(seed);
  const count = 1 + prng.int(4);
  const { opening, drafts } = drawConversation(prng, count);
  // Two known differences would take part in every third sequence and hide others.
  const kept = prng.chance(0.9) ? drafts.filter(isComparable) : drafts;
  for (let mutations = prng.int(3); mutations > 0; mutations--) mutateDrafts(kept, prng);
  const all = [opening, ...kept.map((each) => [each])];
  return { pieces: all.map((each) => buffer.slice(0, writeDrafts(each, buffer, 0))), count };
}

/** No acknowledgement of a PING that was never sent, and no GOAWAY with an error. */
function isComparable({ type, flags, payload }: Draft): boolean {
  if (type === frames.PING) return flags !== frames.FLAG_ACK;
  return type !== frames.GOAWAY || readU32(payload, 4) === frames.NO_ERROR;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { sequences: { type: 'string' }, from: { type: 'string' } } });
  const sequences = Number(values.sequences ?? '2000');
  const from = Number(values.from ?? '1');
  const differences = new Map<string, number>();
  let same = 0;
  let ended = 0;
  let unexplained = 0;
  for (let seed = from; seed < from + sequences; seed++) {
    const { pieces, count } = drawPieces(seed);
    const result = await compare(pieces, count);
    if (result.ours.endedAt >= 0) ended++;
    if (result.unexplained !== '') {
      if (++unexplained > shownUnexplained) continue;
      console.log(`UNEXPLAINED, seed ${seed}: ${result.unexplained}`);
      console.log(`  ours: ${JSON.stringify(result.ours)}\n  node: ${JSON.stringify(result.node)}`);
      for (const piece of pieces) console.log(`  ${Buffer.from(piece).toString('hex')}`);
    } else if (result.differences.length === 0) {
      same++;
    }
    for (const name of result.differences) differences.set(name, (differences.get(name) ?? 0) + 1);
  }
  console.log(
    `${sequences} sequences from seed ${from} to our client and to node ${process.versions.node} (nghttp2 ` +
      `${process.versions.nghttp2}): ${same} same verdicts, ${unexplained} unexplained; ` +
      `we ended the connection in ${ended}`,
  );
  for (const [name, count] of [...differences].sort(([, a], [, b]) => b - a))
    console.log(`${String(count).padStart(6)}  ${name}`);
  // Without the end of the event loop: destructors of node's sessions are best not run.
  process.exit(unexplained === 0 ? 0 : 1);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
