import { z } from 'zod';
import type { DecisionMade } from '../events/decision.ts';
import type { EventByType, MailEvent } from '../events/event.ts';
import type { EvidenceEvent } from '../events/evidence.ts';
import { networkKey, type PrefixSet, parseAddress, parsePrefix, sourceKey } from '../lib/ip.ts';
import { jsonOf, mapTexts } from '../lib/json.ts';
import { type Hash64, type HashKey, KeyedHash } from '../lib/keyed-hash.ts';
import { joined, split } from '../lib/parts.ts';
import { type DecisionIdentity, DecisionMaker } from './decision-maker.ts';
import type { SourceDetector } from './detector.ts';
import { DetectorScene, type SceneTools } from './detector-scene.ts';
import { EvidenceWriter } from './evidence-writer.ts';
import { GoodSources } from './good-sources.ts';
import { failuresShape, KnownPairs, recipientsShape, successesShape } from './known-pairs.ts';
import { Ledger } from './ledger.ts';
import { recipientAnswer } from './recipient-answer.ts';
import { groupOf, type Position, type RoleGroup, type Seen, type Source } from './scene.ts';
import { noteAfter, noteBefore, type SessionFacts, Sessions, sessionFacts } from './sessions.ts';
import { NOWHERE, StateTable } from './state-table.ts';

/** Events of which a second delivery is known, for one partition; the ones seen longest ago go first. */
export const EVENTS_REMEMBERED = 131_072;
/** Pairs of a network and an account that authenticated, for one partition; the one used longest ago goes first. */
export const FAMILIAR_PAIRS_MAX = 65_536;

/** What the watch is told by the configuration. */
export interface WatchSettings extends DecisionIdentity {
  /** Key of all tables: the same key and the same events give the same decisions. */
  readonly hashKey: HashKey;
  /** No decision touches them. */
  readonly never: PrefixSet;
  /** Ranges of large mail providers. */
  readonly providers: PrefixSet;
  readonly detectors: readonly SourceDetector[];
}

/** What came of an event. */
export interface Outcome {
  readonly decisions: readonly DecisionMade[];
  readonly evidence: readonly EvidenceEvent[];
}

const keptState = z.object({
  count: z.number(),
  emptyCount: z.number(),
  sessions: z.array(z.tuple([z.string(), sessionFacts])),
});
const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder();
const noOctets = new Uint8Array(0);

type SourceEvent = Extract<MailEvent, { ip: string }>;
type SessionEvent = Extract<MailEvent, { sid: string }>;

const nothing: Outcome = { decisions: [], evidence: [] };
const noHash: Hash64 = { high: 0, low: 0 };
const kindOf: Readonly<Record<RoleGroup, number>> = { mx: 1, submission: 2 };

/**
 * Watches the sources of one partition: shows each event to all detectors, and has decisions made of what they find. The same
 * events in the same order give the same decisions, live, in a replay and in tests; there is no clock but that of the events.
 */
export class SourceWatch {
  private readonly settings: WatchSettings;
  private readonly hash: KeyedHash;
  private readonly ledger = new Ledger();
  private readonly failures = new KnownPairs(failuresShape);
  private readonly successes = new KnownPairs(successesShape);
  private readonly recipients = new KnownPairs(recipientsShape);
  private readonly goodSources = new GoodSources();
  private readonly sessions: Sessions;
  private readonly maker: DecisionMaker;
  private readonly evidence: EvidenceWriter;
  private readonly scenes: readonly DetectorScene[];
  private readonly delivered = new StateTable({
    slotCount: EVENTS_REMEMBERED,
    intCount: 0,
    timeCount: 1,
    worth: (table, slot) => table.time(0, slot),
  });
  private readonly familiar = new StateTable({
    slotCount: FAMILIAR_PAIRS_MAX,
    intCount: 0,
    timeCount: 1,
    worth: (table, slot) => table.time(0, slot),
  });
  private deliveryCount = 0;
  private decisions: DecisionMade[] = [];

