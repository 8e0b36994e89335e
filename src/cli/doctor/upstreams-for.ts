/**
 * Of all upstreams of a front those that it asks for one address: by the port where it listens, the
 * name of the site, and the longest path that fits. Where that is not known, all of them.
 */
import type { ConfiguredUpstream } from "./config/front-config.js";

interface Request {
  readonly port: number;
  readonly path: string;
  readonly host?: string;
}

export function upstreamsFor<One extends Pick<ConfiguredUpstream, "manner">>(
  upstreams: readonly One[],
  { port, path, host = "" }: Request,
): readonly One[] {
  const onPort = upstreams.filter(({ manner }) => manner?.ports?.includes(port) ?? true);
  const here = onPort.length === 0 ? upstreams : onPort;
  const named = here.filter(({ manner }) => manner?.hosts?.includes(host) === true);
  const some = named.length === 0 ? here : named;
  const fitting = some.filter((one) => path.startsWith(prefixOf(one)));
  const longest = Math.max(...fitting.map((one) => prefixOf(one).length));
  const best = fitting.filter((one) => prefixOf(one).length === longest);
  return best.length === 0 ? some : best;
}

/** The path that leads to it; nothing is known of a pattern, so it fits everything. */
function prefixOf({ manner }: Pick<ConfiguredUpstream, "manner">): string {
  return manner?.pathBefore ?? manner?.path ?? "";
}
