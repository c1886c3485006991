/**
 * Credentials in PostgreSQL, sealed. Changes are told by NOTIFY; a lost connection is opened again, and then anything
 * may have changed. Main thread.
 */

import { PealError } from '../../base/errors.js';
import { maxCredentialVersions } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { optionError } from '../../base/options.js';
import { PostgresClient, type PostgresQuery } from '../../stores/postgres-client.js';
import type { Sealer } from '../sealing/sealer.js';
import { ChangeNotice } from './change-notice.js';
import {
  type CredentialEntry,
  type CredentialListener,
  type CredentialStore,
  StoredCredential,
} from './credential-store.js';
import { type NewCredential, tooManyError } from './new-credential.js';
import { type CredentialEnvironment, type CredentialPlace, checkPlace } from './place.js';
import { credentialChannel, credentialTables } from './postgres-tables.js';
import { resealed, sealCredential, sealedWith, unsealCredential } from './sealed-credential.js';

interface SealedRow {
  readonly app: string;
  readonly environment: CredentialEnvironment;
  readonly version: number;
  readonly sealed: string;
}

interface ListedRow extends SealedRow {
  readonly kind: CredentialEntry['kind'];
  readonly fingerprint: string;
  readonly key_id: string | null;
  readonly team_id: string | null;
  readonly subject: string | null;
  readonly expires_at: Date | null;
  readonly gateway: string | null;
  readonly added_at: Date;
}

/** Held while tables are made, so that two that begin at once do not meet. Any constant would do. */
const migrationLock = 7_032_511;

export class PostgresStore implements CredentialStore {
  readonly name: string;
  readonly #client: PostgresClient;
  readonly #sealer: Sealer;
  readonly #log: Logger;
  readonly #notice = new ChangeNotice(() => this.#watch());
  #hasTables = false;

  private constructor(name: string, client: PostgresClient, sealer: Sealer, log: Logger) {
    this.name = name;
    this.#client = client;
    this.#sealer = sealer;
    this.#log = log;
  }

  /**
   * @param name the URL without user and password
   * @throws PealError ERR_PEAL_STORE, ERR_PEAL_OPTION (the URL)
   */
  static async open(url: string, name: string, sealer: Sealer, log: Logger): Promise<PostgresStore> {
    const client = await PostgresClient.open({ url, log, name: 'peal credentials' });
    return new PostgresStore(name, client, sealer, log);
  }

  async versionsOf(place: CredentialPlace): Promise<readonly StoredCredential[]> {
    await this.#needTables();
    const rows = await this.#client.query<SealedRow>(
      `select app, environment, version, sealed from peal_credentials where app = $1 and environment = $2
       order by version desc limit ${maxCredentialVersions}`,
      [place.app, place.environment],
    );
    return rows.map(({ version, sealed }) => {
      const name = String(version);
      return new StoredCredential(name, () => unsealCredential(this.#sealer, sealed, place, name));
    });
  }

  async list(): Promise<readonly CredentialEntry[]> {
    await this.#needTables();
    const rows = await this.#client.query<ListedRow>(
      'select * from peal_credentials order by app collate "C", environment collate "C", version desc',
    );
    return rows.map((row) => ({
      app: row.app,
      environment: row.environment,
      version: String(row.version),
      kind: row.kind,
      fingerprint: row.fingerprint,
      keyId: row.key_id,
      teamId: row.team_id,
      subject: row.subject,
      expiresAt: row.expires_at?.toISOString() ?? null,
      gateway: row.gateway,
      addedAt: row.added_at.toISOString(),
      sealedWith: sealedWith(row.sealed),
      problem: null,
    }));
  }

