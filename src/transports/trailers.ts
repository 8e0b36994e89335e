/**
 * The trailers of an answer: only those that may be sent on, RFC 9110 §6.5.1.
 *
 * Guarantee: bounded in bytes, and no value can become a field of its own further on.
 */
import { LIMITS } from "../catalog/defaults.js";
import { FORBIDDEN_IN_TRAILERS } from "../catalog/field-names.js";
import { NamedError } from "../core/named-error.js";

/** Sizes of trailers. */
export interface TrailerLimits {
  readonly trailerSectionBytesMax: number;
  readonly trailerBytesMax: number;
}

const NONE: readonly string[] = [];
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// A line break that a lenient parser folded into a value would become a field of its own further
// on.
const TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Trailers as undici gives them. Throws as `soundTrailers` does. */
export function decodeTrailers(
  raw: readonly Buffer[],
  limits: TrailerLimits = LIMITS,
): readonly string[] {
  if (raw.length === 0) return NONE;
  return soundTrailers(
    raw.map((part) => part.toString("latin1")),
    limits,
  );
}

/**
 * The trailers that may be passed on, names and values in turn. Throws a `NamedError` for a section
 * or a field over its limit, and for what is no field.
 */
export function soundTrailers(fields: readonly string[], limits: TrailerLimits): readonly string[] {
  const trailers: string[] = [];
  let bytes = 0;
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index] as string;
    const value = fields[index + 1] as string;
    const size = name.length + value.length;
    // With the colon, the space and the line break between them.
    bytes += size + 4;
    if (size > limits.trailerBytesMax) {
      throw new NamedError("http_response_trailer_size", `trailer-size=${size}`);
    }
    if (!TOKEN.test(name) || !TEXT.test(value)) {
      throw new NamedError("http_protocol_error", "trailer");
    }
    if (!FORBIDDEN_IN_TRAILERS.has(name.toLowerCase())) trailers.push(name, value);
  }
  if (bytes > limits.trailerSectionBytesMax) {
    throw new NamedError("http_response_trailer_section_size", `trailer-section-size=${bytes}`);
  }
  return trailers;
}
