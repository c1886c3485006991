/**
 * The planted bugs of the binary protocol: its connection, what it takes for proof, and its frames. See planted-bugs.
 */
import type { PlantedBug } from './planted-bugs.js';

const bugs: readonly PlantedBug[] = [
  {
    name: 'a binary connection that ends without a word proves everything',
    file: 'connection/binary/binary-connection.js',
    before: `while (this.#window.size > 0)
            this.#source.onUnknown(this.#window.shift(), cause);
        this.#life.tellClosed`,
    after: `this.#accept(this.#window.size);
        this.#life.tellClosed`,
    breaks: 'what was lost is called accepted',
  },
  {
    name: 'what a binary gateway discarded is called accepted',
    file: 'connection/binary/binary-connection.js',
    before: 'this.#returnUnproven(errors.discardedError(this.#life.where, status));',
    after: 'this.#accept(this.#window.size);',
    breaks: 'the recipients after a bad token get nothing',
  },
  {
    name: 'what a binary gateway discarded is called unknown',
    file: 'connection/binary/binary-connection.js',
    before: 'this.#returnUnproven(errors.discardedError(this.#life.where, status));',
    after: `while (window.size > 0)
            this.#source.onUnknown(window.shift(), errors.discardedError(this.#life.where, status));`,
    breaks: 'the recipients after a bad token get nothing',
  },
  {
    name: 'the last one that a shutdown names is sent again',
    file: 'connection/binary/binary-connection.js',
    before: `if (status === STATUS_SHUTDOWN && window.canEndAt(identifier)) {
            this.#accept(identifier - window.first + 1);`,
    after: `if (status === STATUS_SHUTDOWN && window.canEndAt(identifier)) {
            this.#accept(Math.max(0, identifier - window.first));`,
    breaks: 'a recipient gets the notification twice',
  },
  {
    name: 'a status is blamed on the one behind',
    file: 'connection/binary/binary-connection.js',
    before: `this.#accept(identifier - window.first);
            this.#reject(status);`,
    after: `this.#accept(Math.min(window.size - 1, identifier - window.first + 1));
            this.#reject(status);`,
    breaks: 'a good token is dropped, and a bad one kept',
  },
  {
    name: 'any status without an identifier answers a flush',
    file: 'connection/binary/binary-connection.js',
    before: '(identifier === 0 && status === STATUS_MISSING_TOKEN)',
    after: 'identifier === 0',
    breaks: 'what a gateway could not read is called accepted',
    firstSeed: 610,
  },
  {
    name: 'a flush is awaited without a deadline',
    file: 'connection/binary/binary-connection.js',
    before: 'this.#life.deadline.setNoLaterThan(this.#options.link.readTimeoutMs);\n    }\n    #flushSoon',
    after: '}\n    #flushSoon',
    breaks: 'a black hole is never found',
  },
  {
    name: 'half a status is taken for silence',
    file: 'connection/binary/binary-connection.js',
    before: 'if (this.#statuses.isPartial) {',
    after: 'if (this.#life.isReceiving) {',
    breaks: 'what the gateway is about to refuse is called accepted',
    firstSeed: 2750,
  },
  {
    name: 'half a status is awaited without a deadline',
    file: 'connection/binary/binary-connection.js',
    before: `this.#life.deadline.setNoLaterThan(this.#options.link.readTimeoutMs);
            return;`,
    after: 'return;',
    breaks: 'a campaign has no end',
    firstSeed: 2750,
  },
  {
    name: 'connecting to a binary gateway has no deadline',
    file: 'connection/connection-life.js',
    before: 'this.deadline.set(link.connectTimeoutMs);',
    after: '',
    breaks: 'a gateway that does not answer keeps the campaign forever',
  },
  {
    name: 'a verdict comes before what has arrived is read',
    file: 'base/timers.js',
    before: 'new Timer(clock, () => this.#listen(readTurns))',
    after: 'new Timer(clock, () => this.#callback())',
    breaks: 'after a thread stood still, silence is taken for acceptance though a status lies there',
    firstSeed: 1610,
  },
  {
    name: 'identifiers count from the head of a batch',
    file: 'connection/binary/binary-connection.js',
    before: 'this.#output.append(template, run, count, this.#window.next)',
    after: 'this.#output.append(template, run, count, run.head + 1)',
    breaks: 'a late status is blamed on the token of another batch',
  },
  {
    name: 'the flush is not the last',
    file: 'connection/binary/binary-connection.js',
    before: "this.#output.appendFlush(this.#flushIdentifier);\n        this.#life.state = 'draining';",
    after: 'this.#output.appendFlush(this.#flushIdentifier);',
    breaks: 'what is written behind a flush is discarded',
  },
  {
    name: 'a frame has the end of the token before',
    file: 'codec/binary/frame-output.js',
    before: 'target.setInt32(to + 28, source.getInt32(at + 28, true), true);',
    after: 'if (i === 0)\n            target.setInt32(to + 28, source.getInt32(at + 28, true), true);',
    breaks: 'notifications go to devices that there are not',
  },
];

export const binaryBugs: readonly PlantedBug[] = bugs.map((bug) => ({ ...bug, worlds: 'binary' }));
