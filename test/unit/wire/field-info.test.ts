/** What is done with a field, by its name, whatever that is. */
import { describe, expect, it } from "vitest";
import { connectionOptions, fieldInfo, fieldReader } from "../../../src/wire/field-info.js";

describe("a field", () => {
  it.each([
    ["Connection", "hop"],
    ["TRANSFER-ENCODING", "hop"],
    ["proxy-authorization", "hop"],
    [":authority", "hop"],
    ["Host", "host"],
    ["X-Forwarded-For", "forwarding"],
    ["Via", "via"],
    ["x-anything", "pass"],
    ["cookie", "pass"],
    ["", "pass"],
  ])("%j is of the kind %s, in whatever case it is written", (name, use) => {
    expect(fieldInfo(name)).toEqual({ lower: name.toLowerCase(), use });
    expect(fieldInfo(name)).toEqual({ lower: name.toLowerCase(), use });
  });

  it.each(["constructor", "__proto__", "hasownproperty", "Constructor"])(
    "passes though every object knows its name: %s",
    (name) => expect(fieldInfo(name).use).toBe("pass"),
  );

  it("is known for as long as there is room, and understood after that", () => {
    for (let index = 0; index < 5_000; index += 1) fieldInfo(`x-flood-${index}`);
    expect(fieldInfo("x-flood-4999").use).toBe("pass");
    expect(fieldInfo("KEEP-alive").use).toBe("hop");
  });
});

describe("Connection", () => {
  it("names the fields of one hop, lower-cased, and usually none", () => {
    expect([...connectionOptions("X-A, close ,\tx-b,,")]).toEqual(["x-a", "close", "x-b"]);
    for (const value of [undefined, "keep-alive", "close", "", ","]) {
      expect([...connectionOptions(value)].filter((one) => one.startsWith("x"))).toEqual([]);
    }
  });
});

describe("a reader that goes by places", () => {
  it("tells of every name what the table tells, whatever stood there before", () => {
    const names = ["Host", "host", "VIA", "x-any", "Connection", "Host", "x".repeat(100)];
    const read = fieldReader();
    for (let turn = 0; turn < names.length; turn += 1) {
      for (let place = 0; place < 200; place += 1) {
        const name = names[(place + turn) % names.length] as string;
        expect(read(name, place), `${name} at ${place}`).toEqual(fieldInfo(name));
      }
    }
  });
});
