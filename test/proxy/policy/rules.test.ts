import { describe, expect, test } from 'vitest';
import { PrefixSet, parsePrefix } from '../../../lib/ip.ts';
import { admit } from '../../../proxy/policy/admission.ts';
import { evaluate } from '../../../proxy/policy/evaluate.ts';
import { allowedModes } from '../../../proxy/policy/modes.ts';
import { REASON_LENGTH_MAX } from '../../../proxy/policy/refusal.ts';
import { type SourceClass, type SourceFacts, sourceClasses } from '../../../proxy/policy/rule.ts';
import { rules } from '../../../proxy/policy/rules.ts';
import { type Mode, type RuleId, ruleIds, type SessionSettings } from '../../../proxy/settings.ts';
import type { Verdict } from '../../../proxy/verdict.ts';
import { anEntry } from '../../support/decisions.ts';
import { authFacts, dataFacts, heloFacts, mailFacts, REFERENCE, rcptFacts, someLists, someSettings } from './facts.ts';

/**
 * Which rule concerns which class of source, in the order of `sourceClasses`: stranger, with history, provider, never-listed,
 * trusted network, certificate, authenticated.
 */
const matrix: Readonly<Record<RuleId, string>> = {
  'source.blocked': 'S H P - T C -',
  'limits.total': 'S H P N T C A',
  'limits.per-source': 'S H P N - - -',
  'limits.rate': 'S H P N - - -',
  'greet.early-talker': 'S H P N - - -',
  'helo.syntax': 'S H P N - - -',
  'helo.own-name': 'S H P N - - -',
  'auth.needs-tls': 'S H P N T C A',
  'auth.mechanism': 'S H P N T C A',
  'auth.attempts': 'S H P N T C A',
  'auth.guarded': 'S H P - - - -',
  'auth.required': 'S H P N - - -',
  'message.size': 'S H P N T C A',
  'message.bare-line-ending': 'S H P N T C A',
  'message.nul': 'S H P N T C A',
  'relay.denied': 'S H P N - - -',
  'relay.routing': 'S H P N T - -',
  'recipient.unknown': 'S H P N T C A',
  'recipient.limit': 'S H P N T C A',
  'bounce.multiple-recipients': 'S H P N - - -',
  'bounce.unverified': 'S H P - - - -',
  'errors.limit': 'S H P N T C A',
  'junk.limit': 'S H P N T C A',
  'deadline.proxy-header': 'S H P N T C A',
  'deadline.command': 'S H P N T C A',
  'deadline.command-line': 'S H P N T C A',
  'deadline.sasl': 'S H P N T C A',
  'deadline.tls': 'S H P N T C A',
  'deadline.data': 'S H P N T C A',
  'deadline.data-rate': 'S H P N T C A',
  'deadline.write': 'S H P N T C A',
  'deadline.session': 'S H P N T C A',
};

const isConcerned = (rule: RuleId, sourceClass: SourceClass): boolean =>
  matrix[rule].split(' ')[sourceClasses.indexOf(sourceClass)] !== '-';

const cells = rules.flatMap(({ id }) => sourceClasses.map((sourceClass) => ({ rule: id, sourceClass })));

test('every rule has its row, and concerns what the row says', () => {
  expect(new Set(rules.map(({ id }) => id))).toEqual(new Set(ruleIds));
  for (const { id, concerns } of rules)
    expect(sourceClasses.filter((each) => concerns.includes(each))).toEqual(
      sourceClasses.filter((each) => isConcerned(id, each)),
    );
});

/** Only this rule acts, as far as others can be switched off. */
function settingsFor(rule: RuleId, more: Partial<SessionSettings> = {}): SessionSettings {
  const modes: Partial<Record<RuleId, Mode>> = {};
  for (const each of ruleIds) modes[each] = each === rule ? 'enforce' : (allowedModes(each).at(-1) ?? 'enforce');
  return someSettings(more, modes);
}

/** An offence against each rule that `evaluate` knows, and against no other. */
const offences: Partial<Record<RuleId, ((source: Partial<SourceFacts>) => Verdict)[]>> = {
  'helo.syntax': [(source) => evaluate('helo', heloFacts('two words', source), someLists())],
  'helo.own-name': [(source) => evaluate('helo', heloFacts('gate.example.com', source), someLists())],
  'auth.needs-tls': [(source) => evaluate('auth', authFacts('PLAIN', 0, { ...source, tls: false }), someLists())],
  'auth.mechanism': [(source) => evaluate('auth', authFacts('EXTERNAL', 0, source), someLists())],
  'auth.attempts': [(source) => evaluate('auth', authFacts('PLAIN', 3, source), someLists())],
  'auth.required': [
    ({ settings = someSettings(), ...source }) => {
      const listener = { ...settings.listener, authRequired: true };
      return evaluate('mail', mailFacts(undefined, { ...source, settings: { ...settings, listener } }), someLists());
    },
  ],
  'message.size': [
    (source) => evaluate('mail', mailFacts(10_485_761, source), someLists()),
    (source) => evaluate('data', dataFacts(10_485_761, source), someLists()),
  ],
  'relay.denied': [(source) => evaluate('rcpt', rcptFacts('b@elsewhere.example', source), someLists())],
  'relay.routing': [(source) => evaluate('rcpt', rcptFacts('a%b@example.com', source), someLists())],
  'recipient.unknown': [
    (source) => evaluate('rcpt', rcptFacts('b@example.com', source), someLists({ isKnownRecipient: () => false })),
  ],
  'recipient.limit': [
    (source) => evaluate('rcpt', rcptFacts('b@example.com', { ...source, acceptedCount: 100 }), someLists()),
  ],
  'bounce.multiple-recipients': [
    (source) => evaluate('rcpt', rcptFacts('b@example.com', { ...source, from: '', acceptedCount: 1 }), someLists()),
  ],
  'bounce.unverified': [
    (source) =>
      evaluate(
        'rcpt',
        rcptFacts('b@example.com', { ...source, from: '' }),
        someLists({ bounceScrutiny: () => 'enforce' }),
      ),
  ],
};

