/**
 * A service that pushes through Firebase Cloud Messaging: sends to a list, drops the tokens that are gone, sends again what met a
 * fault that passes, and tells a topic.
 *
 *     node dist/examples/fcm.js
 *
 * Runs against the simulator unless the environment names the JSON file of a service account: PEAL_SERVICE_ACCOUNT. Then FCM
 * only checks the messages.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { FCM, type FcmCredentialOptions, FcmMessage, type Result, Session } from 'peal/fcm';
import { scriptedFcmToken, startSimulator } from 'peal/simulator';

interface Target {
  readonly address: string;
  readonly credential: FcmCredentialOptions;
  /** Authority of the simulator's certificate. */
  readonly ca: string | null;
  close(): Promise<void>;
}

async function main(): Promise<void> {
  const registered = new Set(demoTokens());
  const { address, credential, ca, close } = await target();
  {
    await using session = new Session({ ...(ca !== null && { ca }) });
    const fcm = new FCM(session.getConnection(address, credential));
    const message = new FcmMessage([], {
      alert: { title: 'News', body: 'Read all about it' },
      data: { page: 'news' },
      collapseId: 'news',
      expiration: '6h',
      dryRun: ca === null,
    });

    console.log(`sending to ${registered.size} devices`);
    // A send goes again by itself where a fault passes; here the program does it, to show how.
    let result = await fcm.send(message, { recipients: registered, retry: false });
    let accepted = result.accepted;
    report(result, registered);
    for (let again = result.retry(); again !== null && again.attempt <= 2; again = result.retry()) {
      await sleep(ca === null ? result.retryDelayMs() : 0);
      console.log(`attempt ${again.attempt}`);
      result = await fcm.send(again, { retry: false });
      accepted += result.accepted;
      report(result, registered);
    }
    console.log(`accepted in all: ${accepted}; devices left: ${registered.size}`);

    const { outcome } = await fcm.push({ title: 'News', target: 'topic', dryRun: ca === null }, 'news');
    console.log(`the topic: ${outcome}`);
  }
  await close();
}

function report(result: Result<FcmMessage>, registered: Set<string>): void {
  const { accepted, rejected, unsent, unknown, invalid } = result.counts;
  console.log(`  accepted ${accepted}, rejected ${rejected}, unsent ${unsent}, unknown ${unknown}, invalid ${invalid}`);
  for (const [reason, count] of [...result.reasons].sort()) console.log(`  ${reason}: ${count}`);
  for (const token of result.gone.keys()) registered.delete(token);
  if (result.stopped !== null) console.log(`  stopped: ${result.stopped.message}`);
}

/** Devices of which some are gone, one belongs to another project, and one gets too many messages. */
function demoTokens(): string[] {
  const usual = Array.from({ length: 2_000 }, (_, index) =>
    `d${index}`.padEnd(22, 'x').concat(':APA91b', 'Q'.repeat(120)),
  );
  const gone = Array.from({ length: 20 }, (_, index) => scriptedFcmToken('UNREGISTERED', index));
  return [...usual, ...gone, scriptedFcmToken('SENDER_ID_MISMATCH'), scriptedFcmToken('QUOTA_EXCEEDED (device)')];
}

async function target(): Promise<Target> {
  const file = process.env.PEAL_SERVICE_ACCOUNT;
  if (file !== undefined) {
    return { address: 'fcm', credential: { serviceAccount: { file } }, ca: null, close: async () => {} };
  }
  const simulator = await startSimulator({ fcm: true });
  const { fcm, caCertificate: ca } = simulator;
  if (fcm === null || ca === null) throw new Error('the simulator serves FCM with a certificate of its own');
  const credential = { serviceAccount: fcm.serviceAccount, ca };
  return { address: fcm.url, credential, ca, close: () => simulator.close() };
}

await main();
