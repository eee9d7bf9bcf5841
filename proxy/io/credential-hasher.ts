import type { SaslCredentials } from '../sasl-credentials.ts';

/** The two fields of an `auth-attempt` that tell who it was and whether it was the same password, to nobody but us. */
export interface CredentialFields {
  readonly account: string;
  /** 16 bits under a key of the day. */
  readonly credentialFingerprint?: number;
}

/** Makes keyed hashes of credentials; it keeps nothing of them. */
export interface CredentialHasher {
  /**
   * @param wallMs - Milliseconds since 1970-01-01 UTC.
   * @returns undefined before there is a key.
   */
  fieldsOf(credentials: SaslCredentials, wallMs: number): CredentialFields | undefined;
}
