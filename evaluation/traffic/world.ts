import { Random } from './random.ts';

export const SECOND_MS = 1000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** How large a site is: connections of strangers and friends a day. */
export const siteSizes = { S: 240, M: 50_000, L: 2_000_000 } as const;
export type SiteSize = keyof typeof siteSizes;

/** When a run begins and ends: attacks begin after the warm-up, in which everybody else makes a name. */
export interface Span {
  readonly startMs: number;
  readonly attacksMs: number;
  readonly endMs: number;
}

/** The domain of the site. */
export const DOMAIN = 'example.com';
/** Ranges of large providers, as the analyzers are told of them: public ranges of several. */
export const providerRanges: readonly string[] = ['40.92.0.0/15', '209.85.128.0/17', '104.47.0.0/17'];

const names = [
  'anna',
  'ben',
  'carla',
  'david',
  'emma',
  'felix',
  'greta',
  'hugo',
  'ida',
  'jonas',
  'karl',
  'lena',
  'max',
  'nina',
];

/** A site and its people; the same for one seed. */
export class World {
  readonly random: Random;
  readonly span: Span;
  readonly size: SiteSize;
  readonly recipients: readonly string[];
  private nextNetwork = 0;

  constructor(seed: number, size: SiteSize, span: Span) {
    this.random = new Random(seed, 1);
    this.span = span;
    this.size = size;
    const count = { S: 30, M: 800, L: 5000 }[size];
    this.recipients = Array.from({ length: count }, (_, index) => `${names[index % names.length]}${index}@${DOMAIN}`);
  }

  /** Some recipient that exists: few of them get most of the mail. */
  recipient(random: Random): string {
    return this.recipients[random.zipf(this.recipients.length)] ?? `postmaster@${DOMAIN}`;
  }

  /** An address that an honest sender is wrong about: mostly of somebody who has left, and always the same ones; or a typo. */
  wrong(random: Random): string {
    const count = Math.max(3, Math.floor(this.recipients.length / 8));
    return random.chance(0.8) ? `left${random.below(count)}@${DOMAIN}` : this.guess(random);
  }

  /** An address that does not exist. */
  guess(random: Random): string {
    return `${random.pick(names)}.${random.word().toString(36)}@${DOMAIN}`;
  }

  /** A network of the Internet (/24) that nobody else in this run has. */
  network(): string {
    const index = this.nextNetwork;
    this.nextNetwork += 1;
    // 45.0.0.0 to 89.255.255.0: no private, special or provider range.
    return `${45 + (index % 45)}.${Math.floor(index / 45) % 256}.${(index * 37 + Math.floor(index / 11_520)) % 256}`;
  }

  /** A host that nobody else in this run has, with nobody next to it. */
  host(random: Random): string {
    return `${this.network()}.${1 + random.below(254)}`;
  }

  /** A host of a provider, of which there are many. */
  providerHost(random: Random): string {
    return `40.${92 + random.below(2)}.${random.below(256)}.${1 + random.below(254)}`;
  }
}
