import type { Role } from '../events/event.ts';
import type { Hash64 } from '../lib/keyed-hash.ts';

/** Where an event lies in `postern.events`. */
export interface Position {
  readonly partition: number;
  readonly offset: number;
}

/** Which event it is, and when it happened. */
export interface Seen {
  /** Milliseconds since 1970-01-01 UTC. */
  readonly atMs: number;
  /** Empty for an event without a session. */
  readonly sid: string;
  readonly seq: number;
}

/** What is known of a source, mildest judged last. */
export type Standing = 'stranger' | 'with-history' | 'provider';

/** Roles that are judged together: evidence from one group says nothing about the other. */
export type RoleGroup = 'mx' | 'submission';

export const groupOf = (role: Role): RoleGroup => (role === 'mx' ? 'mx' : 'submission');

export const rolesOf = (group: RoleGroup): readonly Role[] => (group === 'mx' ? ['mx'] : ['submission', 'submissions']);

/** The source of an event. */
export interface Source {
  /** An IPv4 address or an IPv6 /64. */
  readonly text: string;
  readonly group: RoleGroup;
  /** Tells the source in this group from itself in the other. */
  readonly key: Hash64;
  readonly standing: Standing;
  /** Mail of it was accepted, or it authenticated, in this group within 30 days. */
  readonly isGood: boolean;
  /** How far below zero its scores may go, as a negative number: what it has done well counts, within bounds. */
  readonly floor: number;
}
