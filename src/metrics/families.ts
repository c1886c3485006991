/**
 * All metrics of peal: name, type, labels and meaning. docs/monitoring.md has the same table, which a test compares,
 * and a sample of any other name or with any other label is a fault of peal. Names and units follow the rules of
 * Prometheus: seconds, and `_total` for what only grows. Pure.
 */

type FamilyType = 'counter' | 'gauge' | 'histogram';

export interface Family {
  readonly type: FamilyType;
  /** One sentence, which scrapes carry as HELP. */
  readonly help: string;
  readonly labels: readonly string[];
}

/** A type and its sentence, with labels. */
const family = (type: FamilyType, help: string, ...labels: string[]): Family => ({ type, help, labels });

const table = {
  peal_build_info: family('gauge', 'Always 1. Its labels are the versions of peal and Node.js.', 'version', 'node'),
  peal_ready: family('gauge', '1 while sending is possible, as /readyz says it; otherwise 0.'),
  peal_scrape_left_out_series: family('gauge', 'Series that the latest scrape left out because there were too many.'),

  peal_notifications_total: family(
    'counter',
    'Recipients by outcome since this process began. Rejections have their reason and status.',
    ...['outcome', 'reason', 'status'],
  ),
  peal_requests_resent_total: family('counter', 'Requests beyond the first for each recipient.'),
  peal_answer_duration_seconds: family(
    'histogram',
    'How long answers took, from the write of a request to its answer. HTTP/2 only.',
  ),
  peal_notifications_queued: family('gauge', 'Recipients in the engine that wait for a connection.'),
  peal_requests_in_flight: family('gauge', 'Requests that were written and wait for their answers.'),

  peal_connections: family('gauge', 'Connections to gateways by state: open, or opening.', 'state'),
  peal_connections_opened_total: family('counter', 'Connections that became ready to send.'),
  peal_connections_ended_total: family(
    'counter',
    'Open connections that ended. The cause is the code of an error, or normal.',
    'cause',
  ),
  peal_connection_failures_total: family(
    'counter',
    'Attempts to connect that failed. The cause is the code of an error.',
    'cause',
  ),
  peal_stream_limit: family(
    'gauge',
    'Requests at a time that the open connection with the lowest limit allows (SETTINGS_MAX_CONCURRENT_STREAMS).',
  ),
  peal_engine_threads: family('gauge', 'Worker threads that send. 0: the main thread sends.'),
  peal_engine_sends: family('gauge', 'Sends that have not finished.'),
  peal_engine_waiting_batches: family('gauge', 'Batches that wait for a thread, or for the time of a retry.'),
  peal_engine_held_batches: family('gauge', 'Batches that the threads hold of their credit.'),
  peal_engine_thread_crashes_total: family('counter', 'Worker threads that crashed and were started again.'),
  peal_provider_token_age_seconds: family('gauge', 'How long the provider token in use has been in use.'),

  peal_campaign_info: family(
    'gauge',
    'Always 1. Its labels are the title of the campaign and the address of its gateway.',
    ...['campaign', 'gateway'],
  ),
  peal_campaign_state: family('gauge', '1 for the state that the campaign is in, 0 for the others.', 'state'),
  peal_campaign_recipients: family(
    'gauge',
    'Recipients of the campaign by outcome, over all of its runs, as summary.json has them.',
    'outcome',
  ),
  peal_campaign_expected_recipients: family('gauge', 'How many recipients there will be; no series if unknown.'),
  peal_campaign_read_recipients: family('gauge', 'Recipients and invalid rows that this run has read.'),
  peal_campaign_held_recipients: family('gauge', 'Recipients that wait for their local hours.'),
  peal_campaign_noted_recipients: family(
    'gauge',
    'Recipients that are noted in the journal and have no outcome: what a crash would leave unknown.',
  ),
  peal_campaign_window_recipients: family('gauge', 'How many recipients may be noted without an outcome at present.'),
  peal_campaign_rate_limit: family('gauge', 'Recipients a second that --rate allows now; no series without a limit.'),

  peal_worker_slots: family('gauge', 'Slices that this worker takes at a time.'),
  peal_worker_slices: family('gauge', 'Slices that this worker has at work.'),
  peal_worker_ended_slices_total: family('counter', 'Slices that have ended on this worker.'),
  peal_worker_noted_recipients: family(
    'gauge',
    'Recipients of the slices of this worker that are noted and have no outcome.',
  ),
  peal_worker_window_recipients: family('gauge', 'How many of them may be noted without an outcome at present.'),
  peal_cluster_workers: family('gauge', 'Workers of the cluster that live, as this one last heard.'),
  peal_queue_slices: family(
    'gauge',
    'Slices in the queue of the cluster, of all campaigns, by the state of their job, as its dispatcher sees it.',
    'state',
  ),
  peal_service_answers_total: family('counter', 'Answers of a service (peal serve) by their HTTP status.', 'status'),
  peal_service_unheard_answers_total: family(
    'counter',
    'Answers of a service whose client had left. Their pushes went on.',
  ),
  peal_service_requests: family('gauge', 'Requests that a service has at hand.'),
  peal_service_pushes: family('gauge', 'Pushes of a service that have no outcome yet.'),
  peal_service_body_bytes: family('gauge', 'Bytes of bodies that a service has at hand.'),
  peal_service_ids: family('gauge', 'Ids of wait=no by state: pending, or settled and kept.', 'state'),
  peal_service_campaigns: family('gauge', 'Campaigns that a service runs now.'),
} as const satisfies Readonly<Record<string, Family>>;

export type FamilyName = keyof typeof table;

export const families: Readonly<Record<FamilyName, Family>> = table;

/**
 * The upper borders of peal_answer_duration_seconds, in seconds. A border counts answers to within 0.8 % of its time,
 * which is the width of the buckets that the times are kept in.
 */
export const answerBorders: readonly number[] = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
  ...[1, 2.5, 5, 10, 30, 60],
];
