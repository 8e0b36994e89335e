import { describe, expect, it } from "vitest";
import { ADDRESS_GROUPS, FOREIGN_FORBIDDEN } from "../../../src/catalog/address-groups.js";
import { type AddressRules, addressGuard } from "../../../src/targets/address-guard.js";
import { carriedAddresses } from "../../../src/targets/carried-addresses.js";

function isForbidden(address: string, rules: Partial<AddressRules>): boolean {
  const guard = addressGuard([{ forbid: [], allow: [], ...rules }]);
  try {
    guard?.checkHost(address);
    return false;
  } catch {
    return true;
  }
}

/** 169.254.169.254 in every form that carries it. */
const CARRYING = [
  "::a9fe:a9fe",
  "::ffff:a9fe:a9fe",
  "::ffff:169.254.169.254",
  "::ffff:0:a9fe:a9fe",
  "64:ff9b::a9fe:a9fe",
  "64:ff9b:1::a9fe:a9fe",
  "64:ff9b:1:a9fe:a9:fe00::",
  "64:ff9b:1:a9fe:a9:fe00::1",
  "64:ff9b:1:a9:fe:a9fe::",
  "64:ff9b:1:0:a9:fea9:fe00::",
  "2002:a9fe:a9fe::1",
  "2001:0:a9fe:a9fe::1",
  "2001:0:808:808:0:0:5601:5601",
  "2001:db8::5efe:a9fe:a9fe",
  "2a00:1:2:3:200:5efe:a9fe:a9fe",
];

/** The rows of IANA's registries that are not globally reachable, each by its first address. */
const SPECIAL = [
  "0.0.0.0",
  "0.1.2.3",
  "10.0.0.1",
  "100.64.0.1",
  "127.0.0.1",
  "127.255.255.254",
  "169.254.0.1",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.1",
  "192.0.0.171",
  "192.0.2.1",
  "192.88.99.1",
  "192.168.0.1",
  "198.18.0.1",
  "198.19.255.255",
  "198.51.100.1",
  "203.0.113.5",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::ffff:10.0.0.1",
  "64:ff9b:1::1",
  "100::1",
  "100:0:0:1::1",
  "2001::1",
  "2001:2::1",
  "2001:10::1",
  "2001:db8::1",
  "3fff::1",
  "5f00::1",
  "fc00::1",
  "fd12:3456::1",
  "fe80::1",
  "fe80::1%eth0",
  "fec0::1",
  "ff02::1",
];

const PUBLIC = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "192.0.1.1", "198.20.0.1", "2606:4700::1111"];

describe("addresses that are forbidden", () => {
  it.each(CARRYING)("%s carries an IPv4 address and is judged by it", (address) => {
    expect(carriedAddresses(address)).toContain("169.254.169.254");
    expect(isForbidden(address, { forbid: FOREIGN_FORBIDDEN })).toBe(true);
    expect(isForbidden(address, { forbid: ["169.254.169.254"] })).toBe(true);
  });

  it.each(SPECIAL)("%s is private", (address) => {
    expect(isForbidden(address, { forbid: ["private"] })).toBe(true);
  });

  it.each(PUBLIC)("%s is reachable from everywhere", (address) => {
    const all = Object.keys(ADDRESS_GROUPS);
    expect(isForbidden(address, { forbid: all })).toBe(false);
    if (!address.includes(":")) {
      expect(isForbidden(`64:ff9b::${address}`, { forbid: all })).toBe(false);
      expect(isForbidden(`64:ff9b:1::${address}`, { forbid: ["loopback"] })).toBe(false);
    }
  });

  it.each(["0.0.0.0", "::", "::ffff:0.0.0.0", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "127.1.2.3"])(
    "%s is this machine",
    (address) => expect(isForbidden(address, { forbid: ["loopback"] })).toBe(true),
  );

  it.each([
    "fd00:ec2::254",
    "fd20:ce::254",
    "fd00:c1::a9fe:a9fe",
    "fd00:42::42",
    "fd00:a9fe:a9fe::1",
    "fe80::a9fe:a9fe%1",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.170.2",
  ])("%s hands out credentials", (address) => {
    expect(isForbidden(address, { forbid: FOREIGN_FORBIDDEN })).toBe(true);
  });

  it("what is allowed is let through, where IPv6 carries it as well", () => {
    const rules = { forbid: ["private"], allow: ["10.20.0.0/16"] };
    expect(isForbidden("10.20.0.1", rules)).toBe(false);
    expect(isForbidden("::ffff:10.20.0.1", rules)).toBe(false);
    expect(isForbidden("10.21.0.1", rules)).toBe(true);
    expect(isForbidden("::ffff:10.21.0.1", rules)).toBe(true);
  });
});
