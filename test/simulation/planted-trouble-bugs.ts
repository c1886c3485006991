/**
 * The planted bugs of what a sender does where a gateway does one thing wrong to all recipients: worlds of plan-lasting
 * find them. See planted-bugs.
 */
import type { PlantedBug } from './planted-bugs.js';

const bugs: readonly PlantedBug[] = [
  {
    name: 'losses are not counted',
    file: 'connection/loss-record.js',
    before: 'this.#losses = Math.min(this.#losses + losses, 2 * lossesBeforePause);',
    after: '{ }',
    breaks: 'a gateway that resets every stream makes a whole list unknown',
  },
  {
    name: 'connections that die are no losses',
    file: 'connection/pool/pool.js',
    before: 'this.#gate.afterDeath(counts.readUnanswered);',
    after: '',
    breaks: 'a gateway whose connections die makes a whole list unknown',
    firstSeed: 180,
  },
  {
    name: 'trials after losses are not single requests',
    file: 'connection/send-gate.js',
    before: 'return this.#losses.isTroubled ? 1 : minPacedRequests;',
    after: 'return minPacedRequests;',
    breaks: 'each trial makes more recipients unknown than it has to',
    firstSeed: 270,
  },
  {
    name: 'refusals are no reason to give up',
    file: 'connection/send-gate.js',
    before: "this.#giveUpWhenDue('refusals');",
    after: '',
    breaks: 'a gateway that refuses every stream keeps a list for days',
  },
  {
    name: 'the successor begins with as much as its gateway allows',
    file: 'connection/pool/pool.js',
    before: 'this.#startLimits.onSentAway(connection.counts.answers + connection.inFlight);',
    after: '{ }',
    breaks: 'a gateway that says GOAWAY after every few requests gets each of them many times over',
    firstSeed: 750,
  },
  {
    name: 'a connection that answers after its GOAWAY counts as one that answered nothing',
    file: 'connection/pool/pool.js',
    before: 'else if (progress > 0) {',
    after: 'else if (progress < 0) {',
    breaks: 'each further connection waits for twenty seconds though every one makes progress',
    firstSeed: 360,
  },
  {
    name: 'a refused stream counts as an attempt',
    file: 'engine/shard/route.js',
    before: 'slot.countRefusal(index) > maxRefusedStreams',
    after: 'slot.countRefusal(index) > 3',
    breaks: 'a gateway that refuses every stream for a while costs recipients though it serves again',
    firstSeed: 570,
  },
  {
    name: 'attempts are counted though the connection has brought others to an end',
    file: 'engine/shard/route.js',
    before: 'if (isRefused ||',
    after: "if (isRefused || (cause.code === 'ERR_PEAL_GOAWAY' && slot.countAttempt(index) > 1) ||",
    breaks: 'where a gateway sends each connection away after a few requests, what came back twice stays unsent',
    firstSeed: 1190,
  },
  {
    name: 'a route that failed on one shard is tried on each other one',
    file: 'engine/dispatcher/dispatcher.js',
    before: `if (isAccepted)
                this.#stopIfNoShardLeft(job, cause);
            else
                job.stop(cause);`,
    after: 'this.#stopIfNoShardLeft(job, cause);',
    breaks: 'the time until a gateway is given up is multiplied by the threads',
  },
  {
    name: 'the pool is patient only with gateways that cannot be reached',
    file: 'connection/pool/connect-backoff.js',
    before: 'const isPatient = this.#hasAnswered &&',
    after: 'const isPatient = !isReached && this.#hasAnswered &&',
    breaks: 'a front that drops connections for a moment ends a campaign',
  },
];

export const troubleBugs: readonly PlantedBug[] = bugs.map((bug) => ({ ...bug, worlds: 'lasting' }));
