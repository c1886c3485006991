/**
 * The steps of `peal doctor` in their order, each after those that it needs: this machine, the credential of each
 * service, the clock, and for each service the way to its gateway and what the gateway says. A step whose condition has
 * failed is skipped, and says why. Main thread.
 */
import { providerTokens } from '../../apns/credentials/provider-token.js';
import { type Address, isOverHttp2 } from '../../push/address.js';
import type { Credential } from '../../push/credentials/credential.js';
import type { ProxyOptions } from '../../transport/proxy.js';
import { isAppleAddress } from '../shared/gateway-flags.js';
import { linkOf } from '../shared/link-flags.js';
import type { Terminal } from '../shared/terminal.js';
import { binaryPushStep } from './binary-push.js';
import { clockStep, dateStep } from './clock.js';
import { Conversation } from './conversation.js';
import { examineCredential } from './credential.js';
import type { DoctorFlags, ExaminedService, TimeServer } from './doctor-options.js';
import { http2Step } from './http2.js';
import { filesStep, nodeStep, openFiles } from './machine.js';
import { examineName } from './names.js';
import { pushStep } from './push.js';
import { examineAccessToken, examineAccount } from './service-account.js';
import { settingsStep } from './settings.js';
import { failedBy, type PushService, type Step, type StepName, skipped } from './step.js';
import { examineTls } from './tls.js';
import { topicStep } from './topic.js';
import { examineTrust, type Trust } from './trust.js';
import { examineAddresses, examineProxy, type OpenWay } from './way.js';

const appleTimeServer: TimeServer = { host: 'time.apple.com', port: 123 };

/** What the steps are about. */
interface Subject {
  readonly flags: DoctorFlags;
  /** At least one. */
  readonly services: readonly ExaminedService[];
  readonly env: Terminal['env'];
  readonly settings: Terminal['settings'];
  /** Aborts where the command is interrupted. */
  readonly signal: AbortSignal;
}

/** Who is to be looked at over the network. */
interface Caller {
  readonly address: Address;
  /** Null: pushes are made without one. */
  readonly credential: Credential | null;
  /** Whether one is given that cannot be used: then nothing is sent. */
  readonly isUnusable: boolean;
}

/** The steps that follow the one after which nothing can be looked at. */
function* beyond(names: readonly StepName[], why: string): Generator<Step, void> {
  for (const name of names) yield skipped(name, why);
}

/** @throws PealError ERR_PEAL_OPTION for options of the link that are wrong by themselves, before the first step */
export async function* examination(subject: Subject): AsyncGenerator<Step, void> {
  const { flags, env, signal } = subject;
  const link = linkOf(flags, env);
  const nowMs = Date.now();
  yield nodeStep(process.version, process.platform, env);
  yield filesStep(openFiles());
  yield settingsStep(subject.settings);
  const callers: { readonly service: PushService; readonly caller: Caller | null }[] = [];
  for (const one of subject.services) {
    callers.push({ service: one.service, caller: yield* about(one.service, whoCalls(one, subject, nowMs)) });
  }
  const { step, trust } = examineTrust(link, nowMs);
  if (step !== null) yield step;
  if (flags.offline === true) {
    const why = 'nothing is opened with --offline';
    yield skipped('clock', why);
    for (const { service } of callers) yield* about(service, beyond(network, why));
    return;
  }
  const isApple = callers.some(({ caller }) => caller !== null && isAppleAddress(caller.address));
  const server = flags.timeServer ?? (isApple ? appleTimeServer : null);
  const clock = await clockStep(server, flags.timeServer !== undefined, signal);
  yield clock;
  for (const { service, caller } of callers) {
    if (caller === null) {
      yield* about(service, beyond(network, noGateway));
    } else if (trust === null) {
      yield* about(service, beyond(network, 'the certificates of --ca cannot be used'));
    } else {
      const steps = overNetwork(caller, { ...subject, trust, link, isClockWrong: clock.state === 'failed' });
      yield* about(service, steps);
    }
  }
}

const network: readonly StepName[] = ['name', 'connection', 'tls', 'push'];
const noGateway = 'no gateway is given: --environment production, --environment sandbox or --gateway ADDRESS';

/** The steps of one service. */
async function* about<Result>(
  service: PushService,
  steps: AsyncGenerator<Step, Result> | Generator<Step, Result>,
): AsyncGenerator<Step, Result> {
  try {
    for (;;) {
      const next = await steps.next();
      if (next.done === true) return next.value;
      yield { ...next.value, service };
    }
  } finally {
    // Where the command was interrupted meanwhile, this ends what they have begun.
    await steps.return(undefined as Result);
  }
}

async function* whoCalls(
  { service, address, isAssumed }: ExaminedService,
  { flags, env }: Subject,
  nowMs: number,
): AsyncGenerator<Step, Caller | null> {
  if (service === 'fcm') {
    if (flags.provider === 'fcm' && (flags.key ?? flags.cert ?? flags.pfx) !== undefined) {
      yield skipped('key', 'it is for APNs: looked at with --provider both');
    }
    const { step, account } = examineAccount(flags, env);
    yield step;
    const project = account?.project ?? address!.project!;
    return { address: { ...address!, project }, credential: account?.credential ?? null, isUnusable: account === null };
  }
  if (flags.provider === 'apns' && flags.serviceAccount !== undefined) {
    yield skipped('service-account', 'it is for FCM: looked at with --provider both');
  }
  const { step, credential } = await examineCredential(flags, env, nowMs, isAssumed);
  yield step;
  if (address?.protocol !== 'binary') yield topicStep(flags, address, credential);
  return address === null ? null : { address, credential, isUnusable: step.state === 'failed' };
}

