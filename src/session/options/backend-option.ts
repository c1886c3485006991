/**
 * The options `backend` and `backendOptions` of a session: checked when the session is made, turned into a back-end
 * when its engine starts. Main thread. Until then no back-end is loaded.
 */
import type { Clock } from '../../base/clock.js';
import { optionError } from '../../base/options.js';
import { proxyOf, proxyVariables } from '../../base/proxy-environment.js';
import { parseProxyUrl } from '../../base/proxy-url.js';
import { theOption } from '../../base/wording.js';
import type { LinkOptions } from '../../connection/link-options.js';
import type { Backend, BackendSpec } from '../../transport/backend.js';
import type { BackendInput } from '../../transport/resolve-backend.js';

/** Which back-end, as checked. `options`: for a name, a module or a class. */
export interface BackendChoice {
  readonly backend: BackendInput;
  readonly options: object | null;
}

/**
 * Null where nothing was chosen.
 *
 * @throws PealError ERR_PEAL_OPTION that names the option
 */
export function checkBackend(
  options: {
    readonly backend?: BackendInput | undefined;
    readonly backendOptions?: object | undefined;
    readonly proxy?: string | undefined;
  },
  threads: number,
): BackendChoice | null {
  const { backend, backendOptions, proxy } = options;
  if (proxy !== undefined) {
    if (backend === undefined && backendOptions === undefined) return proxyChoice(proxy);
    throw optionError('The option proxy does not go with backend, which says by itself how gateways are reached.');
  }
  if (backend === undefined) {
    if (backendOptions === undefined) return null;
    throw optionError(`${theOption('backendOptions')} goes with backend, which is missing.`);
  }
  checkKind(backend);
  if (threads > 0 && typeof backend !== 'string') {
    throw optionError(
      `${theOption('backend')} is an object of this thread: with threads, give a name (tls, proxy) or the package, ` +
        'path or URL of a module that exports it, or give threads: 0.',
    );
  }
  if (backendOptions !== undefined) checkBackendOptions(backendOptions, backend, threads);
  return { backend, options: backendOptions ?? null };
}

/** Loads and makes the back-end. Rejects with PealError ERR_PEAL_OPTION, also where it would not check `pins`. */
export async function openBackend(
  { backend, options }: BackendChoice,
  { clock, link }: { readonly clock: Clock; readonly link: LinkOptions },
): Promise<Backend> {
  const { resolveBackend } = await import('../../transport/resolve-backend.js');
  const made = await resolveBackend(backend, options, clock);
  if (link.pins === null || made.checksPins === true) return made;
  throw optionError(
    `${theOption('pins')} does not go with this backend, which does not say that it checks them: see checksPins in ` +
      'docs/backends.md.',
  );
}

/** What threads make their back-ends of; only for what was checked with threads. */
export function backendSpec({ backend, options }: BackendChoice): BackendSpec {
  return { specifier: backend as string, options };
}

/** The environment is read here, once: threads have one of their own. Null where it names no proxy. */
function proxyChoice(proxy: unknown): BackendChoice | null {
  if (proxy !== 'environment') {
    parseProxyUrl(proxy);
    return { backend: 'proxy', options: { url: proxy } };
  }
  const environment = proxyVariables(process.env);
  return proxyOf(environment) === null ? null : { backend: 'proxy', options: { environment } };
}

function checkKind(backend: unknown): void {
  const isName = typeof backend === 'string' && backend !== '';
  const isObject = typeof backend === 'object' && backend !== null;
  if (isName || typeof backend === 'function') return;
  if (isObject && typeof (backend as { open?: unknown }).open === 'function') return;
  throw optionError(
    `${theOption('backend')} must be a name (tls, proxy, memory), a module, a class, ` +
      'or an object with the method open.',
  );
}

/** The values may hold a password, so they are not shown. */
function checkBackendOptions(backendOptions: unknown, backend: BackendInput, threads: number): void {
  if (typeof backendOptions !== 'object' || backendOptions === null) {
    throw optionError(`${theOption('backendOptions')} must be an object.`);
  }
  if (typeof backend === 'object') {
    throw optionError(
      `${theOption('backendOptions')} is for a name, a module or a class: this backend is made already.`,
    );
  }
  if (threads === 0) return;
  try {
    structuredClone(backendOptions);
  } catch {
    throw optionError(
      `${theOption('backendOptions')} must be plain data with threads: each makes its own back-end of it.`,
    );
  }
}
