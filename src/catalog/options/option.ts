/**
 * How an option is declared: one literal has its type, its default, what is valid, and advice.
 *
 * A section is an object of such literals. Derived from it are its type (`OptionsOf` is a mapped
 * type that keeps the JSDoc, so editors and the published types show it), the constants in
 * `defaults.ts` (`defaultsOf`), the checks (`options/read-option.ts`), the known names and
 * docs/options.md. In the JSDoc `@default` repeats the value for editors (a test compares), and
 * `@remarks` has its reason.
 */

/** One option: `Given` is what may be written, `Read` what is used. */
export interface Option<Given = unknown, Read = Given> {
  /** Which function reads it. */
  readonly kind: string;
  /** The default. */
  readonly initial?: unknown;
  /** For the compiler only. */
  readonly types?: readonly [given: Given, read: Read];
}

export type Section = Readonly<Record<string, Option>>;

/** What may be written for a section. */
export type OptionsOf<S> = {
  readonly [Name in keyof S]?: S[Name] extends Option<infer Given, unknown> ? Given : never;
};

/** A section as it is used: with a value for every option. */
export type ReadOf<S> = {
  readonly [Name in keyof S]: S[Name] extends Option<unknown, infer Read> ? Read : never;
};

type DefaultsOf<S> = {
  readonly [Name in keyof S as S[Name] extends { readonly initial: unknown }
    ? Name
    : never]: S[Name] extends Option<unknown, infer Read> ? Read : never;
};

/** The options of a section that have a default, by name. */
export function defaultsOf<S extends Section>(section: S): DefaultsOf<S> {
  const defaults = Object.entries(section).filter(([, { initial }]) => initial !== undefined);
  return Object.fromEntries(
    defaults.map(([name, { initial }]) => [name, initial]),
  ) as unknown as DefaultsOf<S>;
}

export type Unit = "ms" | "bytes" | "ratio" | "count";

export interface NumberRule extends Option<number> {
  readonly kind: "number";
  readonly initial?: number;
  readonly unit: Unit;
  /** What is valid; follows "is not" in a message. */
  readonly wanted: string;
  readonly least: number;
  /** The least value itself is too low. */
  readonly above?: true;
  readonly most: number;
  readonly whole?: true;
  /** A few milliseconds were probably meant as seconds. */
  readonly seldomShort?: true;
  /** Advice for a value below the least, or above the most. */
  readonly tooLow?: string;
  readonly tooHigh?: string;
}

export interface NumberOption extends NumberRule {
  readonly initial: number;
}

type Advice = Pick<NumberRule, "tooLow" | "tooHigh">;
/** Without `most`, `Infinity` is valid. */
type Bounds = Advice & Pick<NumberRule, "least"> & { readonly most?: number };

const ANY = Number.POSITIVE_INFINITY;
export const FINITE = Number.MAX_VALUE;
export const NO_LIMIT: Advice = { tooLow: "write Infinity for no limit" };

/** A number of any other form. */
export function number(
  initial: number,
  rule: Omit<NumberRule, "kind" | "initial" | "most"> & { readonly most?: number },
): NumberOption {
  return { kind: "number", initial, most: ANY, ...rule };
}

/** For an option that is nothing unless it is written. */
export function noDefault({ initial: _, ...rule }: NumberOption): NumberRule {
  return rule;
}

/** Milliseconds above 0, or Infinity for none. */
export function cut(initial: number, advice: Advice = NO_LIMIT): NumberOption {
  const wanted = "a number of milliseconds above 0";
  return number(initial, { unit: "ms", wanted, least: 0, above: true, ...advice });
}

/** The same, where a value of a few milliseconds is unlikely to be meant. */
export function longCut(initial: number, advice: Advice = NO_LIMIT): NumberOption {
  return { ...cut(initial, advice), seldomShort: true };
}

/** A finite length of time above 0. */
export function shortSpan(initial: number): NumberOption {
  const wanted = "a finite number of milliseconds above 0";
  return { ...cut(initial, {}), wanted, most: FINITE };
}

/** The same, where a value of a few milliseconds is unlikely to be meant. */
export function span(initial: number): NumberOption {
  return { ...shortSpan(initial), seldomShort: true };
}

/** Milliseconds from 0. */
export function wait(initial: number, most: number = ANY): NumberOption {
  const wanted = `a ${most === ANY ? "" : "finite "}number of milliseconds of at least 0`;
  return number(initial, { unit: "ms", wanted, least: 0, most });
}

export function count(initial: number, bounds: Bounds): NumberOption {
  const infinite = bounds.most === undefined ? ", or Infinity" : "";
  const wanted = `an integer of at least ${bounds.least}${infinite}`;
  return number(initial, { unit: "count", wanted, whole: true, ...bounds });
}

export function bytes(initial: number, bounds: Bounds): NumberOption {
  return { ...count(initial, bounds), unit: "bytes" };
}

