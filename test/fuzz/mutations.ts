/** How valid bytes are broken, for the fuzzers of either side. */
import fc from "fast-check";

export type Mutation = (text: string) => string;

/** A place within a text, from 0 to 1. */
export const place = fc.double({ min: 0, max: 1, noNaN: true });
export const at = (text: string, where: number): number => Math.floor(where * text.length);

export function inserted(piece: string, into: (text: string) => number): Mutation {
  return (text) => text.slice(0, into(text)) + piece + text.slice(into(text));
}

/** Ends early. */
export const cut: fc.Arbitrary<Mutation> = place.map(
  (from) => (text) => text.slice(0, at(text, from)),
);

/** Some bytes are missing. */
export const shortened: fc.Arbitrary<Mutation> = fc
  .tuple(place, place)
  .map(([from, length]) => (text) => {
    const start = at(text, from);
    return text.slice(0, start) + text.slice(start + Math.ceil(length * 8));
  });

export function pieceAnywhere(pieces: readonly string[]): fc.Arbitrary<Mutation> {
  return fc
    .tuple(place, fc.constantFrom(...pieces))
    .map(([where, piece]) => inserted(piece, (text) => at(text, where)));
}

/** At the border of two lines, where a field or a chunk may stand. */
export function pieceBetweenLines(pieces: readonly string[]): fc.Arbitrary<Mutation> {
  return fc
    .tuple(place, fc.constantFrom(...pieces))
    .map(([where, piece]) => inserted(piece, (text) => text.indexOf("\r\n", at(text, where)) + 2));
}

export function followedBy(others: readonly string[]): fc.Arbitrary<Mutation> {
  return fc.constantFrom(...others).map((other) => (text) => text + other);
}
