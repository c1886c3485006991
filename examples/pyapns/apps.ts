/**
 * The apps that were provisioned, and the three methods of pyapns over peal: one session for all apps, a gateway for
 * each certificate and environment. Called by the server for each request.
 */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { APNs, Message, PealError, parseDeviceToken, type Session } from 'peal';
import { failure, notFound, XmlRpcFault, type XmlRpcResult, type XmlRpcValue } from './xml-rpc.js';

/** The environments of pyapns. */
const environments = ['sandbox', 'production'] as const;
type Environment = (typeof environments)[number];

/** Where each environment is: Apple's gateways, or the simulator. */
export type Gateways = Readonly<Record<Environment, string>>;

export interface AppsOptions {
  readonly gateways: Gateways;
  /** The folder whose certificates may be named by their paths. Null: certificates are texts only. */
  readonly certificates: string | null;
  /** Takes a line about each call that has sent something. */
  readonly log: (line: string) => void;
}

interface App {
  readonly apns: APNs;
  readonly timeoutMs: number;
}

const maxApps = 1_000;
const maxAppIdLength = 256;
const maxTimeoutSeconds = 3_600;
const defaultTimeoutSeconds = 15;

type Method = (...params: readonly XmlRpcValue[]) => Promise<XmlRpcResult>;

