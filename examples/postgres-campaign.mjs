/**
 * A campaign out of PostgreSQL: tells each customer whose order was shipped so, in the customer's language, and then drops the
 * device tokens that are gone.
 *
 *     node examples/postgres-campaign.mjs shipped-2026-11-28
 *
 * The argument is the directory of the campaign. If it is killed, at any moment, start it again: it goes on. The database is
 * named by PGHOST, PGDATABASE, PGUSER and PGPASSWORD, the gateway by PEAL_GATEWAY, PEAL_KEY (path of the .p8 file),
 * PEAL_KEY_ID, PEAL_TEAM_ID and PEAL_TOPIC. It needs the package `pg`, and these tables:
 *
 *     CREATE TABLE devices (token text PRIMARY KEY, customer int, name text, locale text, registered timestamptz);
 *     CREATE TABLE orders (id int PRIMARY KEY, customer int, shipped timestamptz);
 */
import { createReadStream, existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Campaign, Message, Session, Template } from 'peal';
import pg from 'pg';

const { PEAL_GATEWAY = 'api_sandbox', PEAL_KEY, PEAL_KEY_ID, PEAL_TEAM_ID, PEAL_TOPIC = 'com.example.app' } = process.env;
const folder = process.argv[2] ?? 'shipped';

const personal = new Template({
  payload: { aps: { alert: 'Hello {{name|there}}, your order {{order_id}} is on its way.' } },
  variants: { de: { aps: { alert: 'Hallo {{name|}}, Ihre Bestellung {{order_id}} ist unterwegs.' } } },
  variantColumn: 'locale',
  collapseId: 'order-{{order_id}}',
});

/**
 * The list, as it is when the campaign begins: orders go on being shipped, and a run that goes on has to find the same recipients
 * in the same order.
 */
const makeList = `
  CREATE TABLE IF NOT EXISTS shipped_recipients AS
    SELECT token, orders.id AS order_id, name, locale FROM orders JOIN devices USING (customer) WHERE shipped IS NOT NULL`;
const readList = 'SELECT token, order_id, name, locale FROM shipped_recipients ORDER BY order_id, token';

/** The rows of a query, a thousand at a time: the next thousand is fetched when it is wanted. */
async function* rowsOf(query) {
  const database = new pg.Client();
  // Where the connection is lost, the next fetch fails: that tells the campaign.
  database.on('error', () => {});
  await database.connect();
  try {
    await database.query('BEGIN READ ONLY');
    await database.query(`DECLARE recipients NO SCROLL CURSOR FOR ${query}`);
    for (;;) {
      const { rows } = await database.query('FETCH 1000 FROM recipients');
      if (rows.length === 0) return;
      yield* rows;
    }
  } finally {
    await database.end();
  }
}

/** Prints how far it is, once a second. */
async function show(campaign) {
  let nextMs = 0;
  for await (const { state, accepted, rejected, invalid, resumed } of campaign) {
    if (state === 'running' && Date.now() < nextMs) continue;
    nextMs = Date.now() + 1000;
    console.log(`${state}: ${accepted} accepted, ${rejected} rejected, ${invalid} invalid; ${resumed} from earlier runs`);
  }
}

/** Drops the devices whose tokens are gone, unless they were registered again since. Returns how many. */
async function dropGone(database) {
  const file = path.join(folder, 'gone.ndjson');
  if (!existsSync(file)) return 0;
  let dropped = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const { token, since } = JSON.parse(line);
    const query = 'DELETE FROM devices WHERE token = $1 AND ($2::timestamptz IS NULL OR registered <= $2)';
    dropped += (await database.query(query, [token, since])).rowCount;
  }
  return dropped;
}

const database = new pg.Client();
await database.connect();
await database.query(makeList);

const session = new Session({ threads: 1 });
const credential = PEAL_KEY === undefined ? null : { key: { file: PEAL_KEY }, keyId: PEAL_KEY_ID, teamId: PEAL_TEAM_ID };
const campaign = new Campaign({
  gateway: session.getConnection(PEAL_GATEWAY, credential),
  message: new Message([], { topic: PEAL_TOPIC }),
  personal,
  recipients: () => rowsOf(readList),
  folder,
  outputFormat: 'ndjson',
  rate: process.env.RATE ?? '5000/s',
  maxErrorRate: 0.2,
});
const showing = show(campaign);
const { summary, stopped } = await campaign.run();
await showing;
for (const { text } of summary.next) console.log(text);
if (stopped === null) {
  console.log(`dropped ${await dropGone(database)} devices that are gone`);
  await database.query('DROP TABLE shipped_recipients');
} else {
  console.error(stopped.message);
  process.exitCode = 1;
}
await session.close();
await database.end();
