import { type Contribution, type DecisionMade, LEDGER_ENTRIES_MAX } from '../events/decision.ts';
import { EVENT_VERSION } from '../events/event.ts';
import { parsePrefix } from '../lib/ip.ts';
import { type HashKey, KeyedHash, textOfHash } from '../lib/keyed-hash.ts';
import type { SourceDetector } from './detector.ts';
import { lastingMs, Offenders, placed, rungs } from './ladder.ts';
import type { Entry, Ledger } from './ledger.ts';
import { rolesOf, type Seen, type Source } from './scene.ts';
import type { Crossing } from './suspects.ts';

/** Ids are the same whatever the key of the tables. */
export const ID_KEY: HashKey = { first: 0x70_6f_73_74, second: 0x65_72_6e_00 };

/** What stands in every decision. */
export interface DecisionIdentity {
  readonly site: string;
  /** Hash of the parameters that the detectors run with. */
  readonly configHash: string;
}

/** Makes decisions about single sources of what the detectors found: the rung, the guards, and the account of it. */
export class DecisionMaker {
  readonly offenders = new Offenders();
  private readonly identity: DecisionIdentity;
  private readonly ledger: Ledger;
  private readonly idHash = new KeyedHash(ID_KEY);

  constructor(identity: DecisionIdentity, ledger: Ledger) {
    this.identity = identity;
    this.ledger = ledger;
  }

  /** @returns undefined where the guards allow no more than what is in force already. */
  decide(detector: SourceDetector, crossing: Crossing, source: Source, seen: Seen): DecisionMade | undefined {
    const { site, configHash } = this.identity;
    const value = canonicalSource(source.text);
    const level = this.offenders.levelOf(source.key, seen.atMs);
    const { rung, held } = placed(Math.min(crossing.rung + level, detector.rungMax ?? rungs.length), source);
    if (crossing.onRung !== undefined && rung <= crossing.onRung) return undefined;
    const cause = seen.sid === '' ? seen.atMs : `${seen.sid} ${seen.seq}`;
    const id = textOfHash(this.idHash.of(`${site} ${detector.id} ${value} ${source.group} ${cause}`));
    const until = seen.atMs + lastingMs(rung, id);
    crossing.decided(rung, until);
    if (rung > 0) this.offenders.decided(source.key, seen.atMs, until);
    return {
      v: EVENT_VERSION,
      type: 'decision-made',
      at: seen.atMs,
      site,
      id,
      scope: 'ip',
      value,
      roles: [...rolesOf(source.group)],
      origin: 'analyzer',
      scenario: detector.id,
      action: rungs[rung]?.action ?? 'slow',
      level: rung,
      until,
      scenarioVersion: detector.version,
      configHash,
      standing: source.standing,
      score: crossing.score,
      threshold: crossing.threshold,
      ...this.account(crossing.entry),
      ...(held === undefined ? {} : { held }),
      reason: detector.reason,
    };
  }

  /** What speaks against the source and for it, as far as it is known. */
  private account(newest: number): Pick<DecisionMade, 'ledger' | 'counter' | 'forgotten'> {
    const { entries, complete } = this.ledger.chain(newest);
    const counter = heaviest(entries.filter(({ weight }) => weight < 0));
    return {
      ledger: heaviest(entries.filter(({ weight }) => weight > 0)),
      ...(counter.length === 0 ? {} : { counter }),
      ...(complete ? {} : { forgotten: true }),
    };
  }
}

/** An address as it is, a /64 in canonical form. */
const canonicalSource = (text: string): string => (text.includes('/') ? (parsePrefix(text)?.text ?? text) : text);

/** The heaviest contributions, as they happened; of equals the last. `entries`: the newest first. */
function heaviest(entries: readonly Entry[]): Contribution[] {
  const byWeight = entries.toSorted((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  const kept = new Set(byWeight.slice(0, LEDGER_ENTRIES_MAX));
  return entries
    .filter((entry) => kept.has(entry))
    .toReversed()
    .map(({ sid, seq, atMs, weight, deed }) => ({
      ...(sid === '' ? {} : { sid, seq }),
      at: atMs,
      weight,
      what: deed,
    }));
}
