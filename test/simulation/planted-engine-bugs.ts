/** The planted bugs of the engine: shards, dispatcher, retries. See planted-bugs. */
import type { PlantedBug } from './planted-bugs.js';

export const engineBugs: readonly PlantedBug[] = [
  {
    name: 'a rejection that passes is told as certain',
    file: 'engine/dispatcher/interim.js',
    before: 'const isCertain = byte === ACCEPTED || staysRejected[byte] === 1;',
    after: 'const isCertain = byte === ACCEPTED || byte >= REJECTED;',
    breaks: 'a journal keeps an outcome that a retry changes',
  },
  {
    name: 'a request that is out is told as certain',
    file: 'engine/dispatcher/parcel.js',
    before: 'const certain = copyCertain(this.latest, states);',
    after: `const certain = copyCertain(this.latest, states);
        this.latest.forEach((byte, index) => {
            if (byte === 1) states[index] = 2;
        });`,
    breaks: 'a journal keeps as accepted what is unknown after a crash',
  },
  {
    name: 'the unknown is sent again silently',
    file: 'engine/shard/route.js',
    before: 'slot.cause = cause;\n        this.#finish(slot, tag & tagIndexMask, UNKNOWN);',
    after: `slot.ledger[tag & tagIndexMask] = QUEUED;
        slot.requeue(tag & tagIndexMask);
        this.#queue.prepend(slot);
        this.#wake();`,
    breaks: 'people get a notification twice unasked',
  },
  {
    name: 'the ledger is not marked before the write',
    file: 'engine/shard/route.js',
    before: 'ledger[order[at]] = WRITTEN;',
    after: '{ }',
    breaks: 'after a crash what was written is sent again',
  },
  {
    name: 'the last of a run is taken twice',
    file: 'engine/shard/route.js',
    before: `slot.head = end;
        this.#pace?.taken(count);`,
    after: `slot.head = end - (count > 40 ? 1 : 0);
        this.#pace?.taken(count);`,
    breaks: 'a recipient is written twice',
  },
  {
    name: 'a batch is settled too early',
    file: 'engine/shard/route.js',
    before: `slot.ledger[tag & tagIndexMask] = ACCEPTED;
        slot.remaining -= 1;
        if (slot.remaining === 0)`,
    after: `slot.ledger[tag & tagIndexMask] = ACCEPTED;
        slot.remaining -= 1;
        if (slot.remaining === (slot.due > 20 ? 1 : 0))`,
    breaks: 'the last recipient of a batch has no outcome',
  },
  {
    name: 'the queue of batches skips a place',
    file: 'engine/shard/slot-queue.js',
    before: `this.#ring[(this.#first + this.#length) & this.#mask] = slot;`,
    after: `this.#ring[(this.#first + this.#length + (this.#length > 3 ? 1 : 0)) & this.#mask] = slot;`,
    breaks: 'batches are lost, and with them the end of the send',
  },
  {
    name: 'a cancelled batch is dropped',
    file: 'engine/shard/route.js',
    before: 'if (slot.remaining === 0 && waiting > 0)',
    after: 'if (slot.remaining === 0 && waiting > 0 && cause !== null)',
    breaks: 'recipients have no outcome, and the send has no end',
  },
  {
    name: 'what came back goes to the place of another',
    file: 'engine/shard/batch-slot.js',
    before: 'this.order[this.head] = index;',
    after: 'this.order[this.head] = index === 0 ? 0 : index - 1;',
    breaks: 'one recipient is lost and another is sent to twice',
  },
  {
    name: 'what came back is sent again without a limit',
    file: 'engine/shard/route.js',
    before: 'slot.countRefusal(index) > maxRefusedStreams',
    after: 'slot.countRefusal(index) < 0',
    breaks: 'a gateway that refuses the stream of one recipient is asked again until the whole send is given up',
    firstSeed: 210,
  },
  {
    name: 'a crash makes the written ones queued',
    file: 'engine/dispatcher/parcel.js',
    before: 'this.ledger[index] = state === WRITTEN ? UNKNOWN : this.#keptFrom(index, state);',
    after: 'this.ledger[index] = state === WRITTEN ? QUEUED : this.#keptFrom(index, state);',
    breaks: 'after a crash what may have been processed is sent again',
  },
  {
    name: 'a crash makes the written ones unsent',
    file: 'engine/dispatcher/parcel.js',
    before: 'this.ledger[index] = state === WRITTEN ? UNKNOWN : this.#keptFrom(index, state);',
    after: 'this.ledger[index] = state === WRITTEN ? UNSENT : this.#keptFrom(index, state);',
    breaks: 'after a crash what may have been processed is called unsent',
  },
  {
    name: 'a lost shard keeps its batches',
    file: 'engine/dispatcher/dispatcher.js',
    before: 'this.#sendAgain(parcel);\n            }\n            else {\n                if',
    after: 'this.#releaseCredit(parcel);\n            }\n            else {\n                if',
    breaks: 'recipients have no outcome, and the send has no end',
    firstSeed: 80,
  },
  {
    name: 'credit is not given back',
    file: 'engine/dispatcher/mailbox.js',
    before: 'this.#heldWeight -= parcel.weight;',
    after: 'this.#heldWeight -= parcel.weight >> 1;',
    breaks: 'the dispatcher hands out less and less, and then nothing',
  },
  {
    name: 'a new provider token is not announced',
    file: 'engine/dispatcher/dispatcher.js',
    before: `if (hasChanged)
                for (const mailbox of this.#mailboxes)`,
    after: `if (hasChanged)
                for (const mailbox of this.#mailboxes.slice(1))`,
    breaks: 'after an hour everything is refused',
    firstSeed: 90,
  },
  {
    name: 'the report of an expired provider token is not heeded',
    file: 'engine/dispatcher/route.js',
    before: 'if (this.#source === null || expired !== this.#token)',
    after: 'if (this.#source === null || expired === this.#token)',
    breaks: 'nothing is sent until the token would have been renewed anyway',
  },
  {
    name: 'Retry-After is not heeded',
    file: 'push/retry-policy.js',
    before: 'Math.max(backoffMs(kind, attempt, null, random), (retryAfterSeconds ?? 0) * 1000)',
    after: 'backoffMs(kind, attempt, null, random)',
    breaks: 'the gateway is asked again sooner than it allows',
  },
  {
    name: 'a retry is not told from a first request',
    file: 'engine/dispatcher/parcel.js',
    before: 'return this.#retries?.hasReleased ?? false;',
    after: 'return false;',
    breaks: 'a gateway is given up that serves all others',
  },
  {
    name: 'the budget of attempts is not heeded',
    file: 'push/retry-policy.js',
    before: 'attempt >= budget.attempts ||',
    after: '',
    breaks: 'a recipient is sent to more often than the program allows',
  },
  {
    name: 'a busy device is sent to again soon',
    file: 'push/retry-policy.js',
    before: 'busy: atLeast(busyDeviceDelayMs),',
    after: 'busy: fullJitter,',
    breaks: 'a device that gets too many notifications gets more of them',
  },
  {
    name: 'a recipient that was once unknown may be called rejected',
    file: 'engine/dispatcher/retries.js',
    before: 'if (this.#entries.get(index)?.wasUnknown !== true || isForGood(classOf(status, reason, this.#protocol)))',
    after: 'if (index >= 0)',
    breaks: 'what may have been processed is called rejected',
  },
  {
    name: 'a retry that was cancelled is called unsent',
    file: 'engine/dispatcher/retries.js',
    before: 'this.#ledger[index] = entry.outcome;',
    after: '',
    breaks: 'what was rejected, or may have been processed, is called unsent',
  },
  {
    name: 'a rejection for good is retried',
    file: 'apns/protocols.js',
    before: "return reasonClass === 'transient' || reasonClass === 'connection' ? reasonClass : null;",
    after: "return reasonClass === 'connection' ? reasonClass : 'transient';",
    breaks: 'bad tokens are sent to again',
  },
  {
    name: 'a cancelled job is forgotten while it waits for a retry',
    file: 'engine/dispatcher/retry-line.js',
    before: 'this.#heap = this.#heap.filter(({ parcel }) => parcel.job !== job);',
    after:
      'this.#heap = this.#heap.filter(({ parcel }) => parcel.job !== job);\n        if (removed.length > 1)\n            removed.pop();',
    breaks: 'recipients have no outcome, and the send has no end',
    firstSeed: 90,
  },
];
