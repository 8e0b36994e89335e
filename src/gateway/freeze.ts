/**
 * Freezes plain data through and through.
 *
 * Functions and bytes stay as they are: the former are the caller's own, and the latter cannot be
 * frozen, so they must have been copied before.
 */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  if (ArrayBuffer.isView(value) || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const member of Object.values(value)) deepFreeze(member);
  return value;
}