/** Offences of the connect stage, where a certificate or a password cannot have been shown. */
const arrivals: Partial<Record<RuleId, Parameters<typeof admit>[0]['load'] | 'blocked'>> = {
  'source.blocked': 'blocked',
  'limits.total': { total: true, strangers: true, perSource: false, rate: false },
  'limits.per-source': { total: false, strangers: false, perSource: true, rate: false },
  'limits.rate': { total: false, strangers: false, perSource: false, rate: true },
};

const prefix = parsePrefix('198.51.100.7/32');
if (prefix === undefined) throw new Error('a prefix');
const here = new PrefixSet([prefix]);
const nowhere = new PrefixSet([]);

function arrive(rule: RuleId, offence: NonNullable<(typeof arrivals)[RuleId]>, sourceClass: SourceClass): Verdict {
  if (prefix === undefined) throw new Error('a prefix');
  return admit({
    arrival: { ip: '198.51.100.7', port: 1, localAddress: '192.0.2.1', localPort: 25, viaProxyProtocol: false },
    role: 'mx',
    networks: {
      trusted: sourceClass === 'trusted-network' ? here : nowhere,
      never: sourceClass === 'never-listed' ? here : nowhere,
      normalised: nowhere,
      providers: sourceClass === 'provider' ? here : nowhere,
    },
    load: offence === 'blocked' ? { total: false, strangers: false, perSource: false, rate: false } : offence,
    blocked: offence === 'blocked' ? anEntry() : undefined,
    stressed: false,
    withHistory: sourceClass === 'with-history',
    settings: settingsFor(rule),
    reference: REFERENCE,
  }).verdict;
}

describe.each(Object.entries(offences) as [RuleId, ((source: Partial<SourceFacts>) => Verdict)[]][])(
  '%s',
  (rule, commits) => {
    test.each(sourceClasses)('of a source of class %s', (sourceClass) => {
      for (const commit of commits) {
        const verdict = commit({ class: sourceClass, settings: settingsFor(rule) });
        if (isConcerned(rule, sourceClass)) expect(verdict).toMatchObject({ rule, observed: [] });
        else expect(verdict).toEqual({ action: 'accept', observed: [] });
      }
    });
  },
);

describe.each(Object.entries(arrivals) as [RuleId, NonNullable<(typeof arrivals)[RuleId]>][])('%s', (rule, offence) => {
  test.each(['stranger', 'with-history', 'provider', 'never-listed', 'trusted-network'] as const)(
    'of a source of class %s',
    (sourceClass) => {
      const verdict = arrive(rule, offence, sourceClass);
      if (isConcerned(rule, sourceClass)) expect(verdict).toMatchObject({ rule, observed: [] });
      else expect(verdict).toEqual({ action: 'accept', observed: [] });
    },
  );
});

test('the whole matrix is asserted, but for rules that other parts find out', () => {
  const asserted = new Set([...Object.keys(offences), ...Object.keys(arrivals)]);
  expect(cells.filter(({ rule }) => !asserted.has(rule)).map(({ rule }) => rule)).toEqual(
    ruleIds
      .filter((rule) => /^(greet|errors|junk|deadline)\.|^auth\.guarded$|^message\.(nul|bare)/.test(rule))
      .toSorted((a, b) => rules.findIndex(({ id }) => id === a) - rules.findIndex(({ id }) => id === b))
      .flatMap((rule) => sourceClasses.map(() => rule)),
  );
});

test.each(rules)('$id tells what it is', ({ answers, summary }) => {
  expect(summary).toMatch(/^[A-Z].*\.$/);
  expect(summary).not.toContain('|');
  for (const { code, enhanced, action, reason } of answers) {
    expect(enhanced).toMatch(new RegExp(`^${Math.floor(code / 100)}\\.\\d{1,3}\\.\\d{1,3}$`));
    expect(reason.length).toBeLessThanOrEqual(REASON_LENGTH_MAX);
    expect(reason).toMatch(/^[\x20-\x7e]+$/);
    if (action === 'defer') expect(code).toBeLessThan(500);
    if (action === 'refuse') expect(code).toBeGreaterThanOrEqual(500);
    // 421 is the one reply that ends a session.
    if (code === 421) expect(action).toBe('close');
  }
});

test('whatever a rule says is one of the answers it names', () => {
  for (const [rule, commits] of Object.entries(offences) as [RuleId, ((source: Partial<SourceFacts>) => Verdict)[]][])
    for (const commit of commits) {
      const verdict = commit({ settings: settingsFor(rule) });
      const named = rules.filter(({ id }) => id === rule).flatMap(({ answers }) => answers);
      if (verdict.action === 'accept') throw new Error(`${rule} says nothing`);
      const { code, enhanced } = verdict.reply;
      expect(named).toContainEqual(expect.objectContaining({ code, enhanced, action: verdict.action }));
      expect(verdict.reply.text).toContain(`[${rule} ${REFERENCE}]`);
    }
});
