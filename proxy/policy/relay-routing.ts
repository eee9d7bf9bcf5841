import { routingTrick } from '../path.ts';
import { found } from './refusal.ts';
import type { Answer, Rule } from './rule.ts';
import { unauthenticated } from './source-class.ts';

const rerouted: Answer = {
  action: 'refuse',
  code: 550,
  enhanced: '5.7.1',
  reason: 'the address routes the mail elsewhere',
};

/**
 * Many an old server sends `user%elsewhere@ours` on to elsewhere, and trusts the gate's address while it does so. A server
 * that folds full-width characters reads those as well, so they are compared in their compatibility form.
 */
export const relayRouting: Rule<'rcpt'> = {
  id: 'relay.routing',
  stage: 'rcpt',
  concerns: unauthenticated,
  summary: 'The local part has `%`, `!` or `@`, or the forward-path has a source route.',
  answers: [rerouted],
  check(facts) {
    const { forwardPath } = facts;
    if (forwardPath.kind === 'postmaster') return undefined;
    const isRerouted = forwardPath.sourceRoute.length > 0 || routingTrick(forwardPath.localPart.normalize('NFKC'));
    return isRerouted ? found('relay.routing', rerouted, facts) : undefined;
  },
};
