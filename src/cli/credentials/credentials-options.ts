/**
 * The options of `peal credentials` and its actions: the tables that commander reads, and the rules between options.
 * The contract is docs/cli.md. Main thread.
 */
import { Option } from 'commander';
import { maxCredentialVersions } from '../../base/limits.js';
import {
  type CredentialFlags,
  certificateOptions,
  checkCertificateFlags,
  checkKeyFlags,
  providerKeyOptions,
} from '../shared/credential-options.js';
import { type OptionGroup, wholeNumber } from '../shared/option-values.js';
import { type StoreFlags, storeOptions } from '../shared/store-options.js';
import { usageError } from '../shared/terminal.js';

const environments = ['production', 'development', 'sandbox'] as const;

/** What all actions take. */
interface ActionFlags extends StoreFlags {
  readonly json?: boolean;
}

export interface ListFlags extends ActionFlags {
  readonly app?: string;
  readonly environment?: (typeof environments)[number];
}

export interface AddFlags extends ActionFlags, CredentialFlags {
  readonly app: string;
  readonly environment: (typeof environments)[number];
  readonly gateway?: string;
}

export interface RotateFlags extends ActionFlags, CredentialFlags {
  readonly app?: string;
  readonly environment?: (typeof environments)[number];
  readonly gateway?: string;
  /** Former versions that stay. */
  readonly keep?: number;
  readonly sealing?: boolean;
}

export interface RemoveFlags extends ActionFlags {
  readonly app: string;
  readonly environment: (typeof environments)[number];
  readonly which?: string;
  readonly yes?: boolean;
}

export interface MigrateFlags extends StoreFlags {
  readonly print?: boolean;
}

export function listOptionGroups(): readonly OptionGroup[] {
  return [
    storeGroup(),
    { heading: 'What:', options: placeOptions(false) },
    outputGroup('one line of JSON for each version'),
  ];
}

export function addOptionGroups(): readonly OptionGroup[] {
  return [
    storeGroup(),
    { heading: 'What:', options: [...placeOptions(true), gatewayOption()] },
    credentialGroup(),
    outputGroup('one line of JSON'),
  ];
}

export function rotateOptionGroups(): readonly OptionGroup[] {
  return [
    storeGroup(),
    {
      heading: 'What:',
      options: [
        ...placeOptions(false),
        gatewayOption(),
        new Option('--keep <n>', 'former versions that stay (default 1)').argParser(
          wholeNumber(0, maxCredentialVersions - 1),
        ),
        new Option('--sealing', 'seal all records anew with the first sealing key, and change nothing else'),
      ],
    },
    credentialGroup(),
    outputGroup('one line of JSON'),
  ];
}

export function removeOptionGroups(): readonly OptionGroup[] {
  return [
    storeGroup(),
    {
      heading: 'What:',
      options: [
        ...placeOptions(true),
        new Option('--which <version>', 'the version to remove, as the list shows it (default: all)'),
        new Option('--yes', 'do not ask'),
      ],
    },
    outputGroup('one line of JSON'),
  ];
}

export function migrateOptionGroups(): readonly OptionGroup[] {
  return [
    storeGroup(),
    {
      heading: 'Output:',
      options: [
        new Option('--print', 'print the statements for PostgreSQL, and change nothing'),
        new Option('--quiet', 'print only errors'),
      ],
    },
  ];
}

/** Throws PealError ERR_PEAL_OPTION for options that contradict each other, or no credential. */
export function checkGivenCredential(flags: CredentialFlags): void {
  const { key, cert, pfx, providerTokenFile } = flags;
  if (providerTokenFile !== undefined) {
    throw usageError('--provider-token-file names a file of this machine, which a store cannot keep: give --key.');
  }
  checkKeyFlags(flags);
  checkCertificateFlags(flags);
  if (key === undefined && cert === undefined && pfx === undefined) {
    throw usageError('no credential is given: give --key, --cert or --pfx.');
  }
}

function storeGroup(): OptionGroup {
  return { heading: 'Store:', options: storeOptions() };
}

function credentialGroup(): OptionGroup {
  const key = providerKeyOptions().filter(({ long }) => long !== '--provider-token-file');
  return { heading: 'Credential (key, cert or pfx):', options: [...key, ...certificateOptions()] };
}

function outputGroup(json: string): OptionGroup {
  return {
    heading: 'Output:',
    options: [new Option('--json', `print ${json}`), new Option('--quiet', 'print no warnings')],
  };
}

function placeOptions(isMandatory: boolean): Option[] {
  return [
    new Option('--app <bundle id>', 'the app, by its bundle id').makeOptionMandatory(isMandatory),
    new Option('--environment <name>', "which of Apple's environments")
      .choices(environments)
      .makeOptionMandatory(isMandatory),
  ];
}

function gatewayOption(): Option {
  return new Option('--gateway <address>', "the gateway to send to, where it is not Apple's of the environment");
}
