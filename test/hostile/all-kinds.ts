/**
 * The kinds of attack that are tried, in the order of the table.
 */
import type { HostileKind } from "./kind.js";
import { ADDRESS_KINDS } from "./kinds/addresses.js";
import { ANSWER_KINDS } from "./kinds/answers.js";
import { EXIT_KINDS } from "./kinds/exits.js";
import { FIELD_KINDS } from "./kinds/fields.js";
import { GROWTH_KINDS } from "./kinds/growth.js";
import { HTTP2_CLIENT_KINDS } from "./kinds/http2-clients.js";
import { HTTP2_UPSTREAM_KINDS } from "./kinds/http2-upstreams.js";
import { OPERATOR_KINDS } from "./kinds/operators.js";
import { SMUGGLING_KINDS } from "./kinds/smuggling.js";
import { TARGET_KINDS } from "./kinds/targets.js";
import { UPGRADE_KINDS } from "./kinds/upgrades.js";

export const KINDS: readonly HostileKind[] = [
  ...SMUGGLING_KINDS,
  ...TARGET_KINDS,
  ...FIELD_KINDS,
  ...UPGRADE_KINDS,
  ...ANSWER_KINDS,
  ...GROWTH_KINDS,
  ...EXIT_KINDS,
  ...HTTP2_CLIENT_KINDS,
  ...HTTP2_UPSTREAM_KINDS,
  ...ADDRESS_KINDS,
  ...OPERATOR_KINDS,
];
