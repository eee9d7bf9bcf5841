import { directoryOctets, fileOctets } from './file-names.ts';

/** Octets of a log's directory, without looking at every file each time. */
export class DiskUsage {
  readonly #directory: string;
  /** Files that grow, and their octets when they were last measured. */
  readonly #growing = new Map<string, number>();
  #octets: number;

  constructor(directory: string) {
    this.#directory = directory;
    this.#octets = directoryOctets(directory);
  }

  /** Octets of everything in the directory. */
  get octets(): number {
    return this.#octets;
  }

  /** Octets of a file that grows. */
  of(path: string): number {
    return this.#growing.get(path) ?? 0;
  }

  /** Looks at a file that has grown, of which the total knows what {@link DiskUsage.of} says. */
  measure(path: string): void {
    const octets = fileOctets(path);
    this.#octets += octets - this.of(path);
    this.#growing.set(path, octets);
  }

  /** Looks at everything: files came or went. */
  rescan(): void {
    for (const path of this.#growing.keys()) this.#growing.set(path, fileOctets(path));
    this.#octets = directoryOctets(this.#directory);
  }

  /** From now on this file grows, and the one before it does not. */
  grows(path: string, before: string | undefined): void {
    if (before !== undefined) this.#growing.delete(before);
    this.#growing.set(path, 0);
    this.rescan();
  }
}
