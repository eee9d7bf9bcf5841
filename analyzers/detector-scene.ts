import type { MailEvent } from '../events/event.ts';
import type { KeyedHash } from '../lib/keyed-hash.ts';
import type { Scene, SourceDetector } from './detector.ts';
import type { KnownPairs } from './known-pairs.ts';
import type { Deed, Ledger } from './ledger.ts';
import type { Seen, Source } from './scene.ts';
import type { SessionFacts } from './sessions.ts';
import { type Crossing, Suspects } from './suspects.ts';

/** What all detectors of a watch share. */
export interface SceneTools {
  readonly hash: KeyedHash;
  readonly failures: KnownPairs;
  readonly successes: KnownPairs;
  /** Forward-paths that were accepted. */
  readonly recipients: KnownPairs;
  readonly ledger: Ledger;
  /** Somebody of the source's network has authenticated as this account. */
  isFamiliar(source: Source, account: string): boolean;
  /** Something spoke against the source. */
  offence(detector: SourceDetector, weight: number, scene: Scene, object: string | undefined): void;
  /** A threshold was reached. */
  crossed(detector: SourceDetector, crossing: Crossing, scene: Scene): void;
}

const nobody: Source = {
  text: '',
  group: 'mx',
  key: { high: 0, low: 0 },
  standing: 'stranger',
  isGood: false,
  floor: 0,
};

/** One detector with its scores, and the event before it. There is one for each detector; events come one after the other. */
export class DetectorScene implements Scene {
  readonly suspects: Suspects;
  seen: Seen = { atMs: 0, sid: '', seq: 0 };
  source: Source = nobody;
  session: SessionFacts | undefined;
  private readonly detector: SourceDetector;
  private readonly kind: number;
  private readonly tools: SceneTools;

  /** @param kind - Tells its first contacts from those of the other detectors. */
  constructor(detector: SourceDetector, kind: number, tools: SceneTools) {
    this.detector = detector;
    this.kind = kind;
    this.tools = tools;
    this.suspects = new Suspects(detector.shape, tools.ledger);
  }

  show(event: MailEvent, seen: Seen, source: Source, session: SessionFacts | undefined): void {
    this.seen = seen;
    this.source = source;
    this.session = session;
    this.detector.see(event, this);
  }

  isFirstContact(object: string): boolean {
    const { hash, failures } = this.tools;
    return failures.isNew(hash.ofPair(this.source.key, hash.of(object), this.kind), this.seen.atMs);
  }

  isFirstToday(object: string): boolean {
    const { hash, successes } = this.tools;
    return successes.isNew(hash.ofPair(this.source.key, hash.of(object), this.kind), this.seen.atMs);
  }

  isFormerRecipient(forwardPath: string): boolean {
    const { hash, recipients } = this.tools;
    return recipients.isKnown(hash.of(forwardPath));
  }

  isFamiliar(account: string): boolean {
    return this.tools.isFamiliar(this.source, account);
  }

  weigh(weight: number, deed: Deed, object?: string): void {
    const { key, floor } = this.source;
    const crossing = this.suspects.add(key, weight, floor, this.seen, deed);
    if (weight > 0) this.tools.offence(this.detector, weight, this, object);
    if (crossing !== undefined) this.tools.crossed(this.detector, crossing, this);
  }
}
