/**
 * Worlds in which a list goes out over hours and meets, besides what else goes wrong, faults of the gateway that are
 * the recipients': they say little or nothing about the gateway, and a sender must not take them for a gateway in
 * trouble.
 */
import type { Prng } from '../support/prng.js';
import type { Plan } from './plan.js';
import { drawRecipients, http2People, type Mix, type PeopleRules } from './plan-recipients.js';
import { kinds } from './recipients.js';

/** Some get a fault each time, and are sent to again for an hour while the rest of the list goes out. */
const stubborn: Mix = [[kinds.internal, 0.3]];
/** Half of the list gets nothing but faults, batch by batch, with long pauses between; nothing is sent again. */
const sick: Mix = [[kinds.internal, 1]];

/** What is other than in `plan`: most of the time nothing. */
export function drawTrouble(random: Prng, plan: Plan): Partial<Plan> {
  if (plan.isCalm || plan.threads > 0 || !random.chance(0.06)) return {};
  const isStubborn = random.chance(0.5);
  const rules: PeopleRules = {
    payloadBytes: http2People.payloadBytes,
    drawMix: () => (isStubborn ? stubborn : []),
    slow: { most: isStubborn ? 100 : 40, firstHalf: isStubborn ? stubborn : sick },
  };
  const people = drawRecipients(random.fork(), false, rules);
  const jobs = people.jobs.map((job) => ({ ...job, cancelAtTaken: null, isResent: false }));
  const recipients = people.recipients.map((each) => ({ ...each, isResent: false }));
  const retry = isStubborn ? { attempts: 30, retryTimeMs: 3_600_000 } : { attempts: 1 };
  return { recipients, jobs, ...retry, closeAtTaken: null };
}
