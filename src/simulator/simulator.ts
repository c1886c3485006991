/**
 * A simulator as a program holds it: started, asked for its ledger, closed. All of it runs on the thread that starts
 * it; simulator-thread runs one on a thread of its own.
 */

import type { FeedbackList } from './books/feedback-list.js';
import type { SimulatorLedger } from './books/ledger.js';
import type { ChannelBooks } from './channels/channel-books.js';
import { fcmGateway, SimulatedGateway } from './faults/simulated-gateway.js';
import { ThrowAwayAuthority } from './listen/certificate.js';
import { ControlServer, type FurtherBooks } from './listen/control-server.js';
import { type ListeningPlan, TlsListener } from './listen/tls-listener.js';
import { TokenServer } from './listen/token-server.js';
import { binaryPlan, feedbackPlan, http2Plan } from './listening-plans.js';
import type { SimulatorOptions } from './settings/options.js';
import type { FaultRecord } from './settings/scenario.js';
import { resolveOptions, type SimulatorSettings } from './settings/simulator-settings.js';
import { SimulatedFcm } from './simulated-fcm.js';

export interface Simulator {
  readonly host: string;
  /** Port of the gateway over HTTP/2. */
  readonly port: number;
  /** `https://host:port`, for `peal send --gateway` and `getConnection`. */
  readonly url: string;
  /** `binary://host:port`; null without a binary gateway. */
  readonly binaryUrl: string | null;
  /** `feedback://host:port`; null without a feedback service. */
  readonly feedbackUrl: string | null;
  /** `https://host:port` of channel management; null without a port of its own. */
  readonly channelsUrl: string | null;
  /** The service of FCM; null without one. */
  readonly fcm: SimulatedFcm | null;
  /** `http://127.0.0.1:port` of the control server; null without one. */
  readonly controlUrl: string | null;
  /** PEM of the authority that clients have to trust; null if the caller gave a certificate. */
  readonly caCertificate: string | null;
  readonly ledger: SimulatorLedger;
  /** The channels that there are, and the requests about them. */
  readonly channels: ChannelBooks;
  /** What the feedback service will tell. */
  readonly feedback: FeedbackList;
  /** The faults of the scenario so far, in order; the first 10,000. */
  readonly faults: readonly FaultRecord[];
  /** The same for the port of channel management. */
  readonly channelsFaults: readonly FaultRecord[];
  /** Sends every client a GOAWAY, answers requests under way, and stops, within about five seconds. Never rejects. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a simulator of the APNs gateway over HTTP/2 and, if they have a port, of channel management, and of the binary
 * gateway and its feedback service, with one ledger for all device pushes; and of FCM, with a ledger of its own.
 *
 * @param options All optional. By default it listens on a free port of 127.0.0.1 with a throw-away certificate.
 * @throws PealError `ERR_PEAL_OPTION` for an option with a wrong value or a port in use, `ERR_PEAL_CREDENTIAL` for a
 *   certificate or key that cannot be used
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = resolveOptions(options);
  const gateway = new SimulatedGateway(settings);
  const channels = channelsGateway(settings, gateway);
  const messages = fcmGateway(settings);
  const identity = identityOf(settings);
  const opened: { close(): Promise<void> }[] = [];
  const listen = async (plan: ListeningPlan | null, of: SimulatedGateway = gateway): Promise<number | null> => {
    if (plan === null) return null;
    const listener = new TlsListener(of.settings, identity, plan);
    const port = await listener.listen();
    opened.push(listener);
    if (plan.alpnProtocol === 'h2') of.scenario?.gateway.add(listener);
    return port;
  };
  let fcm: SimulatedFcm | null = null;
  const openFcm = async (): Promise<void> => {
    if (messages?.fcm == null) return;
    const { host } = settings;
    const port = (await listen(http2Plan(messages, messages.fcm.settings.port), messages))!;
    const server = new TokenServer(messages.fcm.endpoint, identity);
    const tokenPort = await server.listen(host, messages.fcm.settings.tokenPort);
    opened.push(server);
    fcm = new SimulatedFcm(messages, messages.fcm, hostInUrl(host), port, `${hostInUrl(host)}:${tokenPort}`);
  };
  const openControl = async (): Promise<string | null> => {
    if (settings.controlPort === null) return null;
    const control = new ControlServer(gateway.ledger, identity.authority, { ...further(gateway), fcm });
    const port = await control.listen(settings.controlPort);
    opened.push(control);
    return `http://127.0.0.1:${port}`;
  };
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    gateway.scenario?.stop();
    channels?.scenario?.stop();
    messages?.scenario?.stop();
    closing ??= Promise.all(opened.map((item) => item.close())).then(() => {});
    return closing;
  };
  try {
    const { host, channelsPort: wantedPort } = settings;
    const port = (await listen(http2Plan(gateway, settings.port)))!;
    const channelsPort = channels && (await listen(http2Plan(channels, wantedPort ?? 0), channels));
    const binaryPort = await listen(binaryPlan(gateway));
    const feedbackPort = await listen(feedbackPlan(gateway));
    await openFcm();
    return {
      host,
      port,
      url: `https://${hostInUrl(host)}:${port}`,
      binaryUrl: binaryPort === null ? null : `binary://${hostInUrl(host)}:${binaryPort}`,
      feedbackUrl: feedbackPort === null ? null : `feedback://${hostInUrl(host)}:${feedbackPort}`,
      channelsUrl: channelsPort === null ? null : `https://${hostInUrl(host)}:${channelsPort}`,
      fcm,
      controlUrl: await openControl(),
      caCertificate: identity.authority,
      ledger: gateway.ledger,
      channels: gateway.channels,
      feedback: gateway.feedback,
      faults: gateway.scenario?.done ?? [],
      channelsFaults: channels?.scenario?.done ?? [],
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The port of channel management: the channels of `gateway`, with faults and a ledger of connections of its own. */
function channelsGateway(settings: SimulatorSettings, gateway: SimulatedGateway): SimulatedGateway | null {
  if (settings.channelsPort === null) return null;
  const own = { scenario: settings.channelsScenario, ledger: 'counts', onRequest: null, feedbackPort: null } as const;
  const ofPort = new SimulatedGateway({ ...settings, ...own }, { pushes: false, management: true }, gateway);
  gateway.channels.watchPort(ofPort.ledger);
  return ofPort;
}

/** What the control server tells beside the ledger. */
function further({ channels, feedback, scenario }: SimulatedGateway): Omit<FurtherBooks, 'fcm'> {
  return { channels, feedback, scenario };
}

interface Identity {
  readonly cert: string;
  readonly key: string;
  /** PEM of the throw-away authority, or null. */
  readonly authority: string | null;
}

function identityOf(settings: SimulatorSettings): Identity {
  if (settings.cert !== null && settings.key !== null) {
    return { cert: settings.cert, key: settings.key, authority: null };
  }
  const authority = new ThrowAwayAuthority('peal simulator', settings.clock.wallMs());
  const hosts = new Set(['localhost', '127.0.0.1', '::1', settings.host]);
  return { ...authority.issueServer([...hosts]), authority: authority.certificate };
}

/** A host that listens on all addresses is reached by the loopback address. */
function hostInUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
