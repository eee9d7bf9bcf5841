import { type AnomalyKind, FIELD_LENGTH_MAX } from '../../events/event.ts';
import { escapeOctets } from '../../lib/escape.ts';
import { type Command, parseCommand, type SyntaxFault, serialiseCommand } from '../command.ts';
import { mayHoldSecret } from '../foreign-line.ts';
import { errorsLimit } from '../policy/errors-limit.ts';
import { evaluate } from '../policy/evaluate.ts';
import { junkLimit } from '../policy/junk-limit.ts';
import { onAuth } from './authentication.ts';
import { onBdat } from './bdat.ts';
import { abortUpstream, closeSession, enterCommand } from './closing.ts';
import { onData } from './data.ts';
import { onMail, onRcpt } from './envelope.ts';
import { OWN_REPLIES } from './own-replies.ts';
import { sourceFacts } from './source-facts.ts';
import { onStartTls } from './starttls.ts';
import type { CommandFacts, Offer } from './state.ts';
import { field, type Turn } from './turn.ts';

/** A whole line in command mode. */
export function onLine(turn: Turn, line: Uint8Array): void {
  const { draft } = turn;
  turn.clearTimer('command');
  turn.clearTimer('command-line');
  if (isProxySignature(turn, line)) {
    beginUnparsed(turn, '?', undefined);
    turn.anomaly('proxy-untrusted', line);
    refuseAndClose(turn, OWN_REPLIES.proxySignature, 'protocol.syntax');
    return;
  }
  draft.emptyLines = line.length === 0 ? draft.emptyLines + 1 : 0;
  if (draft.layeredMechanism && isBinary(line)) {
    onSecurityLayer(turn);
    return;
  }
  draft.layeredMechanism = false;
  const parsed = parseCommand(line);
  if (parsed.ok) onCommand(turn, parsed.value);
  else onSyntaxFault(turn, parsed.error, line);
}

/** The signature of PROXY v2 reads as two empty lines and a NUL (PROXY protocol 2.2). */
const isProxySignature = (turn: Turn, line: Uint8Array): boolean =>
  turn.draft.emptyLines >= 2 && line.length === 1 && line[0] === 0;

const isBinary = (line: Uint8Array): boolean => line.some((octet) => octet < 0x20 || octet > 0x7e);

/** What follows 235 is not SMTP: a negotiated security layer, which the gate cannot read (RFC 4954 section 4). */
function onSecurityLayer(turn: Turn): void {
  turn.anomaly('sasl-security-layer');
  abortUpstream(turn);
  closeSession(turn, { closedBy: 'gate', reply: OWN_REPLIES.synchronization });
}

function beginUnparsed(turn: Turn, verb: string, argument: Uint8Array | undefined): void {
  const facts: CommandFacts =
    argument === undefined || argument.length === 0
      ? { verb }
      : {
          verb,
          argument: escapeOctets(argument, FIELD_LENGTH_MAX),
        };
  turn.begin({ command: undefined, facts, startedUs: turn.now.monotonicUs, observed: [] });
}

/** A line whose framing is broken. */
export function onLineFault(
  turn: Turn,
  fault: 'bare-cr' | 'bare-lf' | 'overlong' | 'overlong-endless' | 'tls-record',
  octets: Uint8Array,
  authLine: boolean,
): void {
  turn.clearTimer('command');
  turn.clearTimer('command-line');
  if (turn.draft.layeredMechanism && isBinary(octets.subarray(0, 4))) {
    onSecurityLayer(turn);
    return;
  }
  const secret = authLine || mayHoldSecret(escapeOctets(octets, FIELD_LENGTH_MAX));
  const shown = secret ? undefined : octets;
  beginUnparsed(turn, secret ? 'AUTH' : '?', shown);
  switch (fault) {
    case 'bare-cr':
      turn.anomaly('bare-cr', shown);
      return refuseAndClose(turn, OWN_REPLIES.bareCarriageReturn, 'protocol.bare-line-ending');
    case 'bare-lf':
      turn.anomaly('bare-lf', shown);
      return refuseAndClose(turn, OWN_REPLIES.bareLineFeed, 'protocol.bare-line-ending');
    case 'overlong-endless':
      turn.anomaly('overlong-line', shown);
      return refuseAndClose(turn, OWN_REPLIES.lineTooLong, 'protocol.line-too-long');
    case 'tls-record':
      // The evidence is gathered while draining: a ClientHello comes in pieces.
      turn.answerOwn(OWN_REPLIES.tlsOnPlaintext, { action: 'refuse', rule: 'protocol.syntax' });
      return closeSession(turn, { closedBy: 'gate', evidence: 'tls-on-plaintext' });
    case 'overlong':
      turn.anomaly('overlong-line', shown);
      if (limitReached(turn, false)) return;
      turn.answerOwn(OWN_REPLIES.lineTooLong, { action: 'refuse', rule: 'protocol.line-too-long' });
      enterCommand(turn);
  }
}