  constructor(settings: WatchSettings) {
    this.settings = settings;
    this.hash = new KeyedHash(settings.hashKey);
    this.sessions = new Sessions(this.hash);
    this.maker = new DecisionMaker(settings, this.ledger);
    this.evidence = new EvidenceWriter(settings.site, this.hash);
    this.scenes = settings.detectors.map((detector, kind) => new DetectorScene(detector, kind, this.toolsOfScenes()));
  }

  /** Takes one event. What was delivered before changes nothing. */
  see(event: MailEvent, position: Position): Outcome {
    if (this.isRepeated(event)) return nothing;
    this.decisions = [];
    this.evidence.begin(position);
    if ('sid' in event) this.seeSession(event);
    else if ('ip' in event) this.seeSource(event, undefined);
    else if (event.type === 'operator-acted') this.seeOperator(event);
    return { decisions: this.decisions, evidence: this.evidence.take() };
  }

  /** Octets of all tables, full or empty. Sessions come on top, by their number. */
  get octets(): number {
    return this.parts.reduce((sum, { octets }) => sum + octets, 0);
  }

  /**
   * The whole state as octets: the same events before give the same octets.
   *
   * @param change - Of every text in it. What it has of texts besides are keyed hashes.
   */
  encode(change?: (text: string) => string): Uint8Array {
    const { deliveryCount: count, evidence, sessions } = this;
    const json = { count, emptyCount: evidence.emptyCount, sessions: sessions.toJson() };
    const kept = change === undefined ? json : mapTexts(json, change);
    const head = textEncoder.encode(JSON.stringify(kept));
    return joined([head, ...this.parts.map((part) => part.encode())]);
  }

  /**
   * Takes over what {@link encode} gave, before the first event.
   *
   * @returns False for octets of another release or other settings: then begin with a new watch.
   */
  decode(octets: Uint8Array): boolean {
    const [head, ...encoded] = split(octets) ?? [];
    const { parts } = this;
    if (head === undefined || encoded.length !== parts.length) return false;
    const kept = keptState.safeParse(jsonOf(textDecoder.decode(head)));
    if (!kept.success || !parts.every((part, index) => part.decode(encoded[index] ?? noOctets))) return false;
    this.deliveryCount = kept.data.count;
    this.evidence.emptyCount = kept.data.emptyCount;
    this.sessions.addJson(kept.data.sessions);
    return true;
  }

  private get parts(): readonly (StateTable | Ledger | KnownPairs)[] {
    const { ledger, failures, successes, recipients, goodSources, maker, evidence, delivered, familiar, scenes } = this;
    const suspects = scenes.map((scene) => scene.suspects.table);
    return [
      ledger,
      failures,
      successes,
      recipients,
      goodSources.table,
      maker.offenders.table,
      evidence.table,
      delivered,
      familiar,
      ...suspects,
    ];
  }

  private isRepeated(event: MailEvent): boolean {
    const { delivered, hash } = this;
    const id =
      'sid' in event
        ? hash.ofPair(this.sessions.of(event.sid).hash, noHash, event.seq)
        : hash.of(JSON.stringify(event));
    if (delivered.find(id) !== NOWHERE) return true;
    this.deliveryCount += 1;
    delivered.setTime(0, delivered.claim(id), this.deliveryCount);
    return false;
  }

  private seeSession(event: SessionEvent): void {
    const session = this.sessions.of(event.sid);
    noteBefore(event, session);
    this.seeSource(event, session);
    noteAfter(event, session);
    if (event.type === 'session-closed') this.sessions.closed(event.sid);
  }

  private seeSource(event: SourceEvent, session: SessionFacts | undefined): void {
    const source = this.sourceOf(event);
    if (source === undefined) return;
    const seen = seenOf(event);
    if (session?.exempt !== true) {
      for (const scene of this.scenes) scene.show(event, seen, source, session);
      if (session !== undefined) this.evidence.see(event, source, session, seen);
    }
    if (event.type === 'command') this.noteRecipient(event);
    else if (event.type === 'auth-attempt') this.seeAttempt(event, source, seen);
    else if (event.type === 'mail' && session?.authenticated !== true) this.creditMail(event, source, seen);
  }

