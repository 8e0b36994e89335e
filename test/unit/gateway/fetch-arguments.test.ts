/**
 * The path of a fetch: whatever is written, it is what a URL makes of it.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { readFetchArguments } from "../../../src/gateway/fetch/fetch-arguments.js";

const PIECES = [
  ...["a", "B7", "-", "_", "~", ".", "..", "/", "//", "?", "#", ";", ":", "@", "&", "=", "+", ","],
  ...["!", "$", "'", "(", ")", "*", "%20", "%2e", "%2F", "%zz", "|", "^", "`", "{", '"', " ", "\\"],
  ...["é", "\t", "[", "]", "<", "/./", "/../", "/.", "?x=/../y"],
];

it("a path is sent as a URL would have it, or refused", () => {
  const path = fc
    .array(fc.constantFrom(...PIECES), { maxLength: 8 })
    .map((all) => `/${all.join("")}`);
  fc.assert(
    fc.property(path, (written) => {
      const { pathname, search } = new URL(`http://target.invalid${written}`);
      let read: string | null;
      try {
        read = readFetchArguments(written).path;
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
        return;
      }
      expect(read).toBe(pathname + search);
    }),
    { numRuns: 2_000 },
  );
});

it.each(["/v1/orders/7?expand=lines", "//x.test/y", "/a.b/c..d;e=f?g=h/i??", "/x?"])(
  "%s is taken",
  (written) => {
    const { pathname, search } = new URL(`http://target.invalid${written}`);
    expect(readFetchArguments(written).path).toBe(pathname + search);
  },
);
