/**
 * Of all upstreams of a front those that it asks for one address: by the port where it listens, and
 * by the longest path that fits. Where that is not known, all of them are looked at.
 */
import type { ConfiguredUpstream } from "./config/front-config.js";
import type { Endpoint } from "./endpoint.js";

export function upstreamsFor<One extends Pick<ConfiguredUpstream, "manner">>(
  upstreams: readonly One[],
  { port, path }: Pick<Endpoint, "port" | "path">,
): readonly One[] {
  const onPort = upstreams.filter(({ manner }) => manner?.ports?.includes(port) ?? true);
  const some = onPort.length === 0 ? upstreams : onPort;
  const fitting = some.filter((one) => path.startsWith(prefixOf(one)));
  const longest = Math.max(...fitting.map((one) => prefixOf(one).length));
  const best = fitting.filter((one) => prefixOf(one).length === longest);
  return best.length === 0 ? some : best;
}

/** The path that leads to it; nothing is known of a pattern, so it fits everything. */
function prefixOf({ manner }: Pick<ConfiguredUpstream, "manner">): string {
  return manner?.pathBefore ?? manner?.path ?? "";
}
