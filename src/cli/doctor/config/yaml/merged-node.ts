/**
 * Several nodes as one, as `docker compose` merges its files: of maps the pairs of all, of lists
 * the items of all, of anything else the last. A tag says that one stands instead of those before.
 */
import type { Where } from "../front-config.js";
import type { Node } from "./yaml-file.js";

/** Lists that a later file replaces. */
const REPLACED = new Set(["command", "entrypoint", "test"]);

export function mergedNode(layers: readonly Node[], key = ""): Node {
  const own = layers.findLastIndex(({ overrides }) => overrides);
  const there = layers.slice(Math.max(own, 0)).filter((one) => one.exists());
  const [only] = there.length > 0 ? there : layers;
  return there.length > 1 ? new Merged(there, key) : (only as Node);
}

class Merged implements Node {
  readonly #layers: readonly Node[];
  readonly #last: Node;
  readonly #key: string;

  constructor(layers: readonly Node[], key: string) {
    this.#layers = layers;
    this.#last = layers.at(-1) as Node;
    this.#key = key;
  }

  get value(): unknown {
    return this.#last.value;
  }

  get where(): Where {
    return this.#last.where;
  }

  at(...path: readonly string[]): Node {
    return path.reduce<Node>((node, key) => {
      if (!(node instanceof Merged)) return node.at(key);
      const reset = node.#layers.findLastIndex(({ resets }) => resets.includes(key));
      return mergedNode(
        node.#layers.slice(Math.max(reset, 0)).map((one) => one.at(key)),
        key,
      );
    }, this);
  }

  list(): readonly Node[] {
    if (REPLACED.has(this.#key)) return this.#last.list();
    return this.#layers.flatMap((one) => one.list());
  }

  entries(): readonly (readonly [string, Node])[] {
    const found = new Map<string, Node[]>();
    for (const layer of this.#layers) {
      for (const name of layer.resets) found.delete(name);
      for (const [name, node] of layer.entries()) {
        found.set(name, [...(found.get(name) ?? []), node]);
      }
    }
    return [...found].map(([name, nodes]) => [name, mergedNode(nodes, name)] as const);
  }

  text(): string | null {
    return this.#last.text();
  }

  exists(): boolean {
    return true;
  }

  get overrides(): boolean {
    return this.#layers.some(({ overrides }) => overrides);
  }

  get resets(): readonly string[] {
    return this.#layers.flatMap(({ resets }) => resets);
  }
}

/** A node with some of its children in another form; it has no others where `only` says so. */
function inForm(node: Node, children: ReadonlyMap<string, Node>, only: boolean): Node {
  const pairs = (): readonly (readonly [string, Node])[] =>
    only ? [...children] : node.entries().map(([key, one]) => [key, children.get(key) ?? one]);
  const self: Node = {
    value: node.value,
    where: node.where,
    at(first, ...path) {
      if (first === undefined) return self;
      return children.get(first)?.at(...path) ?? node.at(first, ...path);
    },
    list: () => node.list(),
    entries: pairs,
    text: () => node.text(),
    exists: () => node.exists(),
    overrides: node.overrides,
    resets: node.resets,
  };
  return self;
}

export function withChild(node: Node, name: string, child: Node): Node {
  return inForm(node, new Map([[name, child]]), false);
}

export function withEntries(node: Node, pairs: readonly (readonly [string, Node])[]): Node {
  return inForm(node, new Map(pairs), true);
}
