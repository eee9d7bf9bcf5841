/** Thrown for a fault of this program, never for bad input. */
export class ProgramFault extends Error {
  override readonly name = 'ProgramFault';
}

/** States what must hold if this program is right; throws a {@link ProgramFault} otherwise. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new ProgramFault(what);
}

/** Marks a branch that no value can reach; the type checker proves it. */
export function unreachable(value: never): never {
  throw new ProgramFault(`unreachable: ${String(value)}`);
}
