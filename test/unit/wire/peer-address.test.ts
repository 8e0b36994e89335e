/**
 * The address of a peer in forwarding fields, in the form that people and lists know.
 */
import { expect, it } from "vitest";
import { createForwarder } from "../../../src/wire/forwarding.js";

function fieldsFor(address: string, trust: readonly string[] = []): readonly string[] {
  const fields: string[] = [];
  const received = ["x-forwarded-for", "192.0.2.1"];
  createForwarder({ trust, fields: "x-forwarded" }).append(fields, {
    address,
    protocol: "http",
    host: undefined,
    received,
  });
  return fields;
}

it("an IPv4 peer of a dual-stack server is told as IPv4", () => {
  expect(fieldsFor("::ffff:10.1.2.3")).toContain("10.1.2.3");
  expect(fieldsFor("2001:db8::ffff:1")).toContain("2001:db8::ffff:1");
});

it("a range of IPv4 addresses trusts an IPv4 peer of a dual-stack server", () => {
  expect(fieldsFor("::ffff:10.1.2.3", ["10.0.0.0/8"])).toContain("192.0.2.1, 10.1.2.3");
  expect(fieldsFor("::ffff:11.1.2.3", ["10.0.0.0/8"])).toContain("11.1.2.3");
});
