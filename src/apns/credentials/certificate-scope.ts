/**
 * What a push certificate is for: the topics and the environments that Apple has written into its extensions. Pure;
 * called while certificates are loaded, and by the simulator for those of its clients.
 *
 *   1.2.840.113635.100.6.3.6   the topics: a sequence in which each topic is a string, followed by a sequence of its kinds
 *   1.2.840.113635.100.6.3.1   present: for the sandbox
 *   1.2.840.113635.100.6.3.2   present: for production
 *
 * Source: "Establishing a certificate-based connection to APNs".
 */
import { Buffer } from 'node:buffer';
import { maxTopicsOfCertificate } from '../../base/limits.js';
import type { Environment } from '../../push/address.js';
import type { CertificateScope } from '../../push/credentials/credential.js';
import { type DerValue, objectIdOf, octetsOf, partsOf } from '../../push/credentials/der.js';
import { isTopicForm } from '../push-type.js';

const topicsId = '1.2.840.113635.100.6.3.6';
const environmentIds: Readonly<Record<string, Environment>> = {
  '1.2.840.113635.100.6.3.1': 'sandbox',
  '1.2.840.113635.100.6.3.2': 'production',
};

/** UTF8String, PrintableString, IA5String. */
const textTags: ReadonlySet<number> = new Set([0x0c, 0x13, 0x16]);
/** The explicit tag of the extensions (RFC 5280 §4.1). */
const extensionsTag = 0xa3;

/**
 * @param der The certificate.
 * @param uid The user id within its subject, which is a topic, too; null without one.
 */
export function certificateScope(der: Uint8Array, uid: string | null): CertificateScope {
  const extensions = extensionsOf(Buffer.from(der.buffer, der.byteOffset, der.byteLength));
  const environments = Object.keys(environmentIds).filter((id) => extensions.has(id));
  return {
    topics: topicsIn(extensions.get(topicsId), uid ?? ''),
    environments: environments.length === 0 ? null : Object.freeze(environments.map((id) => environmentIds[id]!)),
  };
}

/** The value of each extension by its id; empty for bytes that are not a certificate. */
function extensionsOf(der: Buffer): ReadonlyMap<string, Buffer> {
  const [toBeSigned] = partsOf(der) ?? [];
  const tagged = partsOf(toBeSigned?.whole)?.find(({ tag }) => tag === extensionsTag);
  const [list] = partsOf(tagged?.whole) ?? [];
  const extensions = new Map<string, Buffer>();
  for (const { whole } of partsOf(list?.whole) ?? []) {
    const parts = partsOf(whole) ?? [];
    const value = octetsOf(parts.at(-1));
    if (value !== null) extensions.set(objectIdOf(parts[0]), value);
  }
  return extensions;
}

function topicsIn(value: Buffer | undefined, uid: string): readonly string[] | null {
  const topics = (partsOf(value) ?? [])
    .filter(isText)
    .map(({ content }) => content.toString('utf8'))
    .filter(isTopicForm);
  if (topics.length === 0) return null;
  const all = isTopicForm(uid) ? new Set([...topics, uid]) : new Set(topics);
  return Object.freeze([...all].slice(0, maxTopicsOfCertificate));
}

function isText({ tag }: DerValue): boolean {
  return textTags.has(tag);
}
