/**
 * What RFC 9113 §8.2 and §8.3 ask of the header list of a request, for judges of what our client sends. Pure; knows
 * nothing of the code that made the list.
 */

/** Names in the order and values as they stood in the block. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

const tokenName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const connectionSpecific = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);
const requestPseudo = [':method', ':scheme', ':authority', ':path'];

/** Size of a header list as RFC 7541 §4.1 counts. */
export function headerListBytes(list: HeaderList): number {
  let bytes = 0;
  for (const [name, value] of list) bytes += name.length + value.length + 32;
  return bytes;
}

/** What is wrong with the list, or null: a strict receiver would refuse the request for it. */
export function faultOfRequestHeaders(list: HeaderList): string | null {
  const pseudo = new Map<string, string>();
  let isRegular = false;
  for (const [name, value] of list) {
    const fault = faultOfValue(name, value);
    if (fault !== null) return fault;
    if (name.startsWith(':')) {
      if (isRegular) return `${name} behind a regular field`;
      if (!requestPseudo.includes(name)) return `an unknown pseudo-field ${name}`;
      if (pseudo.has(name)) return `two ${name}`;
      pseudo.set(name, value);
      continue;
    }
    isRegular = true;
    if (!tokenName.test(name)) return `the name ${JSON.stringify(name)}`;
    if (connectionSpecific.has(name)) return `the connection-specific field ${name}`;
    if (name === 'te' && value !== 'trailers') return 'te that is not trailers';
  }
  for (const name of requestPseudo) if (!pseudo.get(name)) return `no ${name}`;
  if (!pseudo.get(':path')!.startsWith('/')) return 'a :path without a slash in front';
  return null;
}

/** §8.2.1: neither NUL, CR, LF nor blanks at either end. */
function faultOfValue(name: string, value: string): string | null {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 0 || code === 0x0a || code === 0x0d) return `NUL, CR or LF in ${name}`;
  }
  if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1)))
    return `a blank at an end of ${name}`;
  return null;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
