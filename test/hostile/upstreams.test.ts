/**
 * Hostile upstreams.
 */
import { KINDS } from "./all-kinds.js";
import { tryKinds } from "./suite.js";

tryKinds(
  "hostile upstreams",
  KINDS.filter(({ from }) => from === "upstream"),
);
