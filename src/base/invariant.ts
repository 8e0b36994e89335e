/**
 * `invariant` states what must be true whatever the outside world does.
 * It stands on the lowest floor of the code and is used for what cannot happen; an expected failure
 * is a row of the catalog and never an invariant.
 * Guarantee: when the condition is false, an `InvariantError` is thrown; otherwise nothing happens.
 */

/** Thrown when the code of this package contradicts itself; it always means a bug here. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws an `InvariantError` with this message unless the condition holds. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
