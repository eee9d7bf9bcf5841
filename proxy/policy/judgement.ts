import type { OwnReply } from '../reply.ts';
import type { RuleId, SessionSettings } from '../settings.ts';
import type { Observed, Verdict } from '../verdict.ts';
import { modeOf } from './modes.ts';

type Refusing = Exclude<Verdict, { action: 'accept' }>;

/** What one rule would do. */
export interface Objection {
  readonly action: Refusing['action'];
  readonly reply: OwnReply;
  readonly nearMiss?: boolean;
  readonly silent?: boolean;
}

/** Gathers what the rules say, in their order: the first enforced objection wins, observed ones stand beside it. */
export class Judgement {
  readonly #modes: SessionSettings['modes'];
  readonly #observed: Observed[] = [];
  #refusal: (Objection & { readonly rule: RuleId }) | undefined;

  constructor(modes: SessionSettings['modes']) {
    this.#modes = modes;
  }

  /** Would it change anything if this rule were asked? */
  asks(rule: RuleId): boolean {
    const mode = modeOf(this.#modes, rule);
    return mode === 'observe' || (mode === 'enforce' && this.#refusal === undefined);
  }

  /** A rule objects. It must have been asked. */
  objects(rule: RuleId, objection: Objection): void {
    if (modeOf(this.#modes, rule) === 'enforce') this.#refusal = { ...objection, rule };
    else this.observes(rule, objection.action);
  }

  /** A rule would act but does not. */
  observes(rule: RuleId, action: Observed['action']): void {
    this.#observed.push({ rule, action });
  }

  get verdict(): Verdict {
    const observed = this.#observed;
    return this.#refusal === undefined ? { action: 'accept', observed } : { ...this.#refusal, observed };
  }
}