  /** Undefined for a source that no decision may touch. */
  private sourceOf({ ip, role, at }: SourceEvent): Source | undefined {
    const address = parseAddress(ip);
    if (address === undefined || this.settings.never.contains(address)) return undefined;
    const text = sourceKey(ip);
    const group = groupOf(role);
    const key = this.keyOf(text, group);
    const { goodSources } = this;
    return {
      text,
      group,
      key,
      standing: this.settings.providers.contains(address) ? 'provider' : goodSources.standingOf(key, at),
      isGood: goodSources.isGood(key, at),
      floor: goodSources.floorOf(key, at),
    };
  }

  private keyOf(text: string, group: RoleGroup): Hash64 {
    return this.hash.ofPair(this.hash.of(text), noHash, kindOf[group]);
  }

  private toolsOfScenes(): SceneTools {
    return {
      hash: this.hash,
      failures: this.failures,
      successes: this.successes,
      recipients: this.recipients,
      ledger: this.ledger,
      isFamiliar: (source, account) => this.familiar.find(this.pairOf(source, account)) !== NOWHERE,
      offence: (detector, weight, scene, object) =>
        this.evidence.offence(detector.id, weight, scene.source, scene.seen, object),
      crossed: (detector, crossing, { source, seen }) => {
        const decision = this.maker.decide(detector, crossing, source, seen);
        if (decision !== undefined) this.decisions.push(decision);
      },
    };
  }

  private noteRecipient(event: EventByType<'command'>): void {
    if (event.verb !== 'RCPT' || event.forwardPath === undefined || recipientAnswer(event) !== 'known') return;
    this.recipients.isNew(this.hash.of(event.forwardPath), event.at);
  }

  /** An accepted password speaks for a source where users come. */
  private seeAttempt(event: EventByType<'auth-attempt'>, source: Source, seen: Seen): void {
    const { account, outcome, at } = event;
    if (account === undefined) return;
    const pair = this.pairOf(source, account);
    const known = this.familiar.find(pair);
    this.evidence.authentication(event, known !== NOWHERE, source, seen);
    if (outcome !== 'accepted') return;
    this.familiar.setTime(0, this.familiar.claim(pair), at);
    if (source.group === 'submission') this.credit(source, known === NOWHERE ? 1 : 0, seen);
  }

  /** A network and an account. */
  private pairOf(source: Source, account: string): Hash64 {
    const network = networkKey(source.text.split('/')[0] ?? source.text);
    return this.hash.ofPair(this.hash.of(network), this.hash.of(account), 0);
  }

  /** Accepted mail speaks for a source on port 25; a bounce does not. */
  private creditMail(event: EventByType<'mail'>, source: Source, seen: Seen): void {
    if (source.group !== 'mx' || event.outcome !== 'accepted' || event.nullReversePath) return;
    this.credit(source, event.acceptedCount, seen);
  }

  private credit(source: Source, objectCount: number, seen: Seen): void {
    if (this.goodSources.accepted(source.key, objectCount, seen.atMs)) this.evidence.good(source, seen);
  }

  /** A source that an operator has spoken for starts at zero. */
  private seeOperator({ act, value }: EventByType<'operator-acted'>): void {
    const prefix = value === undefined ? undefined : parsePrefix(value);
    if (prefix === undefined || (act !== 'unblock' && act !== 'allow')) return;
    const source = sourceKey(prefix.text.slice(0, prefix.text.indexOf('/')));
    for (const group of ['mx', 'submission'] as const) {
      const key = this.keyOf(source, group);
      for (const { suspects } of this.scenes) suspects.forget(key);
      this.maker.offenders.forget(key);
    }
  }
}

const seenOf = (event: SourceEvent): Seen =>
  'sid' in event ? { atMs: event.at, sid: event.sid, seq: event.seq } : { atMs: event.at, sid: '', seq: 0 };