function refuseAndClose(turn: Turn, reply: SyntaxFault['reply'], rule: string): void {
  turn.answerOwn(reply, { action: 'close', rule });
  closeSession(turn, { closedBy: 'gate', rule });
}

function onSyntaxFault(turn: Turn, fault: SyntaxFault, line: Uint8Array): void {
  beginUnparsed(turn, fault.verb, fault.secret ? undefined : line);
  if (fault.anomaly !== undefined) turn.anomaly(anomalyOf(turn, fault.anomaly), fault.secret ? undefined : line);
  if (fault.close) return refuseAndClose(turn, fault.reply, fault.rule);
  if (limitReached(turn, false)) return;
  turn.answerOwn(standingReply(turn) ?? fault.reply, { action: 'refuse', rule: fault.rule });
  if (turn.draft.standing === 'orphan') closeSession(turn, { closedBy: 'upstream' });
  else enterCommand(turn);
}

/** A PROXY line is a repetition only behind a balancer that sent one before. */
const anomalyOf = (turn: Turn, kind: AnomalyKind): AnomalyKind =>
  kind === 'proxy-repeat' && !turn.draft.source.viaProxyProtocol ? 'proxy-untrusted' : kind;

const standingReply = (turn: Turn): SyntaxFault['reply'] | undefined =>
  turn.draft.standing === 'orphan'
    ? OWN_REPLIES.orphaned
    : turn.draft.standing === 'refused'
      ? OWN_REPLIES.onlyQuit
      : undefined;

const junkVerbs: ReadonlySet<string> = new Set(['NOOP', 'RSET', 'VRFY', 'EXPN', 'HELP']);

function onCommand(turn: Turn, command: Command): void {
  const { draft } = turn;
  turn.begin({ command, facts: factsOf(command, draft.offer), startedUs: turn.now.monotonicUs, observed: [] });
  if (command.verb !== 'QUIT' && limitReached(turn, isJunk(turn, command))) return;
  if (draft.standing !== 'normal' && onOtherStanding(turn, command)) return;
  if (refusedBeforeTls(turn, command)) return;
  dispatch(turn, command);
}

/** Commands that move no mail, and chunks too small to be meant (they cost the server behind a round trip each). */
function isJunk(turn: Turn, command: Command): boolean {
  if (command.verb !== 'BDAT') return junkVerbs.has(command.verb);
  return !command.last && command.octets < turn.settings.limits.smallChunkOctets;
}

/** `errors.limit` and `junk.limit`: junk beyond its limit counts as errors; too many errors end the session. */
function limitReached(turn: Turn, junk: boolean): boolean {
  const { draft, settings } = turn;
  const { limits, modes } = settings;
  let rule = errorsLimit;
  if (junk) {
    draft.junkCount += 1;
    if (draft.junkCount > limits.junkMax) {
      if (modes['junk.limit'] === 'observe') turn.observe([{ rule: 'junk.limit', action: 'close' }]);
      if (modes['junk.limit'] === 'enforce') {
        draft.errorCount += 1;
        rule = junkLimit;
      }
    }
  }
  if (draft.errorCount < limits.errorsMax) return false;
  if (modes['errors.limit'] === 'enforce') return endByLimit(turn, rule);
  if (modes['errors.limit'] === 'observe') turn.observe([{ rule: 'errors.limit', action: 'close' }]);
  return false;
}

function endByLimit(turn: Turn, rule: typeof errorsLimit): true {
  turn.answerOwn(rule.reply(turn.settings, turn.draft.reference), { action: 'close', rule: rule.id });
  closeSession(turn, { closedBy: 'gate', rule: rule.id });
  return true;
}

/** After a refused greeting only QUIT works; without an upstream leg everything but QUIT ends the session. */
function onOtherStanding(turn: Turn, command: Command): boolean {
  if (command.verb === 'QUIT') {
    turn.answerOwn(OWN_REPLIES.quit, { action: 'accept' });
    closeSession(turn, { closedBy: 'client' });
  } else if (turn.draft.standing === 'orphan') {
    turn.answerOwn(OWN_REPLIES.orphaned, { action: 'defer', rule: 'protocol.upstream-lost' });
    closeSession(turn, { closedBy: 'upstream' });
  } else {
    turn.answerOwn(OWN_REPLIES.onlyQuit, { action: 'refuse', rule: 'protocol.sequence' });
    // Chunk octets have no meaning here: without their framing the session cannot go on.
    if (command.verb === 'BDAT') closeSession(turn, { closedBy: 'gate' });
    else enterCommand(turn);
  }
  return true;
}

const allowedBeforeTls: ReadonlySet<string> = new Set(['NOOP', 'EHLO', 'STARTTLS', 'QUIT']);

