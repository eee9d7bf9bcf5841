import type { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One message as the server behind holds it. */
export interface Delivery {
  readonly number: number;
  /** Address of the client, as the server behind was told. */
  readonly source: string;
  readonly account: string | undefined;
  readonly reversePath: string;
  readonly forwardPaths: readonly string[];
  readonly octets: number;
  /** Of the octets as they came over the wire, without the dot that ended them. */
  readonly sha256: string;
  readonly file: string;
}

export const sha256Of = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex');

/** The messages of the server behind: a file each. */
export class MailStore {
  readonly directory: string;
  readonly deliveries: Delivery[] = [];
  readonly #keptMax: number;
  #count = 0;

  private constructor(directory: string, keptMax: number) {
    this.directory = directory;
    this.#keptMax = keptMax;
  }

  /** @param keptMax - The latest so many messages are kept. Default: all of them. */
  static async open(directory: string, keptMax = Number.POSITIVE_INFINITY): Promise<MailStore> {
    await mkdir(directory, { recursive: true });
    return new MailStore(directory, keptMax);
  }

  /** Keeps a message: it is in its file once this resolves. */
  async keep(
    envelope: Pick<Delivery, 'source' | 'account' | 'reversePath' | 'forwardPaths'>,
    octets: Buffer,
  ): Promise<Delivery> {
    this.#count += 1;
    const number = this.#count;
    const file = join(this.directory, `${String(number).padStart(4, '0')}.eml`);
    await writeFile(file, octets);
    const delivery = { ...envelope, number, octets: octets.length, sha256: sha256Of(octets), file };
    this.deliveries.push(delivery);
    const oldest = this.deliveries.length > this.#keptMax ? this.deliveries.shift() : undefined;
    if (oldest !== undefined) await rm(oldest.file, { force: true });
    return delivery;
  }
}
