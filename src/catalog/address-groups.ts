/**
 * Addresses in named groups: those that a request made for somebody else must not reach, and those
 * from which a proxy of one's own may connect.
 *
 * From the registries of special-purpose addresses (RFC 6890 and its IANA tables) and the manuals
 * of the clouds. IPv4 ranges are also meant where IPv6 carries them (RFC 4291 §2.5.5.2, RFC 6052,
 * RFC 3056); the guard adds those forms.
 */

const LINK_LOCAL = ["169.254.0.0/16", "fe80::/10"] as const;
const LOOPBACK = ["127.0.0.0/8", "::1"] as const;

/** Services that hand out the credentials of this very machine. */
const METADATA = [
  // AWS, Azure, GCP, Oracle and OpenStack all answer on 169.254.169.254.
  ...LINK_LOCAL,
  // AWS by IPv6, GCP by IPv6.
  "fd00:ec2::/32",
  "fd20:ce::/32",
  // Alibaba Cloud; Azure's wire server; Oracle's older address.
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
] as const;

/** By the names that options take. */
export const ADDRESS_GROUPS = {
  loopback: LOOPBACK,
  linkLocal: LINK_LOCAL,
  metadata: METADATA,
  /** Everything that is not reachable from everywhere. */
  private: [
    ...LOOPBACK,
    ...METADATA,
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::",
    "fc00::/7",
    "fec0::/10",
    "ff00::/8",
    "64:ff9b:1::/48",
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Who may be trusted to speak for others, by the words of Express's `trust proxy`. */
export const TRUST_GROUPS = {
  loopback: LOOPBACK,
  linklocal: LINK_LOCAL,
  // RFC 1918 §3 and RFC 4193 §3.
  uniquelocal: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type AddressGroup = keyof typeof ADDRESS_GROUPS;

/** What is never connected to for an origin that nobody has configured. */
export const FOREIGN_FORBIDDEN: readonly AddressGroup[] = ["metadata"];