  /** Makes the tables where there are none: the first credential comes before anybody reads. */
  async put(credential: NewCredential): Promise<string> {
    if (!(await this.#lookForTables())) await this.migrate();
    return this.#client.transaction((query) => this.#add(query, credential));
  }

  async remove({ app, environment }: CredentialPlace, version: string | null): Promise<number> {
    await this.#needTables();
    if (version !== null && !/^[1-9]\d{0,8}$/.test(version)) return 0;
    const rows = await this.#client.query(
      `delete from peal_credentials where app = $1 and environment = $2 and ($3::integer is null or version = $3)
       returning version`,
      [app, environment, version],
    );
    return rows.length;
  }

  async reseal(): Promise<number> {
    await this.#needTables();
    const rows = await this.#client.query<SealedRow>('select app, environment, version, sealed from peal_credentials');
    let count = 0;
    for (const { app, environment, version, sealed } of rows) {
      const place = checkPlace(app, environment);
      const anew = resealed(this.#sealer, sealed, place, String(version));
      if (anew === null) continue;
      // Where somebody else has changed it meanwhile, it is left as it is.
      const changed = await this.#client.query(
        `update peal_credentials set sealed = $5 where app = $1 and environment = $2 and version = $3 and sealed = $4
         returning version`,
        [app, environment, version, sealed, anew],
      );
      count += changed.length;
    }
    return count;
  }

  /** Asks for no right to change the database where nothing is missing. */
  async migrate(): Promise<void> {
    if (await this.#lookForTables()) return;
    await this.#client.transaction(async (query) => {
      await query(`select pg_advisory_xact_lock(${migrationLock})`);
      await query(credentialTables);
    });
    this.#hasTables = true;
  }

  subscribe(listener: CredentialListener): () => void {
    return this.#notice.subscribe(listener);
  }

  async close(): Promise<void> {
    this.#notice.close();
    await this.#client.close();
  }

  async #add(query: PostgresQuery, credential: NewCredential): Promise<string> {
    const { app, environment, gateway, summary } = credential;
    // This row is locked to the end of the transaction, so that versions of one place are added one after another.
    const [numbered] = await query<{ latest: number }>(
      `insert into peal_credential_versions values ($1, $2, 1)
       on conflict (app, environment) do update set latest = peal_credential_versions.latest + 1 returning latest`,
      [app, environment],
    );
    const version = String(numbered!.latest);
    const [held] = await query<{ count: number }>(
      'select count(*)::integer as count from peal_credentials where app = $1 and environment = $2',
      [app, environment],
    );
    if (held!.count >= maxCredentialVersions) throw tooManyError(held!.count);
    const { kind, fingerprint, keyId, teamId, subject, expiresAt } = summary;
    const sealed = sealCredential(this.#sealer, credential, version);
    await query(
      `insert into peal_credentials
         (app, environment, version, kind, fingerprint, key_id, team_id, subject, expires_at, gateway, sealed)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [app, environment, version, kind, fingerprint, keyId, teamId, subject, expiresAt, gateway, sealed],
    );
    return version;
  }

  async #needTables(): Promise<void> {
    if (await this.#lookForTables()) return;
    throw optionError(`${this.name} has no tables of credentials yet: run "peal credentials migrate".`);
  }

  async #lookForTables(): Promise<boolean> {
    if (this.#hasTables) return true;
    const [row] = await this.#client.query<{ whole: boolean }>(
      `select to_regclass('peal_credentials') is not null and to_regclass('peal_credential_versions') is not null
         and exists (select from pg_trigger where tgname = 'peal_credentials_changed'
           and tgrelid = to_regclass('peal_credentials')) as whole`,
    );
    this.#hasTables = row!.whole;
    return this.#hasTables;
  }

  #watch(): () => void {
    let isOver = false;
    const onNotice = (payload: string): void => {
      const [app, environment] = payload.split(' ');
      this.#notice.tell(placeOf(app, environment));
    };
    const listening = this.#client.listen(credentialChannel, onNotice, () => this.#notice.tell(null));
    listening.then(
      () => {
        if (!isOver) this.#notice.tell(null);
      },
      (error: unknown) => {
        const why = error instanceof PealError ? error.message : 'The connection failed.';
        this.#log.warn({ store: this.name }, `${this.name} tells of no changes, which are seen later: ${why}`);
      },
    );
    return () => {
      isOver = true;
      listening.then(
        (one) => one.stop(),
        () => {},
      );
    };
  }
}

/** Anybody may send a notice, so that one of another form means that anything may have changed. */
function placeOf(app: unknown, environment: unknown): CredentialPlace | null {
  try {
    return checkPlace(app, environment);
  } catch {
    return null;
  }
}
