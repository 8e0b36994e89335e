/**
 * The sections that are read by the rules of their options, and by nothing else: those of an
 * upstream, and load shedding, which belongs to the gateway as a whole.
 */
import type { SectionRule } from "../catalog/options/option.js";
import { GATEWAY_OPTIONS, SHARED_OPTIONS } from "./options.js";

type Ruled = typeof SHARED_OPTIONS & Pick<typeof GATEWAY_OPTIONS, "shed">;

export type SectionName = {
  [Name in keyof Ruled]: Ruled[Name] extends { readonly bare: string } ? Name : never;
}[keyof Ruled];

/** In the order in which they are read. */
export const SECTIONS = Object.fromEntries(
  Object.entries({ ...SHARED_OPTIONS, shed: GATEWAY_OPTIONS.shed }).filter(
    ([, { kind }]) => kind === "section",
  ),
) as unknown as Readonly<Record<SectionName, SectionRule<unknown, unknown>>>;

/** Those of an upstream. */
export const SECTION_NAMES = (Object.keys(SECTIONS) as readonly SectionName[]).filter(
  (name) => name !== "shed",
);
