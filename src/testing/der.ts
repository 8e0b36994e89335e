/**
 * The few forms of DER (ITU-T X.690) that an X.509 certificate is made of.
 * node:crypto can sign and read certificates and not write them; so the testing kit writes its own,
 * and no private key has to lie in the repository.
 * Guarantee: lengths are minimal and integers positive, as DER asks; nothing is read here, only
 * written.
 */

/** Several values in order. */
export function sequence(...parts: readonly Buffer[]): Buffer {
  return value(0x30, ...parts);
}

/** A set; with one member, as here, no order is needed. */
export function setOf(part: Buffer): Buffer {
  return value(0x31, part);
}

/** A value with a number instead of a type, around others. */
export function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  return value(0xa0 | tag, ...parts);
}

/** A value with a number instead of a type, as raw bytes. */
export function taggedBytes(tag: number, bytes: Buffer): Buffer {
  return value(0x80 | tag, bytes);
}

/** A whole number that is not negative and fits in 31 bits. */
export function integer(number: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(number, 1);
  let start = 0;
  // Minimal, but with a leading zero wherever the first bit would read as a minus sign.
  while (start < 4 && bytes[start] === 0 && (bytes[start + 1] ?? 0) < 0x80) start += 1;
  return value(0x02, bytes.subarray(start));
}

/** True; false is the default wherever we could write it, and DER leaves defaults out. */
export function yes(): Buffer {
  return value(0x01, Buffer.from([0xff]));
}

/** Bits that fill their last byte. */
export function bitString(bytes: Buffer): Buffer {
  return value(0x03, Buffer.from([0]), bytes);
}

/** Bytes. */
export function octetString(bytes: Buffer): Buffer {
  return value(0x04, bytes);
}

/** Text. */
export function utf8String(text: string): Buffer {
  return value(0x0c, Buffer.from(text));
}

/** An object identifier, in dots. */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return value(0x06, Buffer.from(bytes));
}

/** Midnight UTC of a day that is written YYYY-MM-DD. */
export function midnight(day: string): Buffer {
  const digits = `${day.replaceAll("-", "")}000000Z`;
  // RFC 5280 §4.1.2.5: two-digit years through 2049, four digits from 2050 on.
  const long = day >= "2050";
  return value(long ? 0x18 : 0x17, Buffer.from(long ? digits : digits.slice(2)));
}

function value(type: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const head = [type];
  if (content.length < 0x80) head.push(content.length);
  else if (content.length < 0x100) head.push(0x81, content.length);
  else head.push(0x82, content.length >>> 8, content.length & 0xff);
  return Buffer.concat([Buffer.from(head), content]);
}
