import type { SourceClass } from './rule.ts';

/** What is known of a source; what is absent is false. */
export interface SourceStanding {
  /** AUTH that the server behind accepted with 235. */
  readonly authenticated: boolean;
  /** A verified client certificate. */
  readonly certificate?: boolean;
  readonly trustedNetwork: boolean;
  readonly neverListed: boolean;
  /** A large mail provider, whose addresses many people share. */
  readonly provider: boolean;
  /** Mail from it was accepted before. */
  readonly withHistory: boolean;
}

/** The strongest class that a source belongs to. */
export function sourceClassOf(standing: SourceStanding): SourceClass {
  if (standing.authenticated) return 'authenticated';
  if (standing.certificate === true) return 'certificate';
  if (standing.trustedNetwork) return 'trusted-network';
  if (standing.neverListed) return 'never-listed';
  if (standing.provider) return 'provider';
  return standing.withHistory ? 'with-history' : 'stranger';
}

/** Whoever may not send mail anywhere through the gate. Never-listed sources are among them: they are exempt from decisions only. */
export const untrusted: readonly SourceClass[] = ['stranger', 'with-history', 'provider', 'never-listed'];

/** Whoever has shown neither a certificate nor a password. */
export const unauthenticated: readonly SourceClass[] = [...untrusted, 'trusted-network'];

/** Whoever may send mail anywhere: what they send is mail of ours. */
export const mayRelay: readonly SourceClass[] = ['trusted-network', 'certificate', 'authenticated'];

export const everyone: readonly SourceClass[] = [...untrusted, ...mayRelay];
