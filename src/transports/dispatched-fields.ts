/**
 * The fields of an answer as dispatchers tell them: a record, which interceptors change, and the
 * raw bytes, which only some of them change with it.
 *
 * Guarantee: what the record says holds. Where the raw fields say the same they are taken, since
 * they have the order, the case and the lines in which the fields came.
 */

/** Names and values in turn, latin1. */
export function fieldsGiven(record: object, raw: unknown): readonly string[] {
  const told = Object.entries(record) as readonly [string, unknown][];
  const lines = Array.isArray(raw) ? raw.flat().map(latin1) : [];
  return sayTheSame(told, lines) ? lines : told.flatMap(([name, value]) => linesOf(name, value));
}

function linesOf(name: string, value: unknown): readonly string[] {
  const values = Array.isArray(value) ? value : [value];
  return values
    .filter((one) => one !== undefined && one !== null)
    .flatMap((one) => [name, latin1(one)]);
}

function sayTheSame(told: readonly [string, unknown][], lines: readonly string[]): boolean {
  const values = new Map<string, string[]>();
  for (let at = 0; at < lines.length; at += 2) {
    const name = (lines[at] as string).toLowerCase();
    const known = values.get(name);
    if (known === undefined) values.set(name, [lines[at + 1] as string]);
    else known.push(lines[at + 1] as string);
  }
  if (values.size !== told.length) return false;
  return told.every(([name, value]) => {
    const known = values.get(name.toLowerCase());
    const wanted = Array.isArray(value) ? value : [value];
    return known?.length === wanted.length && known.every((one, at) => one === latin1(wanted[at]));
  });
}

const BYTES = /^[\0-\xff]*$/;

/** What an interceptor has made up may have any characters; they are sent as UTF-8. */
function latin1(part: unknown): string {
  if (Buffer.isBuffer(part)) return part.toString("latin1");
  const text = String(part);
  return BYTES.test(text) ? text : Buffer.from(text).toString("latin1");
}
