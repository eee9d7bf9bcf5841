import { createHash, timingSafeEqual } from 'node:crypto';
import type { Role } from '../credentials.ts';

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** Knows tokens by their hash; how long a comparison takes says nothing of them. */
export class Tokens {
  readonly #viewer: Buffer;
  readonly #operator: Buffer;

  constructor({ viewer, operator }: Readonly<Record<Role, string>>) {
    this.#viewer = digestOf(viewer);
    this.#operator = digestOf(operator);
  }

  /** The most that one of these lets somebody do; undefined: nothing. */
  roleOf(presented: readonly string[]): Role | undefined {
    const digests = presented.map(digestOf);
    const isOneOf = (own: Buffer): boolean =>
      digests.reduce((found, digest) => timingSafeEqual(digest, own) || found, false);
    const isViewer = isOneOf(this.#viewer);
    const isOperator = isOneOf(this.#operator);
    return isOperator ? 'operator' : isViewer ? 'viewer' : undefined;
  }
}
