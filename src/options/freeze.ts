/**
 * Freezes plain data through and through, or copies it.
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

/** A copy of plain data through and through; what is not plain is the caller's own and stays. */
export function copied<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(copied) as Value;
  if (typeof value !== "object" || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const members = Object.entries(value).map(([name, member]) => [name, copied(member)]);
  return Object.fromEntries(members) as Value;
}
