/**
 * The steps about TLS and the protocol within it (ALPN): opens a connection by the back-end of pushes, and says by a
 * look what is wrong where that fails. Main thread.
 */
import { PealError } from '../../base/errors.js';
import { doctorStepMs, gatewayCertificateWarningMs } from '../../base/limits.js';
import type { Address } from '../../push/address.js';
import { isOverHttp2, serviceName } from '../../push/address.js';
import { hostAndPort } from '../../transport/tls-errors.js';
import { exitCodes } from '../shared/exit-codes.js';
import type { Conversation } from './conversation.js';
import { type Look, lookAt } from './look.js';
import { failed, failedBy, ok, type Step, skipped, TimeIsUp, warning, within } from './step.js';
import type { OpenWay } from './way.js';

/** What is offered in a look, so that a server that speaks an older protocol says so. */
const offered = ['h2', 'http/1.1'];

/**
 * Hands out the steps. The conversation is open if all of them are well.
 *
 * @param begin opens the connection; called at most once, and not for a gateway that makes no handshake at all
 */
export async function* examineTls(
  address: Address,
  way: OpenWay,
  begin: () => Promise<Conversation>,
  signal: AbortSignal,
  nowMs: number,
): AsyncGenerator<Step, Conversation | null> {
  const isHttp2 = isOverHttp2(address.protocol);
  const look = await lookAt(address.host, way, isHttp2 ? offered : [], signal);
  if (look === 'silent') {
    yield* silentSteps(address);
    return null;
  }
  const conversation = await begin();
  try {
    await within(doctorStepMs + 1_000, signal, () => conversation.opened());
  } catch (error) {
    conversation.close();
    if (error instanceof TimeIsUp) yield* silentSteps(address);
    else yield* failedSteps(address, error, look, nowMs);
    return null;
  }
  yield tlsStep(look, nowMs);
  if (isHttp2) yield ok('alpn', 'h2', { protocol: 'h2' });
  else yield skipped('alpn', 'the binary protocol agrees on no protocol');
  return conversation;
}

const noTls = 'TLS was not set up';

function* silentSteps(address: Address): Generator<Step> {
  const found = `${hostAndPort(address)} takes connections, and makes no TLS handshake within ${doctorStepMs / 1000} seconds`;
  const advice =
    'Check that this is the port of a gateway. A firewall that inspects TLS may hold the handshake back: exempt the gateway.';
  yield failed('tls', found, advice, exitCodes.stopped);
  if (isOverHttp2(address.protocol)) yield skipped('alpn', noTls);
}

function* failedSteps(address: Address, error: unknown, look: Look | null, nowMs: number): Generator<Step> {
  if (error instanceof PealError && error.code === 'ERR_PEAL_ALPN') {
    if (look !== null) yield tlsStep(look, nowMs);
    const protocol = look?.protocol ?? null;
    const found = `${hostAndPort(address)} does not speak h2: it ${protocol === null ? 'agrees on no protocol' : `agrees on ${protocol} only`}`;
    const advice =
      `Check that host and port are those of a gateway of ${serviceName(address.protocol)}. A proxy or load balancer before ` +
      'it that ends TLS has to speak HTTP/2.';
    yield failed('alpn', found, advice, exitCodes.stopped, { code: error.code, protocol });
    return;
  }
  const step = failedBy('tls', error, 'Check host and port.', { chain: look?.chain ?? [] });
  const leaf = look?.chain[0];
  yield leaf === undefined ? step : { ...step, advice: `${step.advice} It shows ${shown(leaf)}.` };
  if (isOverHttp2(address.protocol)) yield skipped('alpn', noTls);
}

function shown({ subject, issuer, until }: Look['chain'][number]): string {
  const who = subject === issuer ? 'signed by itself' : `issued by ${issuer === '' ? 'nobody' : issuer}`;
  return `${subject === '' ? 'a certificate without a name' : subject}, ${who}, valid until ${until.slice(0, 10)}`;
}

function tlsStep(look: Look | null, nowMs: number): Step {
  const leaf = look?.chain[0];
  if (look === null || leaf === undefined) return ok('tls', 'trusted');
  const found = `${look.version}, trusted: ${leaf.subject === '' ? leaf.names : leaf.subject}, valid until ${leaf.until.slice(0, 10)}`;
  const details = { version: look.version, chain: look.chain };
  if (Date.parse(leaf.until) - nowMs >= gatewayCertificateWarningMs) return ok('tls', found, details);
  const advice = 'The certificate of the gateway ends soon: if the gateway is yours, renew it.';
  return warning('tls', found, advice, details);
}
