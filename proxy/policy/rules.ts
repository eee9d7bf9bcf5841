import { authAttempts } from './auth-attempts.ts';
import { authGuarded } from './auth-guarded.ts';
import { authMechanism } from './auth-mechanism.ts';
import { authNeedsTls } from './auth-needs-tls.ts';
import { authRequired } from './auth-required.ts';
import { bounceMultipleRecipients } from './bounce-multiple-recipients.ts';
import { bounceUnverified } from './bounce-unverified.ts';
import { deadlineCommand } from './deadline-command.ts';
import { deadlineCommandLine } from './deadline-command-line.ts';
import { deadlineData } from './deadline-data.ts';
import { deadlineDataRate } from './deadline-data-rate.ts';
import { deadlineProxyHeader } from './deadline-proxy-header.ts';
import { deadlineSasl } from './deadline-sasl.ts';
import { deadlineSession } from './deadline-session.ts';
import { deadlineTls } from './deadline-tls.ts';
import { deadlineWrite } from './deadline-write.ts';
import { errorsLimit } from './errors-limit.ts';
import { greetEarlyTalker } from './greet-early-talker.ts';
import { heloOwnName } from './helo-own-name.ts';
import { heloSyntax } from './helo-syntax.ts';
import { junkLimit } from './junk-limit.ts';
import { limitsPerSource } from './limits-per-source.ts';
import { limitsRate } from './limits-rate.ts';
import { limitsTotal } from './limits-total.ts';
import { messageBareLineEnding } from './message-bare-line-ending.ts';
import { messageNul } from './message-nul.ts';
import { messageSize, messageSizeDeclared } from './message-size.ts';
import { recipientLimit } from './recipient-limit.ts';
import { recipientUnknown } from './recipient-unknown.ts';
import { relayDenied } from './relay-denied.ts';
import { relayRouting } from './relay-routing.ts';
import type { Rule, RuleDescription, Stage } from './rule.ts';
import { sourceBlocked } from './source-blocked.ts';

/** The rules that {@link evaluate} asks, by stage, in the order in which they are asked. */
export const rulesOfStage: { readonly [S in Stage]: readonly Rule<S>[] } = {
  helo: [heloSyntax, heloOwnName],
  auth: [authNeedsTls, authMechanism, authAttempts],
  mail: [authRequired, messageSizeDeclared],
  rcpt: [relayDenied, relayRouting, recipientUnknown, recipientLimit, bounceMultipleRecipients, bounceUnverified],
  data: [messageSize],
};

/** Every rule there is, in the order of a session. A rule that is judged at two stages stands twice. */
export const rules: readonly RuleDescription[] = [
  sourceBlocked,
  limitsTotal,
  limitsPerSource,
  limitsRate,
  greetEarlyTalker,
  ...rulesOfStage.helo,
  ...rulesOfStage.auth,
  authGuarded,
  ...rulesOfStage.mail,
  ...rulesOfStage.rcpt,
  messageBareLineEnding,
  messageNul,
  ...rulesOfStage.data,
  errorsLimit,
  junkLimit,
  deadlineProxyHeader,
  deadlineTls,
  deadlineCommand,
  deadlineCommandLine,
  deadlineSasl,
  deadlineData,
  deadlineDataRate,
  deadlineWrite,
  deadlineSession,
];
