/**
 * What stands in for an upstream that has failed: the form of `fallback` as data, for the schema.
 * Functions are left out.
 */
import type { Json } from "./option.js";

const NAME = { type: "string", minLength: 1 };
const ON = {
  description: "When it applies: statuses, names of failures, or no_answer.",
  type: "array",
  items: { anyOf: [{ type: "integer", minimum: 200, maximum: 599 }, NAME] },
  minItems: 1,
};
const ANSWER = {
  description: "An answer in the place of the upstream's.",
  type: "object",
  properties: {
    status: {
      description: "Its status.",
      ...{ type: "integer", minimum: 200, maximum: 599, default: 200 },
    },
    headers: {
      description: "Its fields, but for those that frame a body.",
      ...{ type: "object", additionalProperties: { type: "string" } },
    },
    body: { description: "Its body as text.", type: "string" },
    json: { description: "Its body, which is written as JSON; instead of body." },
  },
  additionalProperties: false,
};
function step(name: string, shape: Json): Json {
  const properties = { [name]: shape, on: ON };
  return { type: "object", properties, required: [name], additionalProperties: false };
}

const NAMES = {
  description: "Other upstreams of this gateway, which are asked in turn.",
  anyOf: [NAME, { type: "array", items: NAME, minItems: 1 }],
};
const STEP = { anyOf: [step("upstream", NAMES), step("answer", ANSWER)] };

export const FALLBACK_JSON: Json = {
  anyOf: [{ const: false }, STEP, { type: "array", items: STEP, minItems: 1, maxItems: 8 }],
};
