/**
 * The IPv4 addresses that an IPv6 address carries: where a translator or a tunnel would send it.
 *
 * Guarantee: every form of the standards is read; an address of another form carries none. Where a
 * form leaves open how long its prefix is, every reading counts.
 */
import { isIPv6 } from "node:net";

/** The 16 bytes of an IPv6 address; null for anything else. */
function bytesOf(address: string): readonly number[] | null {
  if (!isIPv6(address)) return null;
  const [head = "", tail] = address.split("::");
  const front = partsOf(head);
  if (tail === undefined) return front;
  const back = partsOf(tail);
  const gap = Array.from({ length: 16 - front.length - back.length }, () => 0);
  return [...front, ...gap, ...back];
}

/** The bytes of groups between colons; the last one may be written as an IPv4 address. */
function partsOf(text: string): readonly number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (group.includes(".")) return group.split(".").map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

type Bytes = readonly number[];

/** A form: the bytes that it begins with, and where the four bytes are. */
interface Form {
  readonly prefix: Bytes;
  readonly read: (bytes: Bytes) => readonly Bytes[];
}

const last: Form["read"] = (bytes) => [bytes.slice(12)];
const zeros = (count: number): Bytes => Array.from({ length: count }, () => 0);

const FORMS: readonly Form[] = [
  // RFC 4291 §2.5.5: compatible and mapped. RFC 2765 §2.1: translated.
  { prefix: zeros(12), read: last },
  { prefix: [...zeros(10), 0xff, 0xff], read: last },
  { prefix: [...zeros(8), 0xff, 0xff, 0, 0], read: last },
  // RFC 6052 §2.1: the well-known prefix of NAT64.
  { prefix: [0x00, 0x64, 0xff, 0x9b, ...zeros(8)], read: last },
  // RFC 8215: prefixes of one's own are below this one; RFC 6052 §2.2: where the address is then.
  {
    prefix: [0x00, 0x64, 0xff, 0x9b, 0x00, 0x01],
    read: (bytes) => [
      ...[
        [...bytes.slice(6, 8), ...bytes.slice(9, 11)],
        [...bytes.slice(7, 8), ...bytes.slice(9, 12)],
        bytes.slice(9, 13),
      ].filter(([first]) => first !== 0),
      bytes.slice(12),
    ],
  },
  // RFC 3056 §2: 6to4.
  { prefix: [0x20, 0x02], read: (bytes) => [bytes.slice(2, 6)] },
  // RFC 4380 §4: Teredo has its server, and its client with every bit turned.
  {
    prefix: [0x20, 0x01, 0, 0],
    read: (bytes) => [bytes.slice(4, 8), bytes.slice(12).map((byte) => byte ^ 0xff)],
  },
];

/** RFC 5214 §6.1: the interface identifier of ISATAP, below any prefix. */
function isIsatap(bytes: Bytes): boolean {
  const [first = 0, second, third, fourth] = bytes.slice(8, 12);
  return (first & 0xfd) === 0 && second === 0 && third === 0x5e && fourth === 0xfe;
}

/** IPv4 addresses that an IPv6 address carries, in dotted form. */
export function carriedAddresses(address: string): readonly string[] {
  const bytes = bytesOf(address);
  if (bytes === null) return [];
  const forms = FORMS.filter(({ prefix }) => prefix.every((byte, at) => bytes[at] === byte));
  const found = forms.flatMap(({ read }) => read(bytes));
  if (isIsatap(bytes)) found.push(bytes.slice(12));
  return found.map((four) => four.join("."));
}
