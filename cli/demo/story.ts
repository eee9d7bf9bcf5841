import type { Told } from './tally.ts';
import type { Door } from './world.ts';

/** The acts, in their order, with what the reader is told before each. */
export const acts = {
  alone: 'The old server alone, without a firewall',
  inbound: 'Ordinary mail from other servers: delivered, unchanged to the octet',
  submission: 'Users who send mail: the server behind knows them, so they may',
  relay: 'An open-relay probe and its tricks: every one refused, none reaches the server',
  harvest: 'Address harvesting: a few guesses, then the session ends',
  passwords: 'Password guessing: ended; and no password in clear',
  smuggling: 'SMTP smuggling: a second message hidden in the first',
  oddities: 'Clients that are no mail servers',
  slow: 'Slow clients: every deadline is absolute',
  flood: 'A flood of connections from one source, and mail that passes meanwhile',
  watch: 'Decisions, which only observed so far, may act: who goes on is stopped, and told why',
} as const;
export type Act = keyof typeof acts;

/** One line of the story, and what must come out of it: exactly this, no more and no less. */
export interface StoryLine {
  readonly id: string;
  readonly act: Act;
  readonly what: string;
  /** Client address, canonical; one line has one source and one source has one line. */
  readonly source: string;
  readonly door: Door;
  readonly told: Told;
}

/**
 * The story. The keys of `told` are those of `Tally`; rules stand for themselves (`docs/rules.md`). Limits and deadlines
 * are those of `world.ts`.
 */
