/**
 * Rules that send calls of an upstream to another one: which calls, and how many of them.
 * The first rule that holds counts.
 */
import {
  type AskedRequest,
  type Json,
  number,
  type OptionsOf,
  own,
  requestKey,
  type Section,
} from "./option.js";

const TEXT = { type: "string", minLength: 1 };
const TEXTS = { type: "object", additionalProperties: { type: "string" }, minProperties: 1 };

export const UPSTREAM_RULE_OPTIONS = {
  /** A pattern of paths, as in `routes`. */
  path: own<string>(TEXT),
  /**
   * The Host that was asked for, without its port, or several; `*.example.com` is every name below
   * `example.com`.
   */
  host: own<string | readonly string[]>({ anyOf: [TEXT, { type: "array", items: TEXT }] }),
  /** Fields that the request has, with these values. */
  header: own<Readonly<Record<string, string>>>(TEXTS),
  /** Cookies that the request has, with these values. */
  cookie: own<Readonly<Record<string, string>>>(TEXTS),
  /**
   * The share of these calls that goes there.
   * @default 1
   */
  weight: number(1, {
    unit: "ratio",
    wanted: "a ratio from 0 to 1",
    least: 0,
    most: 1,
  }),
  /**
   * What a share is counted by, so that a caller stays where it is: a field, a cookie, or a
   * function of the request. Without it, and for requests without a value, chance decides.
   */
  by: requestKey(),
} as const satisfies Section;

/** A rule; its conditions must all hold. */
export interface UpstreamRuleOptions extends OptionsOf<typeof UPSTREAM_RULE_OPTIONS> {
  /** The upstream that gets the calls, by name. */
  readonly to: string;
}

/** The name of an upstream for a request; nothing for the one that was asked. */
export type UpstreamFunction = (request: AskedRequest) => string | null | undefined;

/** A function, or rules, of which the first that holds counts. */
export type UpstreamFor = UpstreamFunction | readonly UpstreamRuleOptions[];

/** Its form as data. */
export const UPSTREAM_FOR_JSON: Json = {
  anyOf: [
    { const: false },
    {
      type: "array",
      items: {
        options: UPSTREAM_RULE_OPTIONS,
        also: { to: { description: "The upstream that gets the calls.", ...TEXT } },
      },
      minItems: 1,
      maxItems: 100,
    },
  ],
};
