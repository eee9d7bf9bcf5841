import type { Origin } from './event-log.ts';

/** An origin as a short text: `log/partition/offset`. */
export const encodeOrigin = ({ log, partition, offset }: Origin): string => `${log}/${partition}/${offset}`;

/** The origin that a text tells of; undefined for anything else. */
export function decodeOrigin(text: string): Origin | undefined {
  const [, log, partition, offset] = /^([A-Za-z0-9._-]{1,64})\/(\d{1,5})\/(\d{1,15})$/.exec(text) ?? [];
  if (log === undefined) return undefined;
  return { log, partition: Number(partition), offset: Number(offset) };
}
