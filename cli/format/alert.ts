import type { SentAlert } from '../../analyzers/alert-gate.ts';
import { escapeField } from '../../lib/escape.ts';
import { parsePrefix } from '../../lib/ip.ts';
import { rfc5322Date } from '../../lib/time.ts';

/** Who tells, and whom. */
export interface Envelope {
  readonly from: string;
  readonly to: string;
  readonly hostname: string;
}

/** Longest text of one field: two of them and what stands around them fit into a line (RFC 5322 section 2.1.1: 998 octets). */
const FIELD_LENGTH_MAX = 400;

/** Printable ASCII: a message needs no encoding then. */
const shown = (text: string): string =>
  escapeField(text, FIELD_LENGTH_MAX)
    .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .slice(0, FIELD_LENGTH_MAX);

/** Lines that say what it is and where to look; printable ASCII. */
export function alertLines({ text, subject, kind, atMs, heldBack }: SentAlert, site: string): readonly string[] {
  return [
    `${shown(text)}.`,
    '',
    `About: ${shown(subject)} (${kind}), site ${shown(site)}, ${new Date(atMs).toISOString()}`,
    ...(isSource(subject) ? [`Why:   postern why ${subject}`] : []),
    'All:   postern list; what decisions do: postern report',
    ...(heldBack === 0 ? [] : [`${heldBack} more alerts were held back in the last hour.`]),
  ];
}

/** An address or a range: what `postern why` can be asked about. */
const isSource = (subject: string): boolean => parsePrefix(subject) !== undefined;

/** The alert as a message (RFC 5322), dots doubled, for DATA. No line is longer than 998 octets, none is a lone dot. */
export function alertMessage(alert: SentAlert, site: string, { from, to, hostname }: Envelope, nowMs: number): string {
  const header = [
    `From: Postern <${from}>`,
    `To: <${to}>`,
    `Subject: [postern] ${shown(alert.text).slice(0, 120)}`,
    `Date: ${rfc5322Date(nowMs)}`,
    `Message-ID: <${nowMs}.${alert.atMs}.${alert.kind}@${hostname}>`,
    // RFC 3834: nobody's machine is to answer.
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
  ];
  const lines = [...header, '', ...alertLines(alert, site)];
  return lines.map((line) => `${line.startsWith('.') ? '.' : ''}${line}\r\n`).join('');
}

/** The alert as JSON for a webhook. */
export const alertJson = (alert: SentAlert, site: string): string =>
  JSON.stringify({
    kind: alert.kind,
    subject: shown(alert.subject),
    site: shown(site),
    at: alert.atMs,
    heldBack: alert.heldBack,
    text: alertLines(alert, site).join('\n'),
  });