export class Apps {
  readonly #session: Session;
  readonly #options: AppsOptions;
  readonly #apps = new Map<string, App>();
  readonly #methods: ReadonlyMap<string, Method> = new Map<string, Method>([
    ['provision', this.provision.bind(this)],
    ['notify', this.notify.bind(this)],
    ['feedback', this.feedback.bind(this)],
  ]);

  constructor(session: Session, options: AppsOptions) {
    this.#session = session;
    this.#options = options;
  }

  /** @throws XmlRpcFault (as a rejection) */
  async call(method: string, params: readonly XmlRpcValue[]): Promise<XmlRpcResult> {
    const found = this.#methods.get(method);
    if (found === undefined) throw new XmlRpcFault(notFound, 'There are the methods provision, notify and feedback.');
    try {
      return await found(...params);
    } catch (error) {
      // The sentences of peal hold no secrets.
      throw error instanceof PealError ? new XmlRpcFault(failure, error.message) : error;
    }
  }

  /** As in pyapns, an app that is provisioned already stays as it is. The fifth parameter of its client is ignored. */
  async provision(...params: readonly XmlRpcValue[]): Promise<null> {
    countParams('provision', params, 3, 5);
    const [appId, certificate, environment, timeout = defaultTimeoutSeconds] = params;
    if (typeof appId !== 'string' || appId === '' || appId.length > maxAppIdLength) {
      throw new XmlRpcFault(failure, `app_id must be a text of 1 to ${maxAppIdLength} characters.`);
    }
    if (typeof certificate !== 'string') throw new XmlRpcFault(failure, 'path_to_cert_or_cert must be a text.');
    if (!environments.includes(environment as Environment)) {
      throw new XmlRpcFault(401, 'The environment must be sandbox or production.');
    }
    if (typeof timeout !== 'number' || !(timeout > 0 && timeout <= maxTimeoutSeconds)) {
      throw new XmlRpcFault(
        failure,
        `timeout must be a number of seconds, more than 0 and at most ${maxTimeoutSeconds}.`,
      );
    }
    if (this.#apps.has(appId)) return null;
    if (this.#apps.size >= maxApps) throw new XmlRpcFault(failure, `There are ${maxApps} apps already.`);
    const cert = certificate.includes('-----BEGIN') ? certificate : { file: await this.#pathOf(certificate) };
    const gateway = this.#session.getConnection(this.#options.gateways[environment as Environment], { cert });
    this.#apps.set(appId, { apns: new APNs(gateway), timeoutMs: Math.ceil(timeout * 1_000) });
    return null;
  }

  /**
   * Sends each notification to the token at the same place, or one notification to all tokens. Nothing is sent if any
   * of them is not valid.
   */
  async notify(...params: readonly XmlRpcValue[]): Promise<null> {
    countParams('notify', params, 3, 3);
    const { apns, timeoutMs } = this.#appOf(params[0]);
    const tokens = tokensOf(params[1]);
    const messages = messagesOf(params[2], tokens.length);
    const items = tokens.map((token, index) => ({ token, message: messages[index % messages.length]! }));
    const counts = new Map<string, number>();
    let answered = 0;
    let refusal: PealError | null = null;
    for await (const { outcome, status, reason, error } of apns.sendEach(items, { timeoutMs })) {
      if (outcome === 'accepted' || outcome === 'rejected') answered += 1;
      if (outcome === 'invalid') refusal = error;
      const what = outcome === 'accepted' ? outcome : `${outcome} (${reason ?? error?.code ?? status})`;
      counts.set(what, (counts.get(what) ?? 0) + 1);
    }
    const told = [...counts].map(([what, count]) => `${count} ${what}`).join(', ');
    this.#options.log(`${JSON.stringify(params[0])}: ${told || 'nothing to send'}`);
    // A part that is unsent or unknown is in the log only: a fault would make the caller send all of them again.
    if (answered === 0 && items.length > 0) {
      throw refusal ?? new XmlRpcFault(500, 'Connection to the APNS server could not be made.');
    }
    return null;
  }

  /** The tokens that answers with 410 have named since the last call, each with the time since when it is gone. */
  async feedback(...params: readonly XmlRpcValue[]): Promise<XmlRpcResult> {
    countParams('feedback', params, 1, 1);
    const gone: [Date, string][] = [];
    for await (const { token, when } of this.#appOf(params[0]).apns.feedback()) gone.push([when, token]);
    return gone;
  }

  #appOf(appId: XmlRpcValue | undefined): App {
    const app = typeof appId === 'string' ? this.#apps.get(appId) : undefined;
    if (app === undefined) throw new XmlRpcFault(404, 'The app_id specified has not been provisioned.');
    return app;
  }

  /** A caller may not learn of other files, so all refusals are the same. */
  async #pathOf(certificate: string): Promise<string> {
    const { certificates } = this.#options;
    if (certificates !== null) {
      try {
        const folder = await realpath(certificates);
        const file = await realpath(path.resolve(folder, certificate));
        if (file.startsWith(folder + path.sep)) return file;
      } catch {}
    }
    throw new XmlRpcFault(failure, 'The certificate is neither PEM nor a file of the folder of certificates.');
  }
}

function countParams(method: string, { length }: readonly XmlRpcValue[], least: number, most: number): void {
  if (length >= least && length <= most) return;
  const wanted = least === most ? String(least) : `${least} to ${most}`;
  throw new XmlRpcFault(failure, `${method} takes ${wanted} parameters, not ${length}.`);
}

function tokensOf(given: XmlRpcValue | undefined): string[] {
  const list = Array.isArray(given) ? given : [given];
  return list.map((token, index) => {
    if (typeof token !== 'string') throw new XmlRpcFault(failure, `Token ${index + 1} is not a text.`);
    const text = token.replaceAll(' ', '');
    const parsed = parseDeviceToken(text);
    if ('why' in parsed) throw new XmlRpcFault(failure, `Token ${index + 1} ${parsed.why}.`);
    return text;
  });
}

/** One for each token, or one for all. */
function messagesOf(given: XmlRpcValue | undefined, tokens: number): Message[] {
  const list = Array.isArray(given) ? given : [given];
  if (Array.isArray(given) && given.length !== tokens) {
    throw new XmlRpcFault(failure, `There are ${tokens} tokens and ${given.length} notifications.`);
  }
  return list.map((payload, index) => {
    if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
      throw new XmlRpcFault(failure, `Notification ${index + 1} is not a struct.`);
    }
    return new Message([], { payload });
  });
}
