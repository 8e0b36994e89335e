/**
 * What came from outside, as text that steers nothing: what a server, a log or a configuration says
 * is printed at terminals, and pasted into tickets.
 *
 * Guarantee: no control character of C0 or C1, no DEL and no character that turns the direction of
 * text or is invisible is printed as it is. Each is shown by its number.
 */

/** C0 but for tab and line feed, DEL, C1; marks of direction; separators; what is invisible. */
const STEERING = new RegExp(
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b-\\u200f" +
    "\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}]",
  "gu",
);

const BYTE_MAX = 0xff;

/** The same text; what could steer a terminal stands as `\\x1b` or `\\u202e`. */
export function printable(text: string): string {
  return text.replace(STEERING, (one) => {
    const number = one.codePointAt(0) as number;
    const hex = number.toString(16);
    return number <= BYTE_MAX ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`;
  });
}

/** JSON whose strings hold the same characters, none of which is printed as it is. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(STEERING, (one) =>
    // RFC 8259 §7: in units of UTF-16.
    [...Array(one.length).keys()]
      .map((at) => `\\u${one.charCodeAt(at).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
