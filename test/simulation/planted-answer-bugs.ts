/**
 * The planted bugs of what a sender makes of answers that are not APNs', and of streams of recipients that end before
 * their time: worlds of plan-lasting (`statuses`, `bodies`) and of plan-stream find them. See planted-bugs.
 */
import type { PlantedBug } from './planted-bugs.js';

const answers: readonly PlantedBug[] = [
  {
    name: "a status that is not APNs' passes for a fault of the moment",
    file: 'apns/reason.js',
    before: 'if (status === 429 || status >= 500)',
    after: 'if (status === 429 || status >= 500 || status < 300)',
    breaks: 'what stands there instead of APNs is asked again and again for minutes',
  },
  {
    name: 'a status of 2xx passes for 200',
    file: 'codec/requests/answers.js',
    before: 'if (answer.status === 200)',
    after: 'if (answer.status < 300)',
    breaks: 'what something else took in counts as accepted by APNs',
  },
  {
    name: 'a status of 2xx without a body passes for 200',
    file: 'codec/requests/response-reader.js',
    before: 'if (fields.status === 200)',
    after: 'if (fields.status < 300)',
    breaks: 'what something else took in counts as accepted by APNs',
  },
  {
    name: 'a body above what is kept ends its answer',
    file: 'codec/requests/pending-answer.js',
    before: 'if (answer.bodyBytes > maxReadBodyBytes)',
    after: 'if (answer.bodyBytes > maxResponseBodyBytes)',
    breaks: 'streams are reset although their answers are whole',
  },
  {
    name: 'what a long body takes is not given back',
    file: 'codec/http2/stream-input.js',
    before: 'if (increment > 0)\n                this.#control.windowUpdate(streamId, increment);',
    after: 'if (increment < 0)\n                this.#control.windowUpdate(streamId, increment);',
    breaks: 'an answer whose body is longer than a window never ends',
  },
  {
    name: 'an answer without an end is lost',
    file: 'codec/requests/response-reader.js',
    before: 'this.#endings.stopped(slot);\n            this.#answers.gathered(slot, answer);',
    after: 'this.#malformed(slot);',
    breaks: 'recipients that were accepted are called unknown',
    firstSeed: 310,
  },
];

const streams: readonly PlantedBug[] = [
  {
    name: 'the recipient that is being pulled when a send stops is forgotten',
    file: 'session/send/send.js',
    before: "else if (last !== 'nothing')\n            this.#packer.add(last.recipient);",
    after: '',
    breaks: 'a recipient that the program handed over is in no book',
  },
  {
    name: 'the open batch of a stream that ends early is forgotten',
    file: 'session/send/send.js',
    before: 'await this.#feed();\n            await this.#dispatchAll(this.#packer.flush());',
    after:
      'await this.#feed();\n            if (!this.#isStopped)\n                await this.#dispatchAll(this.#packer.flush());',
    breaks: 'up to a thousand recipients that were pulled are in no book',
  },
  {
    name: 'a pull that was left open is begun anew',
    file: 'session/send/recipient-stream.js',
    before: 'this.#pending ??= this.#iterator.next();',
    after: 'this.#pending = this.#iterator.next();',
    breaks: 'after each pause of the program a recipient is lost',
  },
  {
    name: 'a stream that was asked when its send stopped is waited for without an end',
    file: 'session/send/recipient-stream.js',
    before: "const timer = clock.setTimer(() => resolve('open'), lastPullMs);",
    after: 'const timer = clock.setTimer(() => { }, lastPullMs);',
    breaks: 'an aborted send does not end',
  },
  {
    name: 'a second stop ends the wait for the recipient that was asked for',
    file: 'session/send/recipient-stream.js',
    before: "const timer = clock.setTimer(() => resolve('open'), lastPullMs);",
    after:
      "this.#wake = () => resolve('open');\n            const timer = clock.setTimer(() => resolve('open'), lastPullMs);",
    breaks: 'a recipient that was pulled while a send was aborted and its session shut down is in no book',
  },
  {
    name: 'what is left after a stop is not taken in',
    file: 'session/send/send.js',
    before: 'return this.#options.takesRest || !this.#isStopped;',
    after: 'return !this.#isStopped;',
    breaks: 'recipients that were to count as unsent are in no book',
  },
];

export const answerBugs: readonly PlantedBug[] = [
  ...answers.map((bug) => ({ ...bug, worlds: 'lasting' as const })),
  ...streams.map((bug) => ({ ...bug, worlds: 'stream' as const })),
];
