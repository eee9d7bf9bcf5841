import { createHmac } from 'node:crypto';
import type { HashLocalPart } from '../../proxy/hashed-local-parts.ts';

export const LOCAL_PART_KEY_OCTETS = 32;
/** Hexadecimal digits of a hash: with a million addresses the chance that two of them fall together is one in 37 million. */
const DIGITS = 16;

/** Keyed hashes (HMAC-SHA256) of local parts for events. */
export const localPartHashes =
  (key: Buffer): HashLocalPart =>
  (localPart) =>
    createHmac('sha256', key).update(localPart).digest('hex').slice(0, DIGITS);
