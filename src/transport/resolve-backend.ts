/**
 * From what a session was told to a back-end: a built-in one by name, a module, a class, or an object as it is. Called
 * when an engine starts, and in each worker; the module is loaded then, not before.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Clock, systemClock } from '../base/clock.js';
import { PealError } from '../base/errors.js';
import { optionError } from '../base/options.js';
import { stripUnprintable } from '../base/text.js';
import { theOption } from '../base/wording.js';
import type { Backend, BackendClass } from './backend.js';
import type { MemoryAccept, MemoryOptions } from './memory.js';
import type { ProxyOptions } from './proxy.js';

/** What the option `backend` of a session may be. */
export type BackendInput = string | BackendClass | Backend;

/** A class as it is called; what it takes is its own affair. */
type AnyBackendClass = new (options: object) => unknown;

/**
 * The back-end that `input` names or is. `options` go to the class, or the built-in back-end.
 *
 * @throws PealError ERR_PEAL_OPTION: the module is missing or exports no back-end, or the options are wrong
 */
export async function resolveBackend(
  input: BackendInput,
  options: object | null,
  clock: Clock = systemClock,
): Promise<Backend> {
  if (typeof input !== 'string') return backendOf(input, options ?? {}, theOption('backend'));
  switch (input) {
    case 'tls':
      refuseOptions(options);
      return (await import('./tls.js')).createTlsBackend({ clock });
    case 'proxy':
      return (await import('./proxy.js')).createProxyBackend((options ?? {}) as ProxyOptions, { clock });
    case 'memory':
      return memoryBackend((options ?? {}) as Partial<NamedMemoryOptions>, clock);
  }
  const name = `The back-end ${JSON.stringify(stripUnprintable(input, 200))}`;
  return backendOf(await defaultExport(input, name), options ?? {}, name);
}

/** `backendOptions` of `memory`: where connections lead to, beside the options of a memory stream. */
interface NamedMemoryOptions extends MemoryOptions {
  readonly accept: MemoryAccept;
}

async function memoryBackend(options: Partial<NamedMemoryOptions>, clock: Clock): Promise<Backend> {
  const { accept, ...rest } = options;
  if (typeof accept !== 'function') {
    throw optionError('The back-end memory needs a function: give backendOptions: { accept }.');
  }
  return (await import('./memory.js')).createMemoryBackend(accept, { clock, ...rest });
}

function refuseOptions(options: object | null): void {
  const name = Object.keys(options ?? {})[0];
  if (name !== undefined) throw optionError(`The back-end tls has no option ${JSON.stringify(name)}.`);
}

async function defaultExport(specifier: string, name: string): Promise<unknown> {
  try {
    const module = (await import(importable(specifier))) as { default?: unknown };
    return module.default;
  } catch (error) {
    throw optionError(
      `${name} cannot be loaded (${said(error)}): give tls, memory, proxy, or the package, path or URL of a module.`,
    );
  }
}

/** Paths are meant as everywhere else: from the working directory. Packages and URLs stay as they are. */
function importable(specifier: string): string {
  const isPath = /^\.{1,2}[/\\]/.test(specifier) || path.isAbsolute(specifier);
  return isPath ? pathToFileURL(path.resolve(specifier)).href : specifier;
}

/** An object that opens streams, or what a class makes of the options. */
function backendOf(value: unknown, options: object, name: string): Backend {
  if (isBackend(value)) return value;
  if (typeof value !== 'function') {
    throw optionError(
      `${name} is not a back-end: the default export must be a class or an object with the method open.`,
    );
  }
  let made: unknown;
  try {
    made = new (value as AnyBackendClass)(options);
  } catch (error) {
    throw error instanceof PealError ? error : optionError(`${name} cannot be made (${said(error)}).`);
  }
  if (isBackend(made)) return made;
  throw optionError(`${name} is a class whose instances have no method open.`);
}

function isBackend(value: unknown): value is Backend {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Backend>).open === 'function';
}

/** An error's code, or its message: the message of a module that is missing repeats paths. */
function said(error: unknown): string {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : stripUnprintable(message ?? String(error), 160);
}
