import type { EventByType } from '../events/event.ts';

/** `relay.denied`: a foreign domain. `relay.routing`: a forward-path that reroutes, which nobody writes by accident. */
type RelayRule = 'relay.denied' | 'relay.routing';

/**
 * The relay rule that refused a RCPT command, or would have if it did more than observe. While our own domains are unknown
 * `relay.denied` defers all mail: that says nothing of whoever sends it.
 */
export function relayRefusal({ verdict, observed }: EventByType<'command'>): RelayRule | undefined {
  for (const { rule, action } of [verdict, ...(observed ?? [])]) {
    if (action === 'refuse' && (rule === 'relay.denied' || rule === 'relay.routing')) return rule;
  }
  return undefined;
}
