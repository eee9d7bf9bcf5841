import { parseForwardPath, parseReversePath } from '../../../proxy/path.ts';
import type { Lists, SourceFacts, StageFacts } from '../../../proxy/policy/rule.ts';
import type { OwnReply } from '../../../proxy/reply.ts';
import type { Mode, RuleId, SessionSettings } from '../../../proxy/settings.ts';
import { setUp } from '../../support/dialogue/setup.ts';

export const REFERENCE = '01JD8Z6Q0V3K5T7W9XABCDEFGH';

/** The lists of the tests: example.com and bücher.example are ours. */
export const someLists = (more: Partial<Lists> = {}): Lists => ({
  isOwnDomain: (domain) => ['example.com', 'xn--bcher-kva.example'].includes(domain),
  isOwnAddress: (address) => ['192.0.2.1', '2001:db8::1'].includes(address),
  isKnownRecipient: () => 'no-list',
  isNearMiss: () => false,
  refusedRecently: () => undefined,
  accountGuard: () => undefined,
  bounceScrutiny: () => undefined,
  hasSent: () => 'unavailable',
  ...more,
});

/** Settings of a mail exchanger with the default modes; `modes` changes some of them. */
export function someSettings(
  more: Partial<Omit<SessionSettings, 'modes'>> = {},
  modes: Partial<Record<RuleId, Mode>> = {},
): SessionSettings {
  const { settings } = setUp([]);
  return { ...settings, ...more, modes: { ...settings.modes, ...modes } };
}

export const someSource = (more: Partial<SourceFacts> = {}): SourceFacts => ({
  ip: '198.51.100.7',
  role: 'mx',
  class: 'stranger',
  tls: false,
  authenticated: false,
  heloName: 'c.example.net',
  settings: someSettings(),
  wallMs: 1_700_000_000_000,
  reference: REFERENCE,
  ...more,
});

export const heloFacts = (name: string, more: Partial<SourceFacts> = {}): StageFacts['helo'] => ({
  ...someSource(more),
  name,
});

export const authFacts = (
  mechanism: string,
  attempts: number,
  more: Partial<SourceFacts> = {},
): StageFacts['auth'] => ({ ...someSource({ tls: true, ...more }), mechanism, attempts });

export const mailFacts = (declaredOctets: number | undefined, more: Partial<SourceFacts> = {}): StageFacts['mail'] => ({
  ...someSource(more),
  reversePath: reversePath('a@example.net'),
  declaredOctets,
});

export interface RcptMore extends Partial<SourceFacts> {
  readonly from?: string;
  readonly acceptedCount?: number;
}

/** @param to - Forward-path without its brackets; it must be one. */
export function rcptFacts(to: string, { from = 'a@example.net', acceptedCount = 0, ...more }: RcptMore = {}) {
  const path = parseForwardPath(to);
  if (!path.ok) throw new Error(`${to} is no forward-path: ${path.error}`);
  const facts: StageFacts['rcpt'] = {
    ...someSource(more),
    reversePath: reversePath(from),
    forwardPath: path.value,
    acceptedCount,
  };
  return facts;
}

export const dataFacts = (octets: number, more: Partial<SourceFacts> = {}): StageFacts['data'] => ({
  ...someSource(more),
  octets,
});

function reversePath(text: string) {
  const path = parseReversePath(text);
  if (!path.ok) throw new Error(`${text} is no reverse-path`);
  return path.value;
}

/** Code and enhanced code of what a rule found; undefined for nothing. */
export function codesOf(finding: 'unavailable' | { readonly reply: OwnReply } | undefined): string | undefined {
  if (finding === undefined || finding === 'unavailable') return finding;
  return `${finding.reply.code} ${finding.reply.enhanced}`;
}
