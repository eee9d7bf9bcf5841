import { createHmac } from 'node:crypto';
import { FIELD_LENGTH_MAX } from '../../events/event.ts';
import { escapeField } from '../../lib/escape.ts';
import type { CredentialFields, CredentialHasher } from '../../proxy/io/credential-hasher.ts';
import { revealCredentials, type SaslCredentials } from '../../proxy/sasl-credentials.ts';
import type { CredentialRatchet } from './credential-ratchet.ts';
import type { SiteSecret } from './site-secret.ts';

/** Octets of an account's hash: none of a million accounts falls together with another. */
const ACCOUNT_OCTETS = 16;

/** Keyed hashes of account names in their normal form (NFC, lower case, without blanks around them): 32 hexadecimal digits. */
export function accountHashes(secret: SiteSecret): (account: string) => string {
  const key = secret.derive('account hashes', 32);
  return (account) =>
    createHmac('sha256', key)
      .update(account)
      .digest('hex')
      .slice(0, 2 * ACCOUNT_OCTETS);
}

/** Keyed hashes of accounts and passwords for events. */
export class CredentialHashes implements CredentialHasher {
  /** See {@link accountHashes}. */
  readonly hashOf: (account: string) => string;
  private readonly ratchet: CredentialRatchet;
  /** Accounts stand in events as they are. */
  private readonly isPlain: boolean;

  constructor(secret: SiteSecret, ratchet: CredentialRatchet, isPlain: boolean) {
    this.hashOf = accountHashes(secret);
    this.ratchet = ratchet;
    this.isPlain = isPlain;
  }

  fieldsOf(credentials: SaslCredentials, wallMs: number): CredentialFields {
    const { account, password } = revealCredentials(credentials);
    const shown = this.isPlain ? escapeField(account, FIELD_LENGTH_MAX) : this.hashOf(account);
    if (password === undefined) return { account: shown };
    const key = this.ratchet.keyAt(wallMs);
    return {
      account: shown,
      credentialFingerprint: createHmac('sha256', key).update(password).digest().readUInt16BE(0),
    };
  }
}
