import type { SessionSettings } from '../settings.ts';
import type { Verdict } from '../verdict.ts';
import { Judgement } from './judgement.ts';
import { cannotKnow, found } from './refusal.ts';
import type { Lists, Stage, StageFacts } from './rule.ts';
import { rulesOfStage } from './rules.ts';

/**
 * The verdict of one stage: its rules in their order, those that concern the source. The first enforced finding wins; what
 * rules that only observe would have done is recorded beside it, whichever came first.
 *
 * A rule that cannot know defers (451 by that rule) or lets pass, by `settings.whenUnavailable`; a finding that was passed
 * over stands among the observed ones. `relay.denied` settles that by itself and never lets pass.
 */
export function evaluate<S extends Stage>(stage: S, facts: StageFacts[S], lists: Lists): Verdict {
  const { settings } = facts;
  const judgement = new Judgement(settings.modes);
  for (const rule of rulesOfStage[stage]) {
    if (!judgement.asks(rule.id) || !rule.concerns.includes(facts.class)) continue;
    const finding = rule.check(facts, lists);
    if (finding === undefined) continue;
    if (finding !== 'unavailable') {
      if (finding.observed === true) judgement.observes(rule.id, finding.action);
      else judgement.objects(rule.id, finding);
    } else if (passesUnknown(stage, settings)) judgement.observes(rule.id, cannotKnow.action);
    else judgement.objects(rule.id, found(rule.id, cannotKnow, facts));
  }
  return judgement.verdict;
}

/** Nothing about AUTH depends on a list. */
const passesUnknown = (stage: Stage, settings: SessionSettings): boolean =>
  stage !== 'auth' && settings.whenUnavailable[stage] === 'pass';
