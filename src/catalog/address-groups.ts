/**
 * Named groups of addresses: those that a request on a client's behalf must not reach, and those
 * from which a trusted proxy may connect.
 *
 * From IANA's registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890), and the manuals
 * of the clouds. An IPv4 range also covers IPv6 addresses that carry one of its addresses
 * (`targets/carried-addresses.ts`).
 */

const LINK_LOCAL = ["169.254.0.0/16", "fe80::/10"] as const;
const LOOPBACK = ["127.0.0.0/8", "::1"] as const;
/** Connected to, it is this machine (Linux, macOS). */
const UNSPECIFIED = ["0.0.0.0", "::"] as const;

/** Services that hand out the credentials of this very machine. */
const METADATA = [
  // AWS, Azure, GCP, Oracle and OpenStack all answer on 169.254.169.254.
  ...LINK_LOCAL,
  // By IPv6: AWS, GCP, Oracle, Scaleway, Akamai.
  "fd00:ec2::/32",
  "fd20:ce::/32",
  "fd00:c1::/32",
  "fd00:42::/32",
  "fd00:a9fe:a9fe::/48",
  // Alibaba Cloud; Volcengine; Azure's wire server; Oracle's older address.
  "100.100.100.200",
  "100.96.0.96",
  "168.63.129.16",
  "192.0.0.192",
] as const;

/** By the names that options take. */
export const ADDRESS_GROUPS = {
  loopback: [...LOOPBACK, ...UNSPECIFIED],
  linkLocal: LINK_LOCAL,
  metadata: METADATA,
  /** Everything that is not reachable from everywhere, in the order of the registries. */
  private: [
    ...LOOPBACK,
    ...UNSPECIFIED,
    ...METADATA,
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fec0::/10",
    "ff00::/8",
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Proxies that may be trusted, by the names of Express's `trust proxy`. */
export const TRUST_GROUPS = {
  loopback: LOOPBACK,
  linklocal: LINK_LOCAL,
  // RFC 1918 §3 and RFC 4193 §3.
  uniquelocal: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type AddressGroup = keyof typeof ADDRESS_GROUPS;

/** What a request to an unconfigured origin never connects to. */
export const FOREIGN_FORBIDDEN: readonly AddressGroup[] = ["metadata"];