interface Network extends Subject {
  readonly trust: Trust;
  readonly link: ReturnType<typeof linkOf>;
  readonly isClockWrong: boolean;
}

async function* overNetwork(caller: Caller, network: Network): AsyncGenerator<Step, void> {
  const { address } = caller;
  const isFcm = address.protocol === 'fcm';
  const push: readonly StepName[] = isFcm ? ['access-token', 'push'] : ['push'];
  const inside: readonly StepName[] = isOverHttp2(address.protocol) ? ['http2', ...push] : push;
  const way = yield* wayTo(address, network);
  if (way === null) {
    yield* beyond(
      ['tls', ...(isOverHttp2(address.protocol) ? (['alpn'] as const) : []), ...inside],
      'there is no way to the gateway',
    );
    return;
  }
  const conversation = yield* examineTls(address, way, () => begin(caller, network), network.signal, Date.now());
  if (conversation === null) {
    yield* beyond(inside, 'no connection to the gateway was made');
    return;
  }
  const stop = (): void => conversation.close();
  network.signal.addEventListener('abort', stop, { once: true });
  try {
    yield* spokenTo(caller, conversation, network, push);
  } finally {
    network.signal.removeEventListener('abort', stop);
    conversation.close();
  }
}

async function* wayTo(address: Address, { link, signal }: Network): AsyncGenerator<Step, OpenWay | null> {
  const { proxyWayTo } = await import('../../transport/proxy.js');
  const proxied = link.backend === 'proxy' ? proxyWayTo(address, link.backendOptions as ProxyOptions) : null;
  const { step, addresses } = await examineName(proxied?.proxy.host ?? address.host, signal);
  yield step;
  const reached: StepName = proxied === null ? 'connection' : 'proxy';
  if (addresses.length === 0) {
    yield skipped(reached, 'there is no address to connect to');
    return null;
  }
  const way =
    proxied === null
      ? await examineAddresses(address, addresses, signal)
      : await examineProxy(proxied, address, signal);
  yield way.step;
  return way.open;
}

async function begin({ address, credential }: Caller, { link, trust }: Network): Promise<Conversation> {
  const { resolveBackend } = await import('../../transport/resolve-backend.js');
  const backend = await resolveBackend(link.backend ?? 'tls', link.backendOptions ?? null);
  const data = credential?.data;
  return new Conversation(backend, address, trust, data?.kind === 'certificate' ? data : null);
}

async function* spokenTo(
  { address, credential, isUnusable }: Caller,
  conversation: Conversation,
  { flags, signal, isClockWrong }: Network,
  push: readonly StepName[],
): AsyncGenerator<Step, void> {
  if (isUnusable && (flags.cert ?? flags.pfx) !== undefined) {
    // Without its certificate, a gateway may end the connection.
    yield* beyond(isOverHttp2(address.protocol) ? ['http2', ...push] : push, 'the certificate cannot be used');
    return;
  }
  if (isOverHttp2(address.protocol)) {
    const http2 = await http2Step(conversation, credential?.kind === 'certificate', signal);
    yield http2;
    if (http2.state === 'failed') {
      yield* beyond(push, 'the gateway does not speak HTTP/2 with us');
      return;
    }
  }
  if (isUnusable) {
    yield* beyond(push, 'the credential cannot be used');
    return;
  }
  if (credential === null && isAppleAddress(address)) {
    yield* beyond(push, 'no credential is given');
    return;
  }
  if (address.protocol === 'binary') {
    yield await binaryPushStep(conversation, credential !== null, signal);
    return;
  }
  const { step, token } = await tokenOf(address, credential, signal);
  if (step !== null) yield step;
  if (step?.state === 'failed') {
    yield skipped('push', 'there is no token to send with');
    return;
  }
  const known = { hasCredential: credential !== null, isClockWrong };
  const pushed = await pushStep(conversation, address, flags, token, known, signal);
  yield pushed.step;
  const date = isClockWrong ? null : dateStep(pushed.date, Date.now(), conversation.where);
  if (date !== null) yield date;
}

/** The token that a push would carry. `step`: null where there is nothing to say of it. */
async function tokenOf(
  address: Address,
  credential: Credential | null,
  signal: AbortSignal,
): Promise<{ readonly step: Step | null; readonly token: string | null }> {
  if (credential?.kind !== 'token') return { step: null, token: null };
  if (address.protocol === 'fcm') return examineAccessToken(credential, signal);
  const { fingerprint, tokenOrigin } = credential;
  if (tokenOrigin === null) return { step: null, token: providerTokens.minterFor(credential).current().token };
  try {
    return { step: null, token: await providerTokens.keeperFor(fingerprint, tokenOrigin).current() };
  } catch (error) {
    return { step: failedBy('provider-token', error, 'Check the file of --provider-token-file.'), token: null };
  }
}
