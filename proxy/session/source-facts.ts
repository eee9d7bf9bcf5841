import type { SourceFacts } from '../policy/rule.ts';
import type { Turn } from './turn.ts';

/** What every policy rule may know of the source. */
export function sourceFacts(turn: Turn): SourceFacts {
  const { draft, settings } = turn;
  return {
    ip: draft.source.ip,
    role: settings.listener.role,
    class: draft.sourceClass,
    tls: draft.clientTls,
    authenticated: draft.authenticated,
    heloName: draft.helo?.name ?? '',
    settings,
    wallMs: turn.now.wallMs,
    reference: draft.reference,
  };
}
