import type { Result } from '../../lib/result.ts';
import type { StoreFault } from '../database.ts';

/** Ends work of many statements at the first that failed; caught where that work begins. */
export class StatementFailed<Fault = StoreFault> extends Error {
  readonly fault: Fault;

  constructor(fault: Fault & { readonly message: string }) {
    super(fault.message);
    this.fault = fault;
  }
}

/** What a statement gave. Throws {@link StatementFailed}. */
export function taken<T>(result: Result<T, StoreFault>): T {
  if (!result.ok) throw new StatementFailed(result.error);
  return result.value;
}
