import { z } from 'zod';
import { host, remotePort } from './fields.ts';

/** Events for a program that gathers security events. */
export const siem = z.strictObject({
  kind: z
    .enum(['off', 'syslog'])
    .default('off')
    .describe(
      '`syslog` sends refusals, attempts to authenticate, mail, anomalies and decisions as CEF in messages of RFC 5424.',
    ),
  transport: z
    .enum(['udp', 'tcp', 'tls'])
    .default('tcp')
    .describe(
      'How: datagrams, which may be lost, or a connection with the length before each message (RFC 6587, RFC 5425).',
    ),
  host: host.optional().describe('Who takes them. Default: nobody, which is a fault where `kind` is `syslog`.'),
  port: remotePort.default(514).describe('Its port; 6514 is usual for TLS.'),
  least: z
    .enum(['usual', 'refused', 'suspicious', 'grave'])
    .default('refused')
    .describe(
      'Least severity: `usual` with mail that was accepted and logins, `refused` with what a rule or the server behind refused, `suspicious` with anomalies, acts of operators and failures of the server behind, `grave` only decisions, lost events and the breaker.',
    ),
});
