/**
 * The tables of credentials in PostgreSQL 13 and later, as statements that may run again at any time. `peal credentials
 * migrate` runs them, and `--print` prints them for those whose databases only an administrator changes.
 */

/** The channel of notices. Its payload is the app and the environment, with a blank between. */
export const credentialChannel = 'peal_credentials';

/** Numbers of versions are never given again, so that a record can never stand for a later one of its number. */
export const credentialTables = `create table if not exists peal_credentials (
  app text not null check (app <> ''),
  environment text not null check (environment in ('production', 'development')),
  version integer not null check (version > 0),
  kind text not null,
  fingerprint text not null,
  key_id text,
  team_id text,
  subject text,
  expires_at timestamptz,
  gateway text,
  sealed text not null,
  added_at timestamptz not null default now(),
  primary key (app, environment, version)
);

create table if not exists peal_credential_versions (
  app text not null,
  environment text not null,
  latest integer not null,
  primary key (app, environment)
);

create or replace function peal_credentials_notify() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    perform pg_notify('${credentialChannel}', old.app || ' ' || old.environment);
  else
    perform pg_notify('${credentialChannel}', new.app || ' ' || new.environment);
  end if;
  return null;
end
$$;

drop trigger if exists peal_credentials_changed on peal_credentials;
create trigger peal_credentials_changed after insert or update or delete on peal_credentials
  for each row execute function peal_credentials_notify();
`;
