/**
 * Which forwarding fields are believed, written and kept, as an option of a proxy; `forwarding.ts`
 * works by it.
 */
import { checked, type OptionsOf, type Section } from "../catalog/options/option.js";
import { type FieldUse, fieldInfo } from "./field-info.js";
import { type Trust, trustProblem } from "./trust.js";

/** The fields that are written anew. */
export const WRITTEN: ReadonlySet<string> = new Set([
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
]);

const FIELDS: readonly string[] = ["x-forwarded", "forwarded", "both"];
const KEEPABLE: ReadonlySet<FieldUse> = new Set(["forwarding", "alias", "pass", "single"] as const);

function keepProblem(value: unknown): string | null {
  const names: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (!Array.isArray(value) || !names.every((name) => typeof name === "string")) {
    return 'is no list of field names, such as ["cf-ipcountry"]';
  }
  const ours = names.find((name) => isOurs(String(name).toLowerCase()));
  return ours === undefined
    ? null
    : `has ${JSON.stringify(ours)}, which the gateway writes itself; name trusted proxies in trust`;
}

function isOurs(name: string): boolean {
  const { use } = fieldInfo(name);
  return WRITTEN.has(name) || !KEEPABLE.has(use);
}

export const FORWARDED_OPTIONS = {
  /**
   * Peers whose forwarding fields are trusted and extended, like Express's `trust proxy`: `true`
   * for all peers, a number of hops, a list of addresses, ranges (`10.0.0.0/8`) and groups
   * (`loopback`, `linklocal`, `uniquelocal`), or a function of the address and its hop, which is 0
   * for our peer. A chain is cut before the first address that no trusted peer vouches for; fields
   * of a peer that is not trusted are replaced. With `behind`, each front is believed what it says
   * itself, as far as it would know.
   * @default false
   */
  trust: checked<Trust>(trustProblem),
  /**
   * Which fields are written.
   * @default "both"
   */
  fields: checked<"x-forwarded" | "forwarded" | "both">((value) =>
    FIELDS.includes(value as string) ? null : 'is not "x-forwarded", "forwarded" or "both"',
  ),
  /**
   * Fields that identify a client but are passed on unchanged from any sender:
   * names such as `["cf-ipcountry", "x-original-url"]`. The gateway's own (`X-Forwarded-For`,
   * `-Host`, `-Proto`, `Forwarded`) cannot be listed.
   */
  keep: checked<readonly string[]>(keepProblem),
  /**
   * Writes `X-Forwarded-Prefix`: the mount, the prefix, or whatever `rewritePath` has removed from
   * the beginning of the path, behind that of a trusted peer. For applications that make links.
   * @default false
   */
  prefix: checked<boolean>((value) => (typeof value === "boolean" ? null : "is not a boolean")),
} as const satisfies Section;

export interface ForwardedOptions extends OptionsOf<typeof FORWARDED_OPTIONS> {}
