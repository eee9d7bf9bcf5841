import type { VerdictAction } from '../events/event.ts';
import type { OwnReply } from './reply.ts';
import type { RuleId } from './settings.ts';

/** A rule that only observes, and what it would have done. */
export interface Observed {
  readonly rule: RuleId;
  readonly action: VerdictAction;
}

/** The gate's own answer to this command, now, from what it knows locally. */
export type Verdict =
  | { readonly action: 'accept'; readonly observed: readonly Observed[] }
  | {
      readonly action: 'refuse' | 'defer' | 'close';
      readonly rule: RuleId;
      readonly reply: OwnReply;
      readonly observed: readonly Observed[];
      readonly nearMiss?: boolean;
      /** The connection is closed without a word: the reply is for the event only. Connect stage only. */
      readonly silent?: boolean;
    };
