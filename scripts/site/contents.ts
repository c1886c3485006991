/**
 * The contents of the site: its sections and pages, in their order. Each page of docs/ stands here exactly once
 * (test/site/contents.test.ts): a new page needs one row, and the rest of the site follows. Read by the staging of the
 * site, its configuration and its tests; main thread.
 */

/** A page that a person wrote, where it lies in the repository. */
export interface WrittenPage {
  /** What the contents call it. The page itself begins with its own heading. */
  readonly title: string;
  /** Its file, from the root of the repository. */
  readonly file: string;
}

/** A page that is made from the source while the site is built. */
export interface MadePage {
  readonly title: string;
  /** Its address within the site, without an extension. */
  readonly made: string;
}

export type Page = WrittenPage | MadePage;

export interface Section {
  readonly title: string;
  /** One sentence for the page of the section. */
  readonly about: string;
  readonly pages: readonly Page[];
  /** Whether it is left out of the menu at the top. */
  readonly isAside?: boolean;
}

const made = (address: string, title: string): MadePage => ({ made: address, title });
const doc = (name: string, title: string): WrittenPage => ({ file: `docs/${name}`, title });

export const contents: readonly Section[] = [
  {
    title: 'Guide',
    about: 'From nothing to a campaign, a service or a cluster, step by step.',
    pages: [
      // docs/guide/NAME.md, in the order in which a person reads them.
      doc('guide/first-minute.md', 'The first minute'),
      doc('guide/first-campaign.md', 'Your first campaign'),
      doc('guide/embedding.md', 'Embedding'),
      doc('guide/operations.md', 'Operations'),
      doc('guide/several-machines.md', 'Several machines'),
      doc('campaigns.md', 'A campaign in detail'),
    ],
  },
  {
    title: 'How-to',
    about: 'One task on each page, with commands and programs that the tests run.',
    pages: [
      // docs/how-to/NAME.md: one row each, what is done first before what is done later.
      doc('how-to/README.md', 'All tasks in a list'),
      doc('how-to/read-a-spreadsheet.md', 'Read a list from a spreadsheet'),
      doc('how-to/send-by-language.md', 'Send different texts by language'),
      doc('how-to/limit-the-rate.md', 'Limit the rate'),
      doc('how-to/send-at-nine.md', 'Send at nine in each time zone'),
      doc('how-to/stop-on-rejections.md', 'Stop when too much is rejected'),
      doc('how-to/resume-after-a-kill.md', 'Resume after a kill'),
      doc('how-to/find-out-why.md', 'Find out why a token was rejected'),
      doc('how-to/delete-gone-tokens.md', 'Delete tokens that are gone'),
      doc('how-to/send-silent-pushes.md', 'Send silent pushes'),
      doc('how-to/update-a-live-activity.md', 'Update a Live Activity'),
      doc('how-to/send-to-android-too.md', 'Send to Android, too'),
      doc('how-to/use-a-certificate.md', 'Use a certificate instead of a key'),
      doc('how-to/replace-a-key.md', 'Replace a key or a certificate'),
      doc('how-to/keep-secrets.md', 'Keep secrets off the command line'),
      doc('how-to/send-through-a-proxy.md', 'Send through a proxy'),
      doc('how-to/pin-the-gateway.md', 'Pin the gateway'),
      doc('how-to/test-without-apple.md', 'Test your own code without Apple'),
      doc('how-to/embed-in-fastify.md', 'Embed in Fastify'),
      doc('how-to/consume-a-queue.md', 'Consume a queue'),
      doc('how-to/send-from-another-language.md', 'Send from another language'),
      doc('how-to/watch-with-prometheus.md', 'Watch a campaign with Prometheus'),
      doc('how-to/trace-with-opentelemetry.md', 'Trace with OpenTelemetry'),
      doc('how-to/run-in-a-container.md', 'Run peal in a container'),
      doc('how-to/run-as-a-systemd-timer.md', 'Run peal as a systemd timer'),
      doc('how-to/send-faster.md', 'Make peal faster, or let it take less memory'),
      doc('how-to/check-a-machine.md', 'Check a machine'),
      doc('bundlers.md', 'Bundle a program, or use CommonJS and Jest'),
      doc('credentials.md', 'Keep credentials in a store'),
      doc('docker.md', 'Build the image of the repository'),
      doc('monitoring.md', 'Watch a process'),
      doc('backends.md', 'Send through a proxy or a transport of your own'),
    ],
  },
  {
    title: 'Reference',
    about: 'Every command, option, setting, field and function.',
    pages: [
      doc('cli.md', 'The command line'),
      doc('configuration.md', 'Files and variables'),
      doc('library.md', 'The library'),
      made('reference/commands/index', 'Commands and options'),
      made('reference/settings', 'Settings'),
      made('reference/exit-codes', 'Exit codes'),
      made('reference/metrics', 'Metrics'),
      made('reference/json-lines', 'JSON lines'),
      made('reference/api/index', 'Public names'),
      doc('fcm.md', 'Firebase Cloud Messaging'),
      doc('serve.md', 'The service'),
      doc('simulator.md', 'The simulator'),
      doc('binary.md', 'The binary protocol'),
      doc('apple.md', "Apple's pages, line by line"),
    ],
  },
  {
    title: 'Explanation',
    about: 'How peal works, what it withstands and what it costs.',
    pages: [
      doc('architecture.md', 'Architecture'),
      doc('reliability.md', 'Reliability'),
      doc('benchmarks.md', 'Benchmarks'),
      doc('many-machines.md', 'Several machines in detail'),
    ],
  },
  {
    title: 'Troubleshooting',
    about: 'What each reason and each code means, and what to do.',
    pages: [doc('troubleshooting.md', 'What went wrong'), made('reasons', 'By reason'), made('codes', 'By code')],
  },
  {
    title: 'Moving in',
    about: 'From another library to peal.',
    pages: [
      doc('coming-from.md', 'From another library'),
      doc('compat.md', 'By one line'),
      doc('node-apn.md', 'From @parse/node-apn'),
      doc('migration.md', "From Python's apnsclient"),
    ],
  },
  {
    title: 'Project',
    about: 'Examples, changes, security, and how to work on it.',
    isAside: true,
    pages: [
      made('examples/index', 'Examples'),
      { file: 'README.md', title: 'README' },
      { file: 'CHANGELOG.md', title: 'Changes' },
      { file: 'SECURITY.md', title: 'Security' },
      { file: 'SUPPORT.md', title: 'Supported versions' },
      { file: 'CONTRIBUTING.md', title: 'Working on peal' },
      { file: 'LICENSE', title: 'Licence' },
      { file: 'THIRD-PARTY-LICENSES.md', title: 'Licences of others' },
    ],
  },
];
