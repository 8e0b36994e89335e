/**
 * A hash of texts that is the same in every process: FNV-1a, and the mixer of MurmurHash3 behind
 * it. It spreads keys over targets; it hides nothing and proves nothing.
 */

/** 32 bits, unsigned. */
export function hashOf(text: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), FNV_PRIME);
    if (unit > 0xff) hash = Math.imul(hash ^ (unit >>> 8), FNV_PRIME);
  }
  return mixed(hash);
}

const FNV_PRIME = 0x01_00_01_93;

/** Every bit of the number changes about half of the bits of the result. */
export function mixed(number: number): number {
  let hash = number | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85_eb_ca_6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2_b2_ae_35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
