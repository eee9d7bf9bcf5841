import type { EventByType, MailEvent } from '../events/event.ts';

/** The host that writes the log. */
const HOST = 'mx';
/** Process ids of smtpd are this and up to 255 more. */
const FIRST_PID = 2000;

/** What Postfix counts of a session, in its order (smtpd.c, smtpd_cmd_table); everything else is `unknown`. */
const countedVerbs: readonly string[] = [
  ...['HELO', 'EHLO', 'STARTTLS', 'AUTH', 'MAIL', 'RCPT', 'DATA', 'BDAT'],
  ...['RSET', 'NOOP', 'VRFY', 'ETRN', 'QUIT'],
];

/** What the log has to know of a session to write its next line. */
interface Session {
  heloName: string;
  isExtended: boolean;
  reversePath: string;
  lastVerb: string;
  /** Of the mail transaction: from the first forward-path that was accepted. */
  queueId: string | undefined;
  /** `, sasl_method=…, sasl_username=…` once somebody has logged in. */
  login: string;
  /** Octets of a body that has not ended; undefined outside of one. */
  dataOctets: number | undefined;
  readonly counts: Map<string, { accepted: number; all: number }>;
}

/**
 * What a Postfix 3.7 of Debian 12 with Dovecot as its SASL server writes into `mail.log` when it gets the traffic of events by itself:
 * the lines of smtpd, which are all that tell of clients. Lines of the queue are not written. Dovecot by itself writes nothing about
 * a wrong password for Postfix (`auth_verbose = no`). Stamps are those of Debian 12's rsyslog (RFC 3339), in UTC.
 *
 * A client that sends EHLO before the greeting leaves no line: smtpd does not mind, and postscreen is not on by itself.
 */
export class MailLog {
  readonly #sessions = new Map<string, Session>();
  #queueCount = 0;

  /** The lines of one event, without line ends; events of one session in their order. */
  linesOf(event: MailEvent): readonly string[] {
    if (!('sid' in event)) return [];
    // biome-ignore lint/style/noRestrictedGlobals: writes a time that is given, does not ask for one
    const at = new Date(event.at).toISOString().replace('Z', '000+00:00');
    const pid = FIRST_PID + Number.parseInt(event.sid.slice(-2), 16);
    const head = `${at} ${HOST} postfix/smtpd[${pid}]: `;
    return this.#textsOf(event).map((text) => head + printable(text));
  }

  #textsOf(event: Extract<MailEvent, { sid: string }>): readonly string[] {
    const client = `unknown[${event.ip}]`;
    if (event.type === 'session-opened') return [`connect from ${client}`];
    const session = this.#session(event.sid);
    if (event.type === 'command') return this.#command(session, event, client);
    if (event.type === 'auth-attempt') return authentication(session, event, client);
    if (event.type === 'anomaly') return anomaly(session, event, client);
    if (event.type === 'session-progress' && event.phase === 'data') session.dataOctets = event.octets;
    if (event.type !== 'session-closed') return [];
    this.#sessions.delete(event.sid);
    return [...ending(session, event, client), `disconnect from ${client}${totals(session)}`];
  }

  #session(sid: string): Session {
    const known = this.#sessions.get(sid);
    if (known !== undefined) return known;
    const begun: Session = {
      heloName: '',
      isExtended: true,
      reversePath: '',
      lastVerb: 'CONNECT',
      queueId: undefined,
      login: '',
      dataOctets: undefined,
      counts: new Map(),
    };
    this.#sessions.set(sid, begun);
    return begun;
  }

  #command(session: Session, event: EventByType<'command'>, client: string): readonly string[] {
    const { verb } = event;
    const code = event.reply?.code ?? 0;
    count(session, verb, code < 400);
    session.lastVerb = verb;
    if (verb === 'EHLO' || verb === 'HELO') {
      session.heloName = event.heloName ?? '';
      session.isExtended = verb === 'EHLO';
    }
    if (verb === 'MAIL') session.reversePath = event.reversePath ?? '';
    if (verb === 'MAIL' || verb === 'RSET' || verb === 'DATA') session.queueId = undefined;
    if (verb === 'DATA') session.dataOctets = undefined;
    if (verb !== 'RCPT') return [];
    if (code >= 400) return [rejection(session, event, client)];
    if (session.queueId !== undefined) return [];
    this.#queueCount += 1;
    session.queueId = (0xa0_00_00_00_00 + this.#queueCount).toString(16).toUpperCase();
    return [`${session.queueId}: client=${client}${session.login}`];
  }
}