/** A share above 0. */
export function ratio(initial: number, advice: Advice = {}): NumberOption {
  const wanted = "a ratio above 0, up to 1";
  return number(initial, { unit: "ratio", wanted, least: 0, above: true, most: 1, ...advice });
}

export interface WithDefault<Given> extends Option<Given> {
  readonly initial: Given;
}

/** True or false. */
export function flag(initial: boolean): WithDefault<boolean> {
  return { kind: "flag", initial };
}

export interface ChoiceRule<Given extends string = string> extends WithDefault<Given> {
  readonly of: readonly Given[];
  /** Follows the names in a message. */
  readonly besides: string;
}

/** One of a few names. */
export function choice<const Given extends string>(
  of: readonly Given[],
  initial: NoInfer<Given>,
  besides = "",
): ChoiceRule<Given> {
  return { kind: "choice", initial, of, besides };
}

export interface TextRule extends Option<string> {
  readonly pattern: RegExp;
  /** What is valid; follows "is not" in a message. */
  readonly wanted: string;
  /** It appears in no message. */
  readonly secret: boolean;
}

/** A text of some form. */
export function text(
  pattern: RegExp,
  wanted: string,
  initial: string,
): TextRule & WithDefault<string>;
export function text(pattern: RegExp, wanted: string): TextRule;
export function text(pattern: RegExp, wanted: string, initial?: string): TextRule {
  const rule = { kind: "text", pattern, wanted, secret: false };
  return initial === undefined ? rule : { ...rule, initial };
}

export function secret(pattern: RegExp, wanted: string): TextRule {
  return { ...text(pattern, wanted), secret: true };
}

/** Statuses of answers that may be repeated. */
export function statuses(): WithDefault<readonly number[]> {
  return { kind: "statuses", initial: [] };
}

/** A part of a JSON Schema. */
export type Json = Readonly<Record<string, unknown>>;

/** What requests have in common: a field, a cookie, or what a function makes of them. */
export type KeyOfRequests =
  | { readonly header: string }
  | { readonly cookie: string }
  | ((request: AskedRequest) => string | null | undefined);

export interface AskedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

const NAME = { type: "string", minLength: 1 };

/** As far as it is data. */
export const KEY_JSON: Json = {
  type: "object",
  properties: { header: NAME, cookie: NAME },
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: false,
};

/** A key of requests. */
export function requestKey(): OwnRule<KeyOfRequests> {
  return { kind: "key", json: KEY_JSON };
}

export interface OwnRule<Given> extends Option<Given> {
  /** How it is written in JSON; null for what is code. */
  readonly json: Json | null;
}

/** What a reader of its own checks. */
export function own<Given>(json: Json | null, initial: Given): OwnRule<Given> & WithDefault<Given>;
export function own<Given>(json: Json | null): OwnRule<Given>;
export function own<Given>(json: Json | null, initial?: Given): OwnRule<Given> {
  const rule = { kind: "own", json };
  return initial === undefined ? rule : { ...rule, initial };
}

export interface SectionRule<Given, Read> extends Option<Given, Read> {
  readonly section: Section;
  /** Written as `true` or `false`, besides an object. */
  readonly short: readonly boolean[];
  /** What a bare number probably means. */
  readonly bare: string;
}

/** A section that is always there. */
export function always<Given>(section: Section, bare: string): SectionRule<Given, Required<Given>> {
  return { kind: "section", section, short: [], bare };
}

/** A section that is on unless `false` is written. */
export function on<Given>(
  section: Section,
  bare: string,
): SectionRule<false | Given, false | Required<Given>> {
  return { kind: "section", section, short: [false], bare };
}

/** A section that is off by default; `true` enables it with its defaults. */
export function off<Given>(
  section: Section,
  bare: string,
): SectionRule<boolean | Given, false | Required<Given>> {
  return { kind: "section", section, short: [false, true], bare };
}

/** A section that a reader of its own checks. */
export function nested<Given>(
  section: Section,
  short: readonly boolean[] = [],
): Omit<SectionRule<Given, Given>, "bare"> {
  return { kind: "own", section, short };
}

export interface CheckedRule<Given = unknown> extends Option<Given> {
  /** Why a value is wrong, as it follows the value in a message; null when it is right. */
  readonly problemOf: (value: unknown) => string | null;
}

/** A function that decides, and false for none. */
export function predicate<Decides>(): WithDefault<false | Decides> & { readonly json: null } {
  return { kind: "predicate", json: null, initial: false };
}

/** What is valid by a function; for options that are mostly code. */
export function checked<Given>(problemOf: CheckedRule["problemOf"]): CheckedRule<Given> {
  return { kind: "checked", problemOf };
}

/** A function. */
export function code<Given>(): CheckedRule<Given> {
  return checked((value) => (typeof value === "function" ? null : "is not a function"));
}
