/** A plan as people read it, in one line. */
import type { Plan } from './plan.js';

export function summarize(plan: Plan): string {
  const { recipients, jobs, line, gateway, faults, connect } = plan;
  const parts = [
    plan.isCalm ? 'calm' : '',
    `${recipients.length} recipients in ${jobs.length} jobs, ${jobs.reduce((sum, job) => sum + job.batches.length, 0)} batches`,
    `${plan.credential}, threads ${plan.threads}, up to ${plan.maxConnections} connections, attempts ${plan.attempts} within ${plan.retryTimeMs} ms`,
    `line ${JSON.stringify(line)}`,
    `connect ${JSON.stringify(connect)}`,
    `jobs ${JSON.stringify(jobs.map(({ payload: _, batches: __, ...job }) => job))}`,
    plan.lasting === null ? '' : `lasting ${JSON.stringify(plan.lasting)}`,
    plan.campaign === null
      ? ''
      : `campaign ${JSON.stringify({ ...plan.campaign, entries: plan.campaign.entries.length })}`,
    plan.pushes === null ? '' : `pushes ${JSON.stringify({ ...plan.pushes, each: plan.pushes.each.length })}`,
    plan.fcm === null ? '' : `fcm ${JSON.stringify(plan.fcm)}`,
    plan.closeAtTaken === null ? '' : `closed at ${plan.closeAtTaken}`,
    plan.binary === null ? `gateway ${JSON.stringify(gateway)}` : `binary ${JSON.stringify(plan.binary)}`,
    `faults until ${plan.faultsUntilMs} ms: ${JSON.stringify(faults)}`,
  ];
  return parts.filter((part) => part !== '').join('; ');
}
