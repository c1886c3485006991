/**
 * The tables of clusters in PostgreSQL 13 and later. Made by postgres-store when it is opened for the first time. All
 * that belongs to a campaign goes with its row.
 *
 * Outcomes are numbered under a lock on the row of their campaign: a reader never sees a number before a lower one.
 */

/** Their names, quoted. */
export class ClusterTables {
  readonly campaigns: string;
  readonly slices: string;
  readonly records: string;
  readonly outcomes: string;
  readonly workers: string;
  readonly blobs: string;

  /** @param prefix letters, digits, `-` and `_` */
  constructor(prefix: string) {
    const table = (name: string): string => `"${prefix}_cluster_${name}"`;
    this.campaigns = table('campaigns');
    this.slices = table('slices');
    this.records = table('records');
    this.outcomes = table('outcomes');
    this.workers = table('workers');
    this.blobs = table('blobs');
  }

  /** Statements that may run again. The last one makes the table of blobs. */
  get statements(): readonly string[] {
    const all = `create table if not exists ${this.campaigns} (
  id text primary key,
  definition text not null,
  shown text not null,
  rate double precision,
  in_flight integer,
  paused boolean not null,
  stopped text,
  holder text,
  held_until timestamptz,
  head bigint not null default 0,
  tail bigint not null default 0,
  tokens double precision,
  tokens_at timestamptz,
  renewed timestamptz not null default now()
);

create table if not exists ${this.slices} (
  campaign text not null references ${this.campaigns} on delete cascade,
  slice bigint not null,
  manifest bytea not null,
  epoch bigint not null default 0,
  commit_number bigint not null default 0,
  has_ended boolean not null default false,
  worker text,
  primary key (campaign, slice)
);

create table if not exists ${this.records} (
  campaign text not null,
  slice bigint not null,
  key bytea not null,
  value bytea not null,
  primary key (campaign, slice, key),
  foreign key (campaign, slice) references ${this.slices} on delete cascade
);

create table if not exists ${this.outcomes} (
  campaign text not null references ${this.campaigns} on delete cascade,
  number bigint not null,
  outcome bytea not null,
  primary key (campaign, number)
);

create table if not exists ${this.workers} (
  id text primary key,
  beat text not null,
  until timestamptz not null
);

create table if not exists ${this.blobs} (
  name text primary key,
  bytes bytea not null,
  stored timestamptz not null default now()
);
`;
    return all.split(';').filter((statement) => statement.trim() !== '');
  }
}
