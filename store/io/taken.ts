import type { Result } from '../../lib/result.ts';
import type { StoreFault } from '../database.ts';

/** Ends work of many statements at the first that failed; caught where that work begins. */
export class StatementFailed extends Error {
  readonly fault: StoreFault;

  constructor(fault: StoreFault) {
    super(fault.message);
    this.fault = fault;
  }
}

/** What a statement gave. Throws {@link StatementFailed}. */
export function taken<T>(result: Result<T, StoreFault>): T {
  if (!result.ok) throw new StatementFailed(result.error);
  return result.value;
}