/** RFC 3207 section 4: where TLS is required, everything else gets 530 first. */
function refusedBeforeTls(turn: Turn, command: Command): boolean {
  const { draft, settings } = turn;
  if (!settings.listener.tlsRequired || draft.clientTls || allowedBeforeTls.has(command.verb)) return false;
  turn.answerOwn(OWN_REPLIES.needsStartTls, { action: 'refuse', rule: 'auth.needs-tls' });
  if (command.verb === 'BDAT') closeSession(turn, { closedBy: 'gate' });
  else enterCommand(turn);
  return true;
}

function dispatch(turn: Turn, command: Command): void {
  switch (command.verb) {
    case 'EHLO':
    case 'HELO':
      return onHello(turn, command);
    case 'MAIL':
      return onMail(turn, command);
    case 'RCPT':
      return onRcpt(turn, command);
    case 'DATA':
      return onData(turn);
    case 'BDAT':
      return onBdat(turn, command);
    case 'AUTH':
      return onAuth(turn, command);
    case 'STARTTLS':
      return onStartTls(turn);
    case 'RSET':
      return forward(turn, command, 'rset', turn.settings.deadlines.upstreamRsetMs);
    case 'NOOP':
      return forward(turn, command, 'noop', turn.settings.deadlines.upstreamReplyMs);
    case 'QUIT':
      turn.enter('awaiting', { kind: 'silent' });
      return turn.sendUpstream('quit', serialiseCommand(command), turn.settings.deadlines.upstreamQuitMs);
    case 'VRFY':
      return answerLocally(turn, OWN_REPLIES.verify);
    case 'EXPN':
      return answerLocally(turn, OWN_REPLIES.expand);
    case 'HELP':
      return answerLocally(turn, OWN_REPLIES.help);
  }
}

function forward(turn: Turn, command: Command, awaited: 'rset' | 'noop', afterMs: number): void {
  turn.awaitUpstream();
  turn.sendUpstream(awaited, serialiseCommand(command), afterMs);
}

function answerLocally(turn: Turn, reply: SyntaxFault['reply']): void {
  turn.answerOwn(reply, reply.code < 400 ? { action: 'accept' } : { action: 'refuse', rule: 'protocol.not-available' });
  enterCommand(turn);
}

function onHello(turn: Turn, command: Extract<Command, { verb: 'EHLO' | 'HELO' }>): void {
  const { settings } = turn;
  const verdict = evaluate('helo', { ...sourceFacts(turn), name: command.name }, turn.lists);
  if (verdict.action !== 'accept') {
    turn.answerOwn(verdict.reply, { action: verdict.action, rule: verdict.rule }, { observed: verdict.observed });
    if (verdict.action === 'close') closeSession(turn, { closedBy: 'gate', rule: verdict.rule });
    else enterCommand(turn);
    return;
  }
  turn.observe(verdict.observed);
  // Nothing may be glued behind EHLO: what it offers is not known before its reply (RFC 2920 section 3.1).
  turn.enter('awaiting', { kind: settings.listener.lenientEhlo ? 'stopped' : 'silent' });
  turn.sendUpstream('helo', serialiseCommand(command), settings.deadlines.upstreamReplyMs);
}

/** What the event says of a command. */
function factsOf(command: Command, offer: Offer): CommandFacts {
  switch (command.verb) {
    case 'EHLO':
    case 'HELO':
      return { verb: command.verb, heloName: field(command.name) };
    case 'MAIL':
      return { verb: 'MAIL', reversePath: field(command.reversePath.text), ...parameterFacts(command) };
    case 'RCPT':
      return { verb: 'RCPT', forwardPath: field(command.forwardPath.text), ...parameterFacts(command) };
    case 'BDAT':
      return { verb: 'BDAT', octets: command.octets };
    case 'AUTH':
      return { verb: 'AUTH', mechanism: shownMechanism(command.mechanism, offer) };
    default:
      return { verb: command.verb };
  }
}

/** Mechanisms by which clients try (IANA registry, and what Exchange offers). */
const knownMechanisms: ReadonlySet<string> = new Set([
  ...['ANONYMOUS', 'CRAM-MD5', 'DIGEST-MD5', 'EXTERNAL', 'GSSAPI', 'GSS-SPNEGO', 'KERBEROS_V4', 'LOGIN', 'NTLM'],
  ...['OAUTHBEARER', 'OTP', 'PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS'],
  ...['SCRAM-SHA-512', 'SCRAM-SHA-512-PLUS', 'SKEY', 'SRP', 'XOAUTH', 'XOAUTH2'],
]);

/** A word that is no mechanism may be the credential of a client that left the mechanism out. */
const shownMechanism = (mechanism: string, offer: Offer): string =>
  offer.mechanisms.has(mechanism) || knownMechanisms.has(mechanism) ? mechanism : '?';

function parameterFacts(command: Extract<Command, { verb: 'MAIL' | 'RCPT' }>): Pick<CommandFacts, 'parameters'> {
  if (command.parameters.length === 0) return {};
  const parameters = command.parameters.map(({ keyword, value }): [string, string?] =>
    value === undefined ? [field(keyword)] : [field(keyword), field(value)],
  );
  return { parameters };
}
