/**
 * What the readers of YAML formats have in common: how a configuration, an upstream and a problem
 * are made from nodes.
 */
import type {
  ConfiguredUpstream,
  FrontConfig,
  FrontKind,
  FrontTraits,
  Manner,
  Problem,
} from "../front-config.js";
import type { Node } from "./yaml-file.js";

/** A front whose file says nothing of users, roots and logs. */
export function yamlFront(front: FrontKind, parts: Partial<FrontConfig>): FrontConfig {
  return {
    front,
    upstreams: [],
    findings: [],
    notLookedAt: [],
    problems: [],
    user: null,
    chroot: null,
    errorLog: null,
    ...parts,
  };
}

/** No pool, no limit, and everything passed on, but for what is given. */
export function settingsWith(
  parts: Partial<Omit<FrontTraits, "write">>,
  write: Partial<FrontTraits["write"]>,
): FrontTraits {
  return {
    poolIdleMs: null,
    responseMs: null,
    headBytes: null,
    upgrades: true,
    ...parts,
    write: { keepAlive: "", headBytes: "", upgrades: "", address: (one) => one, ...write },
  };
}

/** An upstream that a node names. */
export function upstreamAt(
  node: Node,
  address: string,
  context: string,
  parts: {
    readonly settings: FrontTraits;
    readonly siblings?: number;
    readonly manner?: Manner;
  },
): ConfiguredUpstream {
  return { address, where: node.where, context, siblings: 0, ...parts };
}

export function problemAt(node: Node, text: string, ask?: string): Problem {
  return { text, where: node.where, ...(ask === undefined ? {} : { ask }) };
}

/** A number of a port; null for what is none. */
export function portOf(node: Node): number | null {
  const text = node.text() ?? "";
  return /^\d{1,5}$/.test(text) && Number(text) > 0 ? Number(text) : null;
}
