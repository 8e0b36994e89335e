/**
 * What a VCL file of Varnish says of upstreams: its backends, with their probes. Which of them a
 * request gets is decided by its subroutines, so all of them are looked at.
 */
import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import type {
  ConfiguredUpstream,
  FrontConfig,
  FrontHealthCheck,
  FrontTraits,
  Problem,
  Where,
} from "./front-config.js";
import { timeMs } from "./units.js";

/** Parameters of varnishd 7: `backend_idle_timeout`, `first_byte_timeout`, `http_resp_size`. */
const SETTINGS: FrontTraits = {
  poolIdleMs: 60_000,
  // A kept connection that fails before the first byte is asked once more.
  watchesIdle: true,
  responseMs: 60_000,
  headBytes: 32_768,
  upgrades: false,
  write: {
    keepAlive: "varnishd -p backend_idle_timeout=4",
    headBytes: "varnishd -p http_resp_size=64k -p http_resp_hdr_len=16k -p workspace_backend=128k",
    upgrades:
      'if (req.http.upgrade ~ "(?i)websocket") { return (pipe); }  # vcl_recv; and in vcl_pipe:\n' +
      "set bereq.http.upgrade = req.http.upgrade; set bereq.http.connection = req.http.connection;",
    address: (address) => {
      const { hostname, port } = new URL(address);
      return `.host = "${hostname}"; .port = "${port || "80"}";`;
    },
  },
};
const FILES_MAX = 100;
const WELL = 200;

interface Block {
  readonly kind: string;
  readonly name: string;
  readonly text: string;
  readonly where: Where;
}

export type VclConfig = Pick<FrontConfig, "upstreams" | "notLookedAt" | "problems">;

export async function readVcl(file: string): Promise<VclConfig> {
  const blocks: Block[] = [];
  const problems: Problem[] = [];
  const files = [file];
  for (let at = 0; at < Math.min(files.length, FILES_MAX); at += 1) {
    const one = files[at] as string;
    const text = withoutComments(await readFile(one, "utf8"));
    const found = blocksOf(one, text);
    blocks.push(...found.blocks);
    problems.push(...found.problems);
    for (const [, name = ""] of text.matchAll(/\binclude\s+"([^"]+)"\s*;/g)) {
      const path = isAbsolute(name) ? name : join(dirname(file), name);
      const known = await readFile(path, "utf8").catch(() => null);
      if (known !== null && !files.includes(path)) files.push(path);
      if (known === null) {
        problems.push({ text: `include "${name}": no such file`, where: { file: one, line: 1 } });
      }
    }
  }
  const backends = blocks.filter(({ kind }) => kind === "backend");
  const upstreams = backends.flatMap((one) => upstreamOf(one, blocks, backends.length));
  const notLookedAt = backends
    .filter((one) => addressOf(one) === null)
    .map(({ name, where }) => ({ text: `backend ${name}: no address`, where }));
  return { upstreams, notLookedAt, problems };
}

/** Blanks of the same length, so that lines stay what they are. */
function withoutComments(text: string): string {
  return text.replace(/"[^"\n]*"|\/\*[\s\S]*?\*\/|(?:\/\/|#)[^\n]*/g, (part) =>
    part.startsWith('"') ? part : part.replace(/[^\n]/g, " "),
  );
}

function blocksOf(
  file: string,
  text: string,
): { readonly blocks: readonly Block[]; readonly problems: readonly Problem[] } {
  const blocks: Block[] = [];
  const problems: Problem[] = [];
  for (const found of text.matchAll(/\b(backend|probe)\s+([\w.-]+)\s*(?:\{|none\s*;)/g)) {
    const [all, kind = "", name = ""] = found;
    const where = { file, line: text.slice(0, found.index).split("\n").length };
    const from = found.index + all.length;
    const to = all.endsWith("{") ? closingOf(text, from) : from;
    if (to === null) problems.push({ text: `${kind} ${name} is not closed`, where });
    else blocks.push({ kind, name, text: text.slice(from, to), where });
  }
  return { blocks, problems };
}

function closingOf(text: string, from: number): number | null {
  let depth = 1;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "{") depth += 1;
    if (text[at] === "}") depth -= 1;
    if (depth === 0) return at;
  }
  return null;
}

function field(text: string, name: string): string | null {
  const found = new RegExp(`\\.${name}\\s*=\\s*(?:"([^"]*)"|([^;{}]+))`).exec(text);
  return found === null ? null : (found[1] ?? found[2] ?? "").trim();
}

function addressOf({ text }: Block): string | null {
  const socket = field(text, "path");
  if (socket !== null) return `unix:${socket}`;
  const host = field(text, "host");
  if (host === null) return null;
  const [, name = host, inHost] = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(host) ?? [];
  const bracketed = name.includes(":") && !name.startsWith("[") ? `[${name}]` : name;
  return `http://${bracketed}:${field(text, "port") ?? inHost ?? "80"}`;
}

function upstreamOf(
  backend: Block,
  blocks: readonly Block[],
  count: number,
): readonly ConfiguredUpstream[] {
  const { name, where } = backend;
  const check = checkOf(backend, blocks);
  // The fields of its own probe are not those of the backend.
  const text = backend.text.replace(/\.probe\s*=\s*\{[^}]*\}/, "");
  const address = addressOf({ ...backend, text });
  if (address === null) return [];
  const host = field(text, "host_header");
  return [
    {
      ...{ address, where, context: `backend ${name}`, siblings: count - 1 },
      settings: {
        ...SETTINGS,
        responseMs: timeMs(field(text, "first_byte_timeout") ?? "60s", "s"),
      },
      manner: {
        ...(host === null ? {} : { host }),
        ...(field(text, "proxy_header") === null ? {} : { proxyProtocol: true }),
        ...(check === null ? {} : { check }),
      },
    },
  ];
}

/** A probe of its own, or one that it names. */
function checkOf({ text, where }: Block, blocks: readonly Block[]): FrontHealthCheck | null {
  const own = /\.probe\s*=\s*\{([^}]*)\}/.exec(text)?.[1] ?? null;
  const named = own === null ? field(text, "probe") : null;
  const probe = blocks.find(({ kind, name }) => kind === "probe" && name === (named ?? "default"));
  const said = own ?? probe?.text ?? null;
  if (said === null || field(said, "request") !== null) return null;
  const wanted = Number(field(said, "expected_response") ?? WELL);
  return {
    path: field(said, "url") ?? "/",
    host: field(text, "host_header") ?? field(text, "host"),
    port: null,
    expects: (status) => status === wanted,
    where: own === null && probe !== undefined ? probe.where : where,
  };
}
