import { createHash, type Hash, hash } from 'node:crypto';

/**
 * SHA-256 over the body octets of one mail transaction. Most bodies come in one piece, and hashing that at once is cheaper
 * than setting up a running hash, so the first piece is kept until there is a second.
 */
export class BodyDigest {
  private first: Uint8Array | undefined;
  private running: Hash | undefined;

  update(octets: Uint8Array): void {
    if (octets.length === 0) return;
    if (this.running !== undefined) {
      this.running.update(octets);
    } else if (this.first === undefined) {
      this.first = octets;
    } else {
      this.running = createHash('sha256').update(this.first).update(octets);
      this.first = undefined;
    }
  }

  /** The digest in lower-case hex; nothing may be added afterwards. */
  hex(): string {
    if (this.running !== undefined) return this.running.digest('hex');
    return hash('sha256', this.first ?? new Uint8Array(0), 'hex');
  }
}
