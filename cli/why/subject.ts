import { parseAddress, parsePrefix } from '../../lib/ip.ts';
import { sidOfReference } from '../../lib/uuid-v7.ts';

/** What somebody asks about. */
export type Subject =
  | { readonly kind: 'source'; readonly value: string }
  | { readonly kind: 'session'; readonly sid: string }
  | { readonly kind: 'decision'; readonly id: string };

/** Reads what somebody asks about; undefined for what is nothing of the kind. */
export function subjectOf(text: string): Subject | undefined {
  const sid = sidOfReference(text);
  if (sid !== undefined) return { kind: 'session', sid };
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return { kind: 'session', sid: text };
  if (/^[0-9a-f]{16}$/.test(text)) return { kind: 'decision', id: text };
  const address = parseAddress(text);
  if (address !== undefined) return { kind: 'source', value: address.text };
  const prefix = parsePrefix(text);
  return prefix === undefined ? undefined : { kind: 'source', value: prefix.text };
}
