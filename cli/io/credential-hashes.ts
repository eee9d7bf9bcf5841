import { createHmac } from 'node:crypto';
import { FIELD_LENGTH_MAX } from '../../events/event.ts';
import { escapeField } from '../../lib/escape.ts';
import type { CredentialFields, CredentialHasher } from '../../proxy/io/credential-hasher.ts';
import { revealCredentials, type SaslCredentials } from '../../proxy/sasl-credentials.ts';
import type { CredentialRatchet } from './credential-ratchet.ts';
import type { SiteSecret } from './site-secret.ts';

/** Octets of an account's hash: none of a million accounts falls together with another. */
const ACCOUNT_OCTETS = 16;

/** Keyed hashes of accounts and passwords for events. */
export class CredentialHashes implements CredentialHasher {
  private readonly accountKey: Buffer;
  private readonly ratchet: CredentialRatchet;
  /** Accounts stand in events as they are. */
  private readonly isPlain: boolean;

  constructor(secret: SiteSecret, ratchet: CredentialRatchet, isPlain: boolean) {
    this.accountKey = secret.derive('account hashes', 32);
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

  /** The hash of an account name in its normal form: 32 hexadecimal digits. */
  hashOf(account: string): string {
    return createHmac('sha256', this.accountKey)
      .update(account)
      .digest('hex')
      .slice(0, 2 * ACCOUNT_OCTETS);
  }
}
