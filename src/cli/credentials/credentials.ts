/**
 * `peal credentials`: the store of certificates and keys that campaigns on several machines and `peal serve` send with.
 * Each action opens the store, does one thing, and prints what it did; none prints a secret. Main thread.
 */
import { parseAddress } from '../../apns/address.js';
import { counted } from '../../base/text.js';
import type { CredentialStore } from '../../credentials/kinds/credential-store.js';
import { NewCredential } from '../../credentials/kinds/new-credential.js';
import { type CredentialPlace, checkPlace, environmentOf, placeName } from '../../credentials/kinds/place.js';
import { credentialTables } from '../../credentials/kinds/postgres-tables.js';
import { credentialLog, credentialOf, inCredentialWords } from '../shared/command-credential.js';
import { type ExitCode, exitCodes } from '../shared/exit-codes.js';
import { Interrupt } from '../shared/interrupt.js';
import { askYesOrNo } from '../shared/question.js';
import { openCommandStore, type StoreFlags } from '../shared/store-options.js';
import { printable, type Terminal, usageError, writeJsonLine } from '../shared/terminal.js';
import {
  type AddFlags,
  checkGivenCredential,
  type ListFlags,
  type MigrateFlags,
  type RemoveFlags,
  type RotateFlags,
} from './credentials-options.js';
import { entryLines } from './entry-lines.js';

/** All actions throw PealError: ERR_PEAL_OPTION, ERR_PEAL_CREDENTIAL, ERR_PEAL_INPUT (files), ERR_PEAL_STORE. */
export async function listCredentials(flags: ListFlags, terminal: Terminal): Promise<ExitCode> {
  return withStore(flags, terminal, async (store) => {
    const environment = environmentOf(flags.environment);
    const entries = (await store.list()).filter(
      (entry) =>
        (flags.app === undefined || entry.app === flags.app) &&
        (environment === null || entry.environment === environment),
    );
    if (flags.json === true) for (const entry of entries) writeJsonLine(terminal.stdout, entry);
    else if (entries.length === 0) say(terminal, `There are no credentials in ${store.name}.`);
    else for (const line of entryLines(entries, Date.now())) say(terminal, line);
  });
}

export async function addCredential(flags: AddFlags, terminal: Terminal): Promise<ExitCode> {
  checkGivenCredential(flags);
  const place = checkPlace(flags.app, flags.environment);
  const credential = newCredential(flags, place, terminal);
  return withStore(flags, terminal, async (store) => {
    // The first credential may be the first thing in a store.
    await store.migrate();
    const there = await versionsIn(store, place);
    if (there.length > 0) {
      throw usageError(
        `There is a credential of ${placeName(place)} in ${store.name}: peal credentials rotate adds a version to it.`,
      );
    }
    const version = await store.put(credential);
    tell(flags, terminal, { ...credential.toJSON(), version }, `Added ${described(credential, version, store)}.`);
  });
}

export async function rotateCredential(flags: RotateFlags, terminal: Terminal): Promise<ExitCode> {
  if (flags.sealing === true) return rotateSealing(flags, terminal);
  checkGivenCredential(flags);
  if (flags.app === undefined || flags.environment === undefined) {
    throw usageError('rotate needs --app and --environment, or --sealing.');
  }
  const place = checkPlace(flags.app, flags.environment);
  const credential = newCredential(flags, place, terminal);
  const { keep = 1 } = flags;
  return withStore(flags, terminal, async (store) => {
    const there = await versionsIn(store, place);
    if (there.length === 0) {
      throw usageError(`There is no credential of ${placeName(place)} in ${store.name} yet: use peal credentials add.`);
    }
    const version = await store.put(credential);
    const old = there.filter((former) => former !== version).slice(keep);
    for (const former of old) await store.remove(place, former);
    const kept = there.length - old.length;
    const rest = `${counted(kept, 'former version')} kept, ${old.length} removed`;
    const removed = { version, kept, removed: old.length };
    const sentence = `Added ${described(credential, version, store)}; ${rest}.`;
    tell(flags, terminal, { ...credential.toJSON(), ...removed }, sentence);
  });
}

