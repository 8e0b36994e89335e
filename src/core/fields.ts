/**
 * Fields by name, from the list of names and values in turn that goes over the wire. Only who looks
 * names up needs it; what is passed on stays a list.
 */
export type FieldsByName = Record<string, string | string[] | undefined>;

/** With lower-case names; those that come more than once become lists. */
export function fieldsByName(pairs: readonly string[]): FieldsByName {
  // No prototype: a field may be called `__proto__`.
  const fields = Object.create(null) as FieldsByName;
  for (let index = 0; index < pairs.length; index += 2) {
    const name = (pairs[index] as string).toLowerCase();
    const value = pairs[index + 1] as string;
    const before = fields[name];
    if (before === undefined) fields[name] = value;
    else if (typeof before === "string") fields[name] = [before, value];
    else before.push(value);
  }
  return fields;
}
