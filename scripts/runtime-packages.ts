/**
 * Which packages an installation of peal can bring in, by the lock: for the list of their licences and for the bill of
 * materials.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

interface LockedPackage {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
}

export interface RuntimePackage {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** Returns whether peal, or the package that asks for it, does without it where it cannot be installed. */
  readonly isOptional: boolean;
  /** Returns whether it holds a binary for one system, and is installed there only. */
  readonly isForOneSystem: boolean;
  /** Below the folder of the lock. */
  readonly folder: string;
}

/** Packages that are not for development only, those of dependencies and of all systems included, by name. */
export function runtimePackages(root: string): RuntimePackage[] {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, LockedPackage>>;
  };
  const found = Object.entries(packages).flatMap(([folder, locked]): RuntimePackage[] => {
    if (folder === '' || locked.dev === true) return [];
    const name = folder.replace(/^.*node_modules\//, '');
    const { version, license = 'none given', optional = false, os } = locked;
    return [{ name, version, licence: license, isOptional: optional, isForOneSystem: os !== undefined, folder }];
  });
  return found.sort((a, b) => order(a.name, b.name) || order(a.version, b.version));
}

/** The same on every machine, unlike that of a language. */
export function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
