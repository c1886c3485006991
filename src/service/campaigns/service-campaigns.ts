/**
 * The campaigns of a service: begins, steers and shows them, and goes on with those that ran when the service ended.
 * The journal of each sees to it that nobody is sent to twice. Owned by a service; main thread.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { rethrowAssertion } from '../../base/assert.js';
import { PealError } from '../../base/errors.js';
import { maxRunningCampaigns, maxServiceCampaigns, maxUploadsAtOnce } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { Campaign } from '../../campaign/campaign.js';
import { summaryJson } from '../../campaign/report/summary.js';
import type { RecipientFiles } from '../../campaign/run/campaign-options.js';
import type { CampaignReport } from '../../campaign/run/run-report.js';
import { viewCampaign } from '../../campaign/view/campaign-view.js';
import { closingProblem, RefusedRequest, refusal, sentenceOf } from '../http/answer.js';
import { bodyPacking } from '../http/request-body.js';
import type { GatewaySource } from '../push/gateway-source.js';
import { askedEnvironment } from '../push/push-request.js';
import { type CampaignRequest, readCampaign, readingFields, serviceCampaignOptions } from './campaign-request.js';
import type { CampaignShelf, ShelvedCampaign, WantedState } from './campaign-shelf.js';

interface CampaignsOptions {
  readonly shelf: CampaignShelf;
  readonly source: GatewaySource;
  readonly usualTopic: string | null;
  readonly maxUploadBytes: number;
  readonly log: Logger;
  readonly wallMs: () => number;
}

/** A run of this process. */
interface Running {
  readonly campaign: Campaign;
  readonly ended: Promise<void>;
}

interface Entry {
  shelved: ShelvedCampaign;
  running: Running | null;
  /** Why the latest run could not begin, or ended; null: nothing is wrong. */
  problem: string | null;
}

/** A list by the type of its body: what the file is called. */
const listEndings: Readonly<Record<string, string>> = {
  'text/plain': 'txt',
  'text/csv': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
};

/** Types of bodies that are lists. */
export const listTypes: readonly string[] = Object.keys(listEndings);

export class ServiceCampaigns {
  readonly #options: CampaignsOptions;
  readonly #entries = new Map<string, Entry>();
  #uploads = 0;
  #isClosing = false;

  constructor(options: CampaignsOptions) {
    this.#options = options;
  }

