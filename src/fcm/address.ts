/**
 * Addresses of FCM: its name, and URLs of stand-ins for it; and the ids of projects, which stand in the path of each
 * request. Pure; any thread.
 *
 * Source: Firebase documentation, "REST Resource: projects.messages" (docs/fcm.md has the address).
 */
import { PealError } from '../base/errors.js';
import { maxProjectCharacters } from '../base/limits.js';
import { escapeUnprintable } from '../base/text.js';
import { theOption } from '../base/wording.js';
import type { Address } from '../push/address.js';

const googleHost = 'fcm.googleapis.com';
const usualPort = 443;

/** Returns whether an address is FCM's, so that it is read here. */
export function isFcmAddress(address: unknown): address is string {
  return typeof address === 'string' && /^(?:fcm$|fcm:\/\/|https:\/\/fcm\.googleapis\.com(?:[:/]|$))/i.test(address);
}

/**
 * Returns the address that `text` names for a project: `fcm` (Google's), `https://fcm.googleapis.com`, or
 * `fcm://host[:port]`, where the project may follow as a path.
 *
 * @param project id or number. Default: the one in the path
 * @throws PealError ERR_PEAL_ADDRESS; ERR_PEAL_OPTION for what is no id of a project
 */
export function parseFcmAddress(text: string, project?: string): Address {
  const place = parseFcmPlace(text);
  const { project: inPath } = place;
  if (inPath !== undefined && project !== undefined && inPath !== project) {
    throw addressError(`The address names the project ${quote(inPath)}, and another one was given`);
  }
  return { ...place, project: checkProject(project ?? inPath) };
}

/**
 * Returns the address that `text` names, with the project in its path as it is written, or without one.
 *
 * @throws PealError ERR_PEAL_ADDRESS
 */
export function parseFcmPlace(text: string): Address {
  if (typeof text !== 'string') throw addressError(`An address cannot be ${text === null ? 'null' : typeof text}`);
  if (text === 'fcm') return placeOf(googleHost, usualPort, '');
  const [, scheme = '', rest = ''] = /^(fcm|https?):\/\/(.*)$/is.exec(text) ?? [];
  // Read as https, because URL does not parse the hosts of schemes that it does not know.
  const url = scheme === '' ? null : tryUrl(`https://${rest}`);
  if (url === null) throw addressError(`The address ${quote(text)} is not known`);
  if (scheme.toLowerCase() === 'http')
    throw addressError('FCM is spoken over TLS only, so the address cannot be http://');
  if (scheme.toLowerCase() === 'https' && url.hostname !== googleHost) {
    throw addressError(`The address ${quote(text)} is not Google's`);
  }
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw addressError('An address has neither query, fragment nor user name');
  }
  const port = url.port === '' ? usualPort : Number(url.port);
  if (port === 0) throw addressError('The port of an address must be a whole number from 1 to 65535');
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  return placeOf(host, port, url.pathname.slice(1).replace(/\/$/, ''));
}

/** Returns whether messages go to Google, and not to a stand-in. */
export function isGoogle({ host }: Pick<Address, 'host'>): boolean {
  return host === googleHost;
}

/**
 * Returns the id of a project. Blanks and quotes around it come from environment variables and are removed, `projects/`
 * comes from Google's pages.
 *
 * @param subject what a sentence about a wrong one begins with
 * @throws PealError ERR_PEAL_OPTION
 */
export function checkProject(project: unknown, subject = theOption('project')): string {
  const text = typeof project === 'string' ? project.replace(/^[\s"'\ufeff]+|[\s"']+$/g, '') : '';
  const id = text.replace(/^projects\//, '');
  // Ids of projects of a Workspace domain have its name before a colon.
  if (id.length <= maxProjectCharacters && /^[a-z0-9](?:[a-z0-9.:-]*[a-z0-9])?$/i.test(id)) return id;
  const problem = id === '' ? `${theOption('project')} is missing` : `${subject} is not the id of a project`;
  throw new PealError(
    'ERR_PEAL_OPTION',
    `${problem}: give the project id of the Firebase console, such as my-app-1a2b3, or its number.`,
    { origin: 'usage' },
  );
}

function placeOf(host: string, port: number, inPath: string): Address {
  return { protocol: 'fcm', host, port, ...(inPath !== '' && { project: inPath }) };
}

/** Returns null also for text with blanks or controls, which `URL` would remove. */
function tryUrl(text: string): URL | null {
  return /[\s\p{C}]/u.test(text) || !URL.canParse(text) ? null : new URL(text);
}

/** At most 80 characters. A URL may hold a password, so nothing before an @ is quoted. */
function quote(text: string): string {
  return `"${escapeUnprintable(text.replace(/^.*@/s, '…@'), 80)}"`;
}

function addressError(problem: string): PealError {
  return new PealError('ERR_PEAL_ADDRESS', `${problem}: give fcm, or fcm://host:port for a stand-in.`, {
    origin: 'usage',
  });
}
