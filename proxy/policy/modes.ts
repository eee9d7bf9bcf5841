import { type Mode, type RuleId, ruleIds, type SessionSettings } from '../settings.ts';

type Modes = SessionSettings['modes'];

/** Rules that only observe until somebody promotes them; all others enforce. */
const observing: ReadonlySet<RuleId> = new Set<RuleId>(['helo.syntax', 'helo.own-name', 'bounce.multiple-recipients']);

/**
 * Rules that cannot be switched off, since what they keep out has no other keeper: an open relay, a message smuggled behind
 * another one, a mechanism that would authenticate the gate in place of the client, sockets held for ever. Their numbers
 * (limits, deadlines) are settings all the same.
 */
const mandatory: ReadonlySet<RuleId> = new Set<RuleId>([
  'relay.denied',
  'message.bare-line-ending',
  'auth.mechanism',
  'limits.total',
  'deadline.proxy-header',
  'deadline.command',
  'deadline.command-line',
  'deadline.sasl',
  'deadline.tls',
  'deadline.data',
  'deadline.data-rate',
  'deadline.write',
  'deadline.session',
]);

/**
 * What the panic switch leaves in force besides the mandatory rules: the rest of relay control (a local part that reroutes
 * makes an open relay of many an old server), what keeps passwords off the wire, and limits that a client learns from EHLO or
 * may simply try again below. `errors.limit`, `junk.limit`, `limits.per-source`, `limits.rate`, `auth.attempts` and
 * `auth.required` judge the client's conduct, and that may be what panic is about: they only observe.
 */
const keptInPanic: ReadonlySet<RuleId> = new Set<RuleId>([
  ...mandatory,
  'relay.routing',
  'auth.needs-tls',
  'message.size',
  'recipient.limit',
]);

const modesBy = (modeOfRule: (rule: RuleId) => Mode): Modes =>
  // The keys are all the rule ids there are.
  Object.fromEntries(ruleIds.map((rule) => [rule, modeOfRule(rule)])) as Record<RuleId, Mode>;

/** The mode of each rule where the configuration says nothing. */
export const defaultModes: Modes = modesBy((rule) => (observing.has(rule) ? 'observe' : 'enforce'));

const anyMode: readonly Mode[] = ['enforce', 'observe', 'off'];
const onlyEnforce: readonly Mode[] = ['enforce'];

/** The modes that a rule may be given; `enforce` always comes first. */
export const allowedModes = (rule: RuleId): readonly Mode[] => (mandatory.has(rule) ? onlyEnforce : anyMode);

/** The mode of a rule in force: one that is not allowed counts as `enforce`, whoever set it. */
export function modeOf(modes: Modes, rule: RuleId): Mode {
  const mode = modes[rule];
  return allowedModes(rule).includes(mode) ? mode : 'enforce';
}

/** The rule goes on refusing under the panic switch. */
export const isKeptInPanic = (rule: RuleId): boolean => keptInPanic.has(rule);

/** The panic switch: everything but relay control, framing and hard limits only observes; what is off stays off. */
export const observeAll = (modes: Modes): Modes =>
  modesBy((rule) => (isKeptInPanic(rule) || modes[rule] === 'off' ? modeOf(modes, rule) : 'observe'));