  get runningCount(): number {
    let running = 0;
    for (const entry of this.#entries.values()) if (entry.running !== null) running += 1;
    return running;
  }

  /** Reads what is there, and goes on with what ran. */
  async open(): Promise<void> {
    const { shelf, log } = this.#options;
    const all = await shelf.all((id, err) =>
      log.warn({ campaign: id, err }, 'the request of a campaign cannot be read'),
    );
    for (const shelved of all) this.#entries.set(shelved.id, { shelved, running: null, problem: null });
    for (const entry of this.#entries.values()) {
      const { id, wanted } = entry.shelved;
      if (wanted !== 'running' && wanted !== 'paused') continue;
      log.info({ campaign: id }, 'going on with a campaign');
      await this.#start(entry).catch((error: unknown) => this.#failed(entry, error));
    }
  }

  /**
   * Begins one. An id that is taken is refused, so that a request that is repeated begins nothing twice.
   *
   * @param upload the request whose body is the list; null: the list is named in `body`
   * @throws RefusedRequest or PealError (as a rejection)
   */
  async create(
    body: unknown,
    upload: { readonly request: IncomingMessage; readonly type: string } | null,
  ): Promise<object> {
    const { shelf, usualTopic, wallMs } = this.#options;
    const nowMs = wallMs();
    const { id: givenId, request } = readCampaign(body, { isUpload: upload !== null, usualTopic, nowMs });
    const id =
      givenId ??
      `${new Date(nowMs).toISOString().slice(0, 19).replace(/[-:T]/g, '')}-${randomBytes(4).toString('hex')}`;
    const known = this.#entries.get(id);
    if (known !== undefined) throw takenRefusal(id);
    if (this.#entries.size >= maxServiceCampaigns) {
      throw refusal(
        429,
        'too_many_campaigns',
        `The service keeps ${maxServiceCampaigns} campaigns: remove folders of old ones.`,
      );
    }
    this.#checkRoom();
    if (!(await shelf.reserve(id))) throw takenRefusal(id);
    try {
      const name = await this.#listOf(id, request, upload);
      const { tokens: _, ...recipients } = request.recipients;
      const kept = { ...request, recipients };
      const entry: Entry = {
        shelved: { version: 1, id, createdMs: nowMs, wanted: 'running', upload: name, request: kept },
        running: null,
        problem: null,
      };
      // Checks all that a campaign checks before the request is kept.
      const campaign = await this.#campaignOf(entry);
      if (this.#isClosing) throw new RefusedRequest(closingProblem);
      this.#checkRoom();
      await shelf.write(entry.shelved);
      this.#entries.set(id, entry);
      this.#run(entry, campaign);
      return this.#brief(entry);
    } catch (error) {
      if (!this.#entries.has(id)) await shelf.remove(id);
      throw error;
    }
  }

  list(): object {
    return { campaigns: [...this.#entries.values()].map((entry) => this.#brief(entry)) };
  }

  /** The summary as `peal status --json` prints it, with what this service knows besides. */
  async view(id: string): Promise<object> {
    const entry = this.#entryOf(id);
    try {
      const { summary, facts, holder } = await viewCampaign(this.#options.shelf.folderOf(id));
      const told = JSON.parse(summaryJson(facts.title, summary)) as object;
      return { ...this.#brief(entry), ...told, pid: holder?.pid ?? null };
    } catch (error) {
      // Its journal is not there yet, or will never be.
      if (error instanceof PealError) return this.#brief(entry);
      throw error;
    }
  }

  async pause(id: string): Promise<object> {
    const entry = this.#entryOf(id);
    if (entry.running === null || isStopping(entry)) throw notRunning(id);
    await this.#want(entry, 'paused');
    entry.running?.campaign.pause();
    return this.#brief(entry);
  }

  /** Goes on after a pause, or with one that has stopped. */
  async resume(id: string): Promise<object> {
    const entry = this.#entryOf(id);
    if (isStopping(entry)) await entry.running?.ended;
    if (entry.running === null) {
      this.#checkRoom();
      const view = await viewCampaign(this.#options.shelf.folderOf(id)).catch(() => null);
      if (view?.summary.state === 'finished') {
        throw refusal(409, 'finished', `The campaign ${id} is finished: nothing is left to send.`);
      }
    }
    await this.#want(entry, 'running');
    if (entry.running === null) await this.#start(entry);
    else entry.running.campaign.resume();
    return this.#brief(entry);
  }

  async rate(id: string, rate: string | null): Promise<object> {
    const entry = this.#entryOf(id);
    if (entry.running === null || isStopping(entry)) throw notRunning(id);
    entry.running.campaign.rate = rate;
    const { rate: _, ...others } = entry.shelved.request;
    entry.shelved = { ...entry.shelved, request: rate === null ? others : { ...others, rate } };
    await this.#options.shelf.write(entry.shelved);
    return this.#brief(entry);
  }

  /** Ends it early. What is under way is answered; it can be resumed. */
  async stop(id: string): Promise<object> {
    const entry = this.#entryOf(id);
    await this.#want(entry, 'stopped');
    entry.running?.campaign.stop(stopError('The campaign was stopped through the service.'));
    return this.#brief(entry);
  }

  /** The path of an output of a campaign. Throws RefusedRequest 404. */
  async fileOf(id: string, name: string): Promise<string> {
    this.#entryOf(id);
    const folder = this.#options.shelf.folderOf(id);
    const view = await viewCampaign(folder).catch(() => null);
    if (view?.summary.files.some((file) => file.name === name)) return `${folder}/${name}`;
    throw refusal(404, 'not_found', 'The campaign has no file of that name: its summary lists the files.');
  }

  /** Ends all runs, so that the next start goes on with them. Resolves once all have ended. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const running = [...this.#entries.values()].flatMap((entry) => (entry.running === null ? [] : [entry.running]));
    for (const { campaign } of running)
      campaign.stop(stopError('The service was stopped: it goes on when it is started.'));
    await Promise.all(running.map(({ ended }) => ended));
    await this.#options.shelf.close();
  }

  // --- runs ---

  async #start(entry: Entry): Promise<void> {
    this.#run(entry, await this.#campaignOf(entry));
  }

  async #campaignOf({ shelved }: Entry): Promise<Campaign> {
    const { source, shelf } = this.#options;
    const { request, id } = shelved;
    const files = await shelf.listsOf(shelved);
    const gateway = await source.gatewayFor(request.message.topic ?? null, askedEnvironment(request.environment));
    return new Campaign(serviceCampaignOptions(request, gateway, recipientsOf(request, files), shelf.folderOf(id)));
  }

  #run(entry: Entry, campaign: Campaign): void {
    if (this.#isClosing || entry.running !== null) return;
    if (entry.shelved.wanted === 'paused') campaign.pause();
    entry.problem = null;
    const ended = campaign.run().then(
      (report) => this.#ended(entry, report),
      (error: unknown) => this.#failed(entry, error),
    );
    entry.running = { campaign, ended };
  }

  async #ended(entry: Entry, { summary, stopped }: CampaignReport): Promise<void> {
    entry.running = null;
    const { id } = entry.shelved;
    const { state, accepted, rejected, unsent, unknown, invalid } = summary;
    this.#options.log.info(
      { campaign: id, state, accepted, rejected, unsent, unknown, invalid },
      'a campaign has ended',
    );
    if (stopped !== null) entry.problem = sentenceOf(stopped);
    if (this.#isClosing || entry.shelved.wanted === 'stopped') return;
    await this.#want(entry, 'ended').catch((err: unknown) => {
      this.#options.log.warn({ campaign: id, err }, 'it could not be kept that a campaign has ended');
    });
  }

  #failed(entry: Entry, error: unknown): void {
    rethrowAssertion(error);
    entry.running = null;
    entry.problem = error instanceof PealError ? sentenceOf(error) : 'It met a fault of peal: see the log.';
    this.#options.log.warn({ campaign: entry.shelved.id, err: error }, 'a campaign could not be run');
  }

  async #want(entry: Entry, wanted: WantedState): Promise<void> {
    entry.shelved = { ...entry.shelved, wanted };
    await this.#options.shelf.write(entry.shelved);
  }

  #checkRoom(): void {
    if (this.#isClosing) throw new RefusedRequest(closingProblem);
    if (this.runningCount < maxRunningCampaigns) return;
    const message = `${maxRunningCampaigns} campaigns run already: begin this one when another has ended.`;
    throw refusal(429, 'too_many_campaigns', message, ['Retry-After', '60']);
  }

  /** Puts the list into the folder. Returns its name; null for lists that are elsewhere. */
  async #listOf(
    id: string,
    { recipients }: CampaignRequest,
    upload: { readonly request: IncomingMessage; readonly type: string } | null,
  ): Promise<string | null> {
    const { shelf, maxUploadBytes } = this.#options;
    if (upload === null) return recipients.tokens === undefined ? null : shelf.writeTokens(id, recipients.tokens);
    if (this.#uploads === maxUploadsAtOnce) {
      throw refusal(429, 'too_many_uploads', 'The service takes as many lists as it may at a time: try again.', [
        ...['Retry-After', '5', 'Connection', 'close'],
      ]);
    }
    const packing = bodyPacking(upload.request.headers['content-encoding']);
    const name = `recipients.${listEndings[upload.type]}${packing === null ? '' : '.gz'}`;
    this.#uploads += 1;
    try {
      await shelf.writeUpload(id, name, upload.request, maxUploadBytes);
    } finally {
      this.#uploads -= 1;
    }
    return name;
  }

  #entryOf(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw refusal(404, 'not_found', 'There is no campaign with this id.');
    return entry;
  }

  #brief({ shelved, running, problem }: Entry): object {
    const { id, createdMs, wanted, request } = shelved;
    const state = running === null ? (wanted === 'running' || wanted === 'paused' ? 'failed' : wanted) : wanted;
    return { id, title: request.title ?? id, createdAt: new Date(createdMs).toISOString(), wanted, state, problem };
  }
}

/** Whether it was stopped, and answers are still awaited. */
function isStopping({ shelved, running }: Entry): boolean {
  return shelved.wanted === 'stopped' && running !== null;
}

function recipientsOf({ recipients }: CampaignRequest, files: readonly string[]): RecipientFiles {
  const reading = readingFields
    .filter((name) => recipients[name] !== undefined)
    .map((name) => [name, recipients[name]]);
  return { files, ...Object.fromEntries(reading) };
}

function takenRefusal(id: string): Error {
  return refusal(409, 'exists', `There is a campaign ${id} already: GET it, or choose another id.`);
}

function notRunning(id: string): Error {
  return refusal(409, 'not_running', `The campaign ${id} does not run now.`);
}

function stopError(message: string): PealError {
  return new PealError('ERR_PEAL_ABORTED', message, { origin: 'usage', retryable: true });
}