export const story = [
  {
    id: 'alone.relay',
    act: 'alone',
    what: 'a stranger sends mail to a third party: the server relays it',
    source: '203.0.113.1',
    door: 'server behind',
    told: { delivered: 1 },
  },
  {
    id: 'alone.smuggling',
    act: 'alone',
    what: 'a message hidden behind LF.LF: the server makes two of one',
    source: '203.0.113.2',
    door: 'server behind',
    told: { delivered: 1, 'never sent as such': 1 },
  },
  {
    id: 'inbound.plain',
    act: 'inbound',
    what: 'plain, pipelined, with lines that begin with dots',
    source: '192.0.2.10',
    door: 'mx',
    told: { delivered: 1 },
  },
  {
    id: 'inbound.starttls',
    act: 'inbound',
    what: 'with STARTTLS, over IPv6',
    source: '2001:db8:20::25',
    door: 'mx',
    told: { tls: 1, delivered: 1 },
  },
  {
    id: 'inbound.eight-bit',
    act: 'inbound',
    what: '8-bit body',
    source: '192.0.2.12',
    door: 'mx',
    told: { delivered: 1 },
  },
  {
    id: 'inbound.large',
    act: 'inbound',
    what: 'attachment of 10 MB',
    source: '198.51.100.20',
    door: 'mx',
    told: { delivered: 1 },
  },
  {
    id: 'inbound.chunks',
    act: 'inbound',
    what: 'BDAT in three chunks',
    source: '192.0.2.14',
    door: 'mx',
    told: { delivered: 1 },
  },
  {
    id: 'inbound.typo',
    act: 'inbound',
    what: 'two recipients, one of them misspelt',
    source: '192.0.2.15',
    door: 'mx',
    told: { delivered: 1, 'server 550 5.1.1': 1 },
  },
  {
    id: 'submission.starttls',
    act: 'submission',
    what: 'AUTH over STARTTLS, mail to a foreign domain',
    source: '198.51.100.31',
    door: 'submission',
    told: { tls: 1, 'auth accepted': 1, delivered: 1 },
  },
  {
    id: 'submission.implicit',
    act: 'submission',
    what: 'AUTH over TLS from the first octet, the same',
    source: '198.51.100.32',
    door: 'submissions',
    told: { tls: 1, 'auth accepted': 1, delivered: 1 },
  },
  {
    id: 'submission.stranger',
    act: 'submission',
    what: 'no AUTH, mail to a foreign domain',
    source: '203.0.113.33',
    door: 'submission',
    told: { tls: 1, 'refused auth.required': 1 },
  },
  {
    id: 'relay.foreign',
    act: 'relay',
    what: 'a foreign domain in six spellings',
    source: '203.0.113.40',
    door: 'mx',
    told: { 'refused relay.denied': 6, 'refused protocol.sequence': 1 },
  },
  {
    id: 'relay.routing',
    act: 'relay',
    what: 'local parts that route on: %, !, quoted @; source routes',
    source: '203.0.113.41',
    door: 'mx',
    told: { 'refused relay.routing': 5, 'refused relay.denied': 2, 'refused protocol.sequence': 1 },
  },
  {
    id: 'relay.forged',
    act: 'relay',
    what: 'as if from our own domain, and as a bounce',
    source: '203.0.113.42',
    door: 'mx',
    told: { 'refused relay.denied': 2 },
  },
  {
    id: 'harvest.server',
    act: 'harvest',
    what: 'dozens of RCPTs; then the same names again',
    source: '203.0.113.50',
    door: 'mx',
    told: {
      'server 550 5.1.1': 10,
      'refused recipient.unknown': 10,
      'ended errors.limit': 2,
    },
  },
  {
    id: 'harvest.list',
    act: 'harvest',
    what: 'the same at a domain with a list: the server is not asked',
    source: '203.0.113.51',
    door: 'mx',
    told: { 'refused recipient.unknown': 10, 'ended errors.limit': 1 },
  },
  {
    id: 'passwords.guessed',
    act: 'passwords',
    what: 'one password after another',
    source: '203.0.113.60',
    door: 'submission',
    told: {
      tls: 1,
      'auth refused': 3,
      'server 535 5.7.8': 3,
      'ended auth.attempts': 1,
    },
  },
  {
    id: 'passwords.in-clear',
    act: 'passwords',
    what: 'the right password, but in clear',
    source: '203.0.113.61',
    door: 'submission',
    told: { 'refused auth.needs-tls': 1 },
  },
  {
    id: 'smuggling.lf',
    act: 'smuggling',
    what: 'behind LF.LF, as above',
    source: '203.0.113.70',
    door: 'mx',
    told: { 'refused message.bare-line-ending': 1, 'anomaly bare-lf': 1 },
  },
  {
    id: 'smuggling.lf-crlf',
    act: 'smuggling',
    what: 'behind LF.CRLF',
    source: '203.0.113.71',
    door: 'mx',
    told: { 'refused message.bare-line-ending': 1, 'anomaly bare-lf': 1 },
  },
  {
    id: 'smuggling.cr',
    act: 'smuggling',
    what: 'behind CR.CR',
    source: '203.0.113.72',
    door: 'mx',
    told: { 'refused message.bare-line-ending': 1, 'anomaly bare-cr': 1 },
  },
  {
    id: 'oddities.starttls-injection',
    act: 'oddities',
    what: 'commands slipped in behind STARTTLS',
    source: '203.0.113.80',
    door: 'mx',
    told: {
      'ended protocol.starttls-injection': 1,
      'anomaly starttls-injection': 1,
    },
  },
  {
    id: 'oddities.early-talker',
    act: 'oddities',
    what: 'a client that talks before the greeting',
    source: '203.0.113.81',
    door: 'mx',
    told: { 'ended greet.early-talker': 1, 'anomaly early-talker': 1 },
  },
  {
    id: 'oddities.http',
    act: 'oddities',
    what: 'a web client',
    source: '203.0.113.82',
    door: 'mx',
    told: { 'ended protocol.http': 1, 'anomaly http-on-smtp': 1 },
  },
  {
    id: 'slow.command',
    act: 'slow',
    what: 'a command, one octet at a time',
    source: '203.0.113.90',
    door: 'mx',
    told: { 'ended deadline.command-line': 1 },
  },
  {
    id: 'slow.body',
    act: 'slow',
    what: 'a body, one octet at a time',
    source: '203.0.113.91',
    door: 'mx',
    told: { 'ended deadline.data-rate': 1, 'unanswered DATA': 1 },
  },
  {
    id: 'flood.at-once',
    act: 'flood',
    what: '30 connections at once, 20 may stay',
    source: '203.0.113.100',
    door: 'mx',
    told: { 'ended limits.per-source': 10 },
  },
  {
    id: 'flood.meanwhile',
    act: 'flood',
    what: 'ordinary mail from somebody else meanwhile',
    source: '192.0.2.16',
    door: 'mx',
    told: { delivered: 1 },
  },
  {
    id: 'flood.rate',
    act: 'flood',
    what: '80 connections one after another, 60 a minute may come',
    source: '203.0.113.101',
    door: 'submission',
    // One more comes in every second meanwhile.
    told: { 'ended limits.rate': [10, 20] },
  },
  {
    id: 'watch.harvest',
    act: 'watch',
    what: 'one guess after another, with patience; then once more',
    source: '203.0.113.110',
    door: 'mx',
    told: { 'server 550 5.1.1': [4, 6], 'slowed source.blocked': [0, 4], 'ended source.blocked': 2 },
  },
  {
    id: 'watch.passwords',
    act: 'watch',
    what: 'one password for one account after another; then once more',
    source: '203.0.113.111',
    door: 'submission',
    told: {
      tls: 2,
      'auth refused': 4,
      'server 535 5.7.8': [2, 4],
      'slowed source.blocked': [0, 6],
      // With the guessers before it is a campaign: whoever is at home nowhere waits.
      'slowed auth.guarded': [0, 2],
      'ended source.blocked': [1, 2],
    },
  },
  {
    id: 'watch.relay',
    act: 'watch',
    what: 'a relay probe, and another; the third is not heard',
    source: '203.0.113.112',
    door: 'mx',
    told: { 'refused relay.denied': 2, 'slowed source.blocked': [0, 5], 'ended source.blocked': [1, 2] },
  },
  {
    id: 'watch.flood',
    act: 'watch',
    what: '240 connections, whatever they are told',
    source: '203.0.113.113',
    door: 'submission',
    told: { 'ended limits.rate': [20, 180], 'slowed source.blocked': [0, 80], 'ended source.blocked': [10, 180] },
  },
  {
    id: 'watch.typos',
    act: 'watch',
    what: 'an ordinary sender with two typos, who is left alone',
    source: '192.0.2.17',
    door: 'mx',
    told: { delivered: 1, 'server 550 5.1.1': 2 },
  },
] as const satisfies readonly StoryLine[];

export type LineId = (typeof story)[number]['id'];
