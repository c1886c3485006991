/** The planted bugs of single pushes: lanes, and what the engine tells them. See planted-bugs. */
import type { PlantedBug } from './planted-bugs.js';

const worlds = 'pushes';

export const pushBugs: readonly PlantedBug[] = [
  {
    name: 'a push that has its outcome stays in its batch',
    file: 'session/single/lane-batch.js',
    before: 'this.pushes[push.index] = null;',
    after: '',
    breaks: 'an outcome is told twice',
    worlds,
  },
  {
    name: 'a recipient that was taken back is sent again',
    file: 'engine/shard/batch-slot.js',
    before: 'return this.#withdrawn?.has(index) === true;',
    after: 'return false;',
    breaks: 'a notification is shown after its program was told that nobody waits for it',
    worlds,
  },
  {
    name: 'a push that is sent again loses its former answer',
    file: 'session/single/lane.js',
    before: 'if (retries === null)',
    after: 'if (retries !== 0)',
    breaks: 'a push that APNs rejected is called unsent',
    worlds,
  },
  {
    name: 'a slot keeps the last answer of its batch',
    file: 'engine/shard/batch-slot.js',
    before: 'if (this.told.length > 0 || this.toldDetails.length > 0)',
    after: 'if (this.told.length > 0)',
    breaks: 'a push gets the answer of another',
    worlds,
  },
  {
    name: 'a push whose time is over is unsent though it is written',
    file: 'session/single/lane.js',
    before: `else if (state === WRITTEN || push.isWithdrawn)
            this.#resolveUnknown(`,
    after: `else if (state === WRITTEN || push.isWithdrawn)
            this.#resolveUnsent(`,
    breaks: 'a program sends a notification again that is on its way',
    worlds,
  },
  {
    name: 'an aborted push is sent again',
    file: 'session/single/lane.js',
    before: 'const isOver = push.isWithdrawn || push.isAborted || !push.maySendAgain;',
    after: 'const isOver = push.isWithdrawn;',
    breaks: 'a notification goes out that nobody wants any more',
    worlds,
    firstSeed: 1100,
  },
  {
    name: 'a token that is gone is told again as its batch is settled',
    file: 'session/single/lane.js',
    before: ' || !batch.noteGone(index))',
    after: ')',
    breaks: 'feedback() tells a token twice',
    worlds,
  },
  {
    name: 'a push takes the payload before it along to its next batch',
    file: 'session/single/lane-batch.js',
    before: 'from.#payloads.subarray(from.#payloadOffsets[index],',
    after: 'from.#payloads.subarray(from.#payloadOffsets[Math.max(0, index - 1)],',
    breaks: 'what is sent again is not what was given',
    worlds,
  },
  {
    name: 'a push takes the first id of its batch along to the next',
    file: 'session/single/lane-batch.js',
    before: 'this.#added(push, from.#apnsIds, index * apnsIdBytes);',
    after: 'this.#added(push, from.#apnsIds, 0);',
    breaks: 'two pushes share an apns-id',
    worlds,
  },
  {
    name: 'only the first time that is over is noticed',
    file: 'session/single/lanes.js',
    before: 'if (next < this.#deadlineMs && next < Number.POSITIVE_INFINITY) {',
    after: 'if (next < 0) {',
    breaks: 'a push takes longer than its program allows',
    worlds,
  },
  {
    name: 'pushes wait for the others of their batch',
    file: 'engine/shard/route.js',
    before: 'if (this.#telling.length === 0)\n',
    after: 'if (this.#telling.length === 9)\n',
    breaks: 'one slow answer holds the outcomes of others back until their time is over',
    worlds,
  },
];
