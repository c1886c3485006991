/** Options of a link for tests: a session's own, where a test does not say otherwise. */
import { maxConnectionsOption } from '../../src/base/limits.js';
import type { LinkOptions } from '../../src/connection/link-options.js';
import { checkSessionOptions } from '../../src/session/options/session-options.js';

const { link } = checkSessionOptions({ maxConnections: 1, poolSize: maxConnectionsOption });

/**
 * One connection, which is kept however long it is idle, unless `given` says otherwise. What else it holds is left out.
 */
export function linkWith(given: Partial<LinkOptions> = {}): LinkOptions {
  const names = Object.keys(link) as (keyof LinkOptions)[];
  return Object.freeze(Object.fromEntries(names.map((name) => [name, given[name] ?? link[name]])) as never);
}
