/**
 * Credentials in a folder, as people and secret mounts keep them: one folder an app, with a manifest and the files that
 * it names (folder-manifest). Nothing is sealed: the files are as their owner keeps them. Looks for changes every two
 * seconds while somebody listens, by size and time of each file, because file systems of networks and mounts of secrets
 * tell of none. Main thread.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, systemClock } from '../../base/clock.js';
import { durably, newFile } from '../../base/durable.js';
import { PealError } from '../../base/errors.js';
import { readProblem, writeProblem } from '../../base/file-errors.js';
import { credentialLookMs, maxCredentialVersions } from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';
import { Timer } from '../../base/timers.js';
import { ChangeNotice } from './change-notice.js';
import type { CredentialEntry, CredentialListener, CredentialStore, StoredCredential } from './credential-store.js';
import { filesOf, type Manifest, type ManifestRow, manifestName, readManifest, storedRow } from './folder-manifest.js';
import { byPlace, listedEntry } from './listed-entry.js';
import { type NewCredential, tooManyError } from './new-credential.js';
import { type CredentialEnvironment, type CredentialPlace, isAppName } from './place.js';

const environments: readonly CredentialEnvironment[] = ['production', 'development'];
const extensions = { key: '.key.pem', cert: '.cert.pem', pfx: '.p12', passphrase: '.passphrase' } as const;

export class FolderStore implements CredentialStore {
  readonly name: string;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #notice = new ChangeNotice(() => this.#watch());

  constructor(folder: string, clock: Clock = systemClock) {
    this.#folder = path.resolve(folder);
    this.#clock = clock;
    this.name = `file:${escapeUnprintable(this.#folder, 1000)}`;
  }

  async versionsOf({ app, environment }: CredentialPlace): Promise<readonly StoredCredential[]> {
    const manifest = await readManifest(this.#folderOf(app));
    if (manifest === null) await this.#checkFolder();
    return Promise.all((manifest?.[environment] ?? []).map((row) => storedRow(row, this.#folderOf(app))));
  }

  async list(): Promise<readonly CredentialEntry[]> {
    const entries: CredentialEntry[] = [];
    for (const app of await this.#apps()) {
      const manifest = await readManifest(this.#folderOf(app));
      for (const environment of environments) {
        for (const row of manifest?.[environment] ?? []) {
          const stored = await storedRow(row, this.#folderOf(app));
          entries.push(listedEntry({ app, environment }, stored, row.addedAt ?? null));
        }
      }
    }
    return byPlace(entries);
  }

  async put({ app, environment, gateway, material }: NewCredential): Promise<string> {
    const folder = this.#folderOf(app);
    const manifest = (await this.#made(folder)) ?? {};
    const rows = manifest[environment] ?? [];
    if (rows.length >= maxCredentialVersions) throw tooManyError(rows.length);
    const name = `${environment}-${randomBytes(6).toString('hex')}`;
    const row: Record<string, string> = {};
    for (const [field, value] of Object.entries(material) as [keyof typeof material, string][]) {
      const extension = Object.hasOwn(extensions, field) ? extensions[field as keyof typeof extensions] : null;
      row[field] = extension === null ? value : `${name}${extension}`;
      if (extension !== null) await write(path.join(folder, row[field]), value);
    }
    if (gateway !== null) row.gateway = gateway;
    row.addedAt = new Date(this.#clock.wallMs()).toISOString();
    await this.#writeManifest(folder, { ...manifest, [environment]: [row, ...rows] });
    return (await storedRow(row, folder)).version;
  }

  async remove({ app, environment }: CredentialPlace, version: string | null): Promise<number> {
    const folder = this.#folderOf(app);
    const manifest = await readManifest(folder);
    const rows = manifest?.[environment] ?? [];
    const versions = await Promise.all(rows.map((row) => storedRow(row, folder)));
    const isGone = rows.map((_row, index) => version === null || versions[index]!.version === version);
    const kept = rows.filter((_row, index) => !isGone[index]);
    if (kept.length === rows.length) return 0;
    const left = { ...manifest, [environment]: kept };
    await this.#writeManifest(folder, left);
    const used = new Set(environments.flatMap((one) => (left[one] ?? []).flatMap((row) => filesOf(row, folder))));
    const files = rows.filter((_row, index) => isGone[index]).flatMap((row) => filesOf(row, folder));
    // Files elsewhere are somebody's own, and may serve others.
    for (const file of files) if (!used.has(file) && path.dirname(file) === folder) await rm(file, { force: true });
    return rows.length - kept.length;
  }

  async reseal(): Promise<number> {
    return 0;
  }

  async migrate(): Promise<void> {
    await this.#made(this.#folder);
  }

  subscribe(listener: CredentialListener): () => void {
    return this.#notice.subscribe(listener);
  }

  async close(): Promise<void> {
    this.#notice.close();
  }

  #folderOf(app: string): string {
    return path.join(this.#folder, app);
  }

  async #apps(): Promise<readonly string[]> {
    try {
      const entries = await readdir(this.#folder, { withFileTypes: true });
      return entries.filter((entry) => !entry.isFile() && isAppName(entry.name)).map((entry) => entry.name);
    } catch (error) {
      throw unreadable(this.#folder, error);
    }
  }

  /** Tells an app without credentials from a folder that is not there, as one of a network that is away. */
  async #checkFolder(): Promise<void> {
    try {
      await stat(this.#folder);
    } catch (error) {
      throw unreadable(this.#folder, error);
    }
  }

  async #made(folder: string): Promise<Manifest | null> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw unwritable(folder, error);
    }
    return readManifest(folder);
  }

  /** The manifest gets its name once it is whole, so that a reader never sees a part. */
  async #writeManifest(folder: string, manifest: Manifest): Promise<void> {
    const shown = Object.fromEntries(
      environments.flatMap((environment) => {
        const rows: readonly ManifestRow[] = manifest[environment] ?? [];
        return rows.length === 0 ? [] : [[environment, rows.length === 1 ? rows[0]! : rows]];
      }),
    );
    const file = path.join(folder, manifestName);
    const draft = `${file}.${randomBytes(6).toString('hex')}`;
    await write(draft, `${JSON.stringify(shown, null, 2)}\n`);
    try {
      await rename(draft, file);
    } catch (error) {
      await rm(draft, { force: true });
      throw unwritable(file, error);
    }
  }

  #watch(): () => void {
    let known: ReadonlyMap<string, string> | null = null;
    let isOver = false;
    const timer = new Timer(this.#clock, () => void look());
    const look = async (): Promise<void> => {
      const found = await this.#stamps();
      if (isOver) return;
      const before = known;
      const apps = new Set([...(before?.keys() ?? []), ...found.keys()]);
      const changed = before === null ? [] : [...apps].filter((app) => before.get(app) !== found.get(app));
      // What changed between the first reading and the first look was not seen.
      if (before === null) this.#notice.tell(null);
      known = found;
      for (const app of changed) for (const environment of environments) this.#notice.tell({ app, environment });
      if (!isOver) timer.set(credentialLookMs);
    };
    void look();
    return () => {
      isOver = true;
      timer.clear();
    };
  }

  /** What each app's files look like from outside. A folder that cannot be read now has no apps. */
  async #stamps(): Promise<ReadonlyMap<string, string>> {
    const stamps = new Map<string, string>();
    for (const app of await this.#apps().catch(() => [])) {
      const folder = this.#folderOf(app);
      const manifest = await readManifest(folder).catch(() => null);
      const rows = environments.flatMap((environment) => manifest?.[environment] ?? []);
      const files = new Set([path.join(folder, manifestName), ...rows.flatMap((row) => filesOf(row, folder))]);
      stamps.set(app, (await Promise.all([...files].map(stampOf))).join());
    }
    return stamps;
  }
}

async function stampOf(file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch(() => null);
  return found === null ? 'none' : `${found.ino} ${found.size} ${found.mtimeNs}`;
}

/** Creates a file that its owner alone may read; never opens one that is there. */
async function write(file: string, text: string): Promise<void> {
  try {
    const handle = await durably.open(file, newFile, 0o600);
    try {
      await handle.writeFile(text);
      await durably.sync(handle);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw unwritable(file, error);
  }
}

function unreadable(folder: string, error: unknown): PealError {
  const message = `The folder ${escapeUnprintable(folder, 1000)} ${readProblem(error)}.`;
  return new PealError('ERR_PEAL_INPUT', message, { origin: 'input', retryable: true });
}

function unwritable(file: string, error: unknown): PealError {
  const message = `The file ${escapeUnprintable(file, 1000)} ${writeProblem(error)}.`;
  return new PealError('ERR_PEAL_INPUT', message, { origin: 'input' });
}
