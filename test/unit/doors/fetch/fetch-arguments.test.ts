/**
 * The path of a fetch: whatever is written, it is what a URL makes of it.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { readFetchArguments } from "../../../../src/doors/fetch/fetch-arguments.js";

const PIECES = [
  ...["a", "B7", "-", "_", "~", ".", "..", "/", "//", "?", "#", ";", ":", "@", "&", "=", "+", ","],
  ...["!", "$", "'", "(", ")", "*", "%20", "%2e", "%2F", "%zz", "|", "^", "`", "{", '"', " ", "\\"],
  ...["é", "\t", "[", "]", "<", "/./", "/../", "/.", "?x=/../y"],
];

/** As undici's fetch sends it: an empty query is one. */
function sentOf(written: string): string {
  const url = new URL(`http://target.invalid${written}`);
  url.hash = "";
  return url.href.slice(url.origin.length);
}

it("a path is sent as a URL would have it, or refused", () => {
  const path = fc
    .array(fc.constantFrom(...PIECES), { maxLength: 8 })
    .map((all) => `/${all.join("")}`);
  fc.assert(
    fc.property(path, (written) => {
      const sent = sentOf(written);
      let read: string | null;
      try {
        read = readFetchArguments(written).path;
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
        return;
      }
      expect(read).toBe(sent);
    }),
    { numRuns: 2_000 },
  );
});

it.each(["/v1/orders/7?expand=lines", "//x.test/y", "/a.b/c..d;e=f?g=h/i??", "/x?"])(
  "%s is taken",
  (written) => {
    expect(readFetchArguments(written).path).toBe(sentOf(written));
  },
);