export async function removeCredential(flags: RemoveFlags, terminal: Terminal): Promise<ExitCode> {
  const place = checkPlace(flags.app, flags.environment);
  return withStore(flags, terminal, async (store) => {
    const there = await versionsIn(store, place);
    const wanted = flags.which === undefined ? there : there.filter((version) => version === flags.which);
    if (wanted.length === 0) {
      const what = flags.which === undefined ? 'no credential' : `no version ${printable(flags.which)} of a credential`;
      throw usageError(`There is ${what} of ${placeName(place)} in ${store.name}.`);
    }
    const what = `${counted(wanted.length, 'version')} of the credential of ${placeName(place)} in ${store.name}`;
    if (flags.yes !== true && !(await confirmed(what, terminal))) {
      tell(flags, terminal, { removed: 0 }, 'Nothing was removed.');
      return;
    }
    const removed = await store.remove(place, flags.which ?? null);
    tell(flags, terminal, { ...place, removed }, `Removed ${what}.`);
  });
}

export async function migrateStore(flags: MigrateFlags, terminal: Terminal): Promise<ExitCode> {
  if (flags.print === true) {
    terminal.stdout.write(credentialTables);
    return exitCodes.accepted;
  }
  return withStore(flags, terminal, async (store) => {
    await store.migrate();
    if (flags.quiet !== true) say(terminal, `${store.name} has all that credentials need.`);
  });
}

async function rotateSealing(flags: RotateFlags, terminal: Terminal): Promise<ExitCode> {
  const { key, cert, pfx, app, environment, keep, gateway } = flags;
  if ([key, cert, pfx, app, environment, keep, gateway].some((given) => given !== undefined)) {
    throw usageError('--sealing seals all records anew: it goes with no app, no credential and no --keep.');
  }
  return withStore(flags, terminal, async (store) => {
    const resealed = await store.reseal();
    tell(flags, terminal, { resealed }, `Sealed ${counted(resealed, 'record')} anew in ${store.name}.`);
  });
}

async function withStore(
  flags: StoreFlags,
  terminal: Terminal,
  work: (store: CredentialStore) => Promise<void>,
): Promise<ExitCode> {
  const store = await openCommandStore(flags, terminal);
  try {
    await work(store);
  } finally {
    await store.close();
  }
  return exitCodes.accepted;
}

function newCredential(flags: AddFlags | RotateFlags, place: CredentialPlace, terminal: Terminal): NewCredential {
  const { gateway } = flags;
  if (gateway !== undefined) parseAddress(gateway);
  const credential = credentialOf(flags, terminal.env)!;
  const log = credentialLog(flags.quiet === true, terminal);
  try {
    return new NewCredential({ ...place, credential, log, ...(gateway !== undefined && { gateway }) });
  } catch (error) {
    throw inCredentialWords(error, flags);
  }
}

/** The names of the versions in the store, the newest first. Opens none. */
async function versionsIn(store: CredentialStore, place: CredentialPlace): Promise<readonly string[]> {
  return (await store.versionsOf(place)).map(({ version }) => version);
}

/** @throws PealError ERR_PEAL_OPTION where there is no terminal to ask on */
async function confirmed(what: string, terminal: Terminal): Promise<boolean> {
  if (terminal.stdin.isTTY !== true) throw usageError(`--yes is needed to remove ${what}.`);
  const stopped = new AbortController();
  using _interrupt = new Interrupt(
    process,
    () => stopped.abort(),
    (code) => process.exit(code),
  );
  return askYesOrNo(`Remove ${what}?`, terminal, stopped.signal);
}

function described({ app, environment, summary }: NewCredential, version: string, store: CredentialStore): string {
  const { kind, keyId, subject } = summary;
  const what = kind === 'token' ? `provider key ${keyId}` : `certificate ${subject ?? ''}`.trim();
  return `version ${version} of the credential of ${placeName({ app, environment })} to ${store.name}: ${what}`;
}

function tell(flags: { readonly json?: boolean }, terminal: Terminal, facts: object, sentence: string): void {
  if (flags.json === true) writeJsonLine(terminal.stdout, facts);
  else say(terminal, sentence);
}

function say(terminal: Terminal, sentence: string): void {
  terminal.stdout.write(`${printable(sentence)}\n`);
}