/** Postfix puts a question mark for what cannot be printed. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?');

function count({ counts }: Session, verb: string, isAccepted: boolean): void {
  const key = countedVerbs.includes(verb) ? verb : 'UNKNOWN';
  const known = counts.get(key) ?? { accepted: 0, all: 0 };
  known.all += 1;
  if (isAccepted) known.accepted += 1;
  counts.set(key, known);
}

/** ` ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4` */
function totals({ counts }: Session): string {
  const sum = { accepted: 0, all: 0 };
  let text = '';
  for (const verb of [...countedVerbs, 'UNKNOWN']) {
    const { accepted, all } = counts.get(verb) ?? { accepted: 0, all: 0 };
    sum.accepted += accepted;
    sum.all += all;
    if (all > 0) text += ` ${verb.toLowerCase()}=${ofAll(accepted, all)}`;
  }
  return `${text} commands=${sum.all === 0 ? '0/0' : ofAll(sum.accepted, sum.all)}`;
}

const ofAll = (accepted: number, all: number): string => (accepted === all ? `${all}` : `${accepted}/${all}`);

/** A refused RCPT; relaying and unknown users in Postfix's own words, whoever refused them. */
function rejection(session: Session, event: EventByType<'command'>, client: string): string {
  const { forwardPath = '', reply, verdict } = event;
  const why = verdict.rule?.startsWith('relay.')
    ? 'Relay access denied'
    : `Recipient address rejected: ${reply?.enhanced === '5.1.1' ? 'User unknown in virtual mailbox table' : reply?.text}`;
  const status = `${reply?.code} ${reply?.enhanced ?? '5.0.0'}`;
  const envelope = `from=<${session.reversePath}> to=<${forwardPath}>`;
  const protocol = `proto=${session.isExtended ? 'ESMTP' : 'SMTP'} helo=<${session.heloName}>`;
  return `${session.queueId ?? 'NOQUEUE'}: reject: RCPT from ${client}: ${status} <${forwardPath}>: ${why}; ${envelope} ${protocol}`;
}

function authentication(session: Session, event: EventByType<'auth-attempt'>, client: string): readonly string[] {
  const { mechanism, account = '', outcome } = event;
  if (outcome === 'accepted') session.login = `, sasl_method=${mechanism}, sasl_username=${account}`;
  if (outcome !== 'refused') return [];
  return [
    `warning: ${client}: SASL ${mechanism} authentication failed: (reason unavailable), sasl_username=${account}`,
  ];
}

/** Clients of other protocols speak first, and Postfix finds what they said when it has greeted them. */
function anomaly(session: Session, { kind, octetsHex }: EventByType<'anomaly'>, client: string): readonly string[] {
  if (kind === 'sync-violation') {
    const said = Buffer.from(octetsHex ?? '', 'hex').toString('latin1');
    return [`improper command pipelining after ${session.lastVerb} from ${client}: ${said}`];
  }
  const said = foreignSpeech[kind];
  if (said === undefined) return [];
  session.lastVerb = 'UNKNOWN';
  count(session, session.lastVerb, false);
  return [
    `improper command pipelining after CONNECT from ${client}: ${said.all}`,
    `warning: non-SMTP command from ${client}: ${said.firstLine}`,
  ];
}

const foreignSpeech: Readonly<Record<string, { readonly firstLine: string; readonly all: string }>> = {
  'http-on-smtp': { firstLine: 'GET / HTTP/1.1', all: 'GET / HTTP/1.1\\r\\nHost: mx.example.com\\r\\n\\r\\n' },
  'tls-on-plaintext': { firstLine: '\\026\\003\\001\\000{\\001', all: '\\026\\003\\001\\000{\\001' },
};

/** How a session ended that did not end by QUIT. */
function ending(
  session: Session,
  { closedBy, rule }: EventByType<'session-closed'>,
  client: string,
): readonly string[] {
  const { lastVerb, dataOctets } = session;
  const where = dataOctets === undefined ? lastVerb : `DATA (${dataOctets} bytes)`;
  if (rule?.startsWith('deadline.')) return [`timeout after ${where} from ${client}`];
  if (rule === 'errors.limit') return [`too many errors after ${lastVerb} from ${client}`];
  // Postfix itself hangs up on other protocols.
  if (lastVerb === 'QUIT' || (lastVerb === 'UNKNOWN' && closedBy === 'gate')) return [];
  return [`lost connection after ${where} from ${client}`];
}
