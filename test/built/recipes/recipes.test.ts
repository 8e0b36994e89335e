/**
 * Every recipe of docs/recipes, in a folder of its own with the packed package and the real
 * framework: started as a user starts it, called, and stopped.
 *
 * npm installs the frameworks, so these tests run with GOOD_GATEWAY_BUILT=1 only.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { createServer, type Server as HttpServer } from "node:http";
import { createRequire } from "node:module";
import { type AddressInfo, connect } from "node:net";
import { isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { INSTALL_MS, newProject, type Project, TOOL_MS } from "../loaders/toolbox.js";
import { digestOf, type Orders, startOrders } from "./orders.js";
import { filesOf, RECIPES, type Recipe } from "./table.js";

/** Past what the gateway keeps for a repeat. */
const UPLOAD = Buffer.alloc(300_000, "0123456789");
const PRODUCTION = { ...process.env, NODE_ENV: "production" };
const JSON_TEXT = '{"amount":1}';

let orders: Orders;
const running = new Set<ChildProcess>();
/** One for all recipes whose packages go together. */
const projects = new Map<Recipe["packages"], Project>();

beforeAll(async () => {
  for (const packages of together()) projects.set(packages, await newProject(packages));
}, 2 * INSTALL_MS);
beforeEach(async () => {
  orders = await startOrders();
});
afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
  orders.stop();
});
afterAll(() => {
  for (const project of projects.values()) project.remove();
}, INSTALL_MS);

describe.each(RECIPES.filter(({ kind }) => kind === "proxy"))("$ecosystem", (recipe) => {
  it("proxies, names what fails, and stops", { timeout: TOOL_MS }, async () => {
    const place = placed(recipe);
    if (recipe.file.endsWith(".ts")) await typechecks(place, recipe.file);
    if (recipe.build !== undefined) await built(place, recipe.build);
    const { child, origin } = await startServer(place, startOf(recipe, place));

    const answer = await fetch(`${origin}/api/orders/7?full=1`);
    expect(await answer.text()).toBe("the upstream got GET /orders/7?full=1");
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    // Next.js does not know its client; see docs/web.md.
    const client = recipe.file === "nextjs" ? "unknown" : "127.0.0.1";
    expect(orders.came[0]?.headers["x-forwarded-for"]).toBe(client);

    const sent = await fetch(`${origin}/api/orders`, posted(UPLOAD));
    expect([sent.status, await sent.text()]).toEqual([200, digestOf(UPLOAD)]);

    const broken = await fetch(`${origin}/api/broken`, posted("once"));
    expect([broken.status, broken.headers.get("proxy-status")]).toEqual([
      502,
      expect.stringContaining("edge; error=connection_terminated"),
    ]);
    await broken.text();
    expect(orders.came.filter(({ url }) => url === "/broken")).toHaveLength(1);

    expect(await isWhole(fetch(`${origin}/api/cut`))).toBe(false);

    const summary = await fetch(`${origin}/summary/7`);
    expect(await summary.json()).toEqual({ summary: "the upstream got GET /orders/7" });
    orders.stop();
    expect((await fetch(`${origin}/summary/7`)).status).toBe(502);
    await stops(child, recipe.exitCode);
  });
});

describe.each(RECIPES.filter(({ kind }) => kind === "program"))("$ecosystem", (recipe) => {
  it("gets what was sent, and the name of what failed", { timeout: TOOL_MS }, async () => {
    const place = placed(recipe);
    expect(await printed(place, recipe)).toEqual([
      "the upstream got GET /orders/7",
      digestOf(JSON_TEXT),
      "stale_connection",
    ]);
    expect(orders.came.map(({ method, url, bytes }) => [method, url, bytes])).toEqual([
      ["GET", "/orders/7", 0],
      ["POST", "/orders", JSON_TEXT.length],
      ["POST", "/broken", JSON_TEXT.length],
    ]);
  });
});

describe.each(RECIPES.filter(({ file }) => file === "nestjs"))("$ecosystem", (recipe) => {
  it("has an indicator, names failed calls, and drains", { timeout: TOOL_MS }, async () => {
    const place = placed(recipe);
    await built(place, recipe.build ?? []);
    const { child, origin } = await startServer(place, recipe.start ?? []);
    expect(await (await fetch(`${origin}/health`)).json()).toMatchObject({
      status: "ok",
      info: { orders: { status: "up", state: "healthy" } },
    });
    const slow = fetch(`${origin}/summary/slow`);
    await expect.poll(() => orders.came).toHaveLength(1);
    child.kill("SIGTERM");
    expect(await (await slow).json()).toEqual({ summary: "the upstream got GET /orders/slow" });
    expect(await once(child, "exit")).toEqual([0, null]);

    const again = await startServer(place, recipe.start ?? []);
    orders.stop();
    const failed = await fetch(`${again.origin}/summary/7`);
    expect([failed.status, await failed.json()]).toEqual([
      502,
      expect.objectContaining({ code: "connection_refused", blame: "upstream" }),
    ]);
    await stops(again.child);
  });
});

describe("others", () => {
  it("Vite's dev server proxies", { timeout: TOOL_MS }, async () => {
    const place = placed(recipeOf("vite.config.mjs"));
    place.write("index.html", "<title>a page</title>");
    const { child, origin } = await startServer(place, ["node_modules/vite/bin/vite.js"]);
    expect(await (await fetch(origin)).text()).toContain("a page");
    const answer = await fetch(`${origin}/api/orders/7`);
    expect(await answer.text()).toBe("the upstream got GET /orders/7");
    expect((await fetch(`${origin}/api/broken`)).headers.get("proxy-status")).toContain("vite;");
    await stops(child, 143); // by Vite's own listener
  });

  it("socket.io talks through the proxy, by both transports", { timeout: TOOL_MS }, async () => {
    const place = placed(recipeOf("socket.io.mjs"));
    const load = createRequire(join(place.folder, "package.json"));
    const chat = createServer();
    const { Server } = load("socket.io");
    const io = new Server(chat);
    io.on("connection", (socket: Emitter) => {
      socket.on("say", (text: string, reply: (text: string) => void) => reply(text.toUpperCase()));
    });
    const { child, origin } = await startServer(place, ["socket.io.mjs"], {
      CHAT_URL: await listening(chat),
    });
    for (const transport of ["polling", "websocket"]) {
      const client = load("socket.io-client").io(origin, { transports: [transport] });
      expect(await client.timeout(20_000).emitWithAck("say", "hello")).toBe("HELLO");
      expect(client.io.engine.transport.name).toBe(transport);
      client.close();
    }
    io.close();
    await stops(child);
  });

  it("openai streams, and a stream that breaks is an error", { timeout: TOOL_MS }, async () => {
    const recipe = recipeOf("openai.mjs");
    const env = { MODELS_URL: orders.origin, MODELS_KEY: "a key" };
    expect(await printed(placed(recipe), recipe, env)).toEqual([
      ...["hello", "world"],
      ...["hello", "http_response_incomplete"],
    ]);
    expect(orders.came.map(({ headers }) => headers["authorization"])).toEqual([
      "Bearer a key",
      "Bearer a key",
    ]);
  });

  it("graphql-request repeats what may be repeated, once", { timeout: TOOL_MS }, async () => {
    const recipe = recipeOf("graphql-request.mjs");
    const lines = await printed(placed(recipe), recipe, { GRAPH_URL: orders.origin });
    expect(lines).toEqual(["{ name: 'seven' }", "stale_connection"]);
    expect(orders.came).toHaveLength(3);
  });

  it("a handler of Lambda's kind answers, and names what fails", async () => {
    const place = placed(recipeOf("lambda.mjs"));
    place.write(
      "ask.mjs",
      `import { handler } from "./lambda.mjs";
       const context = { getRemainingTimeInMillis: () => 5_000 };
       for (const rawPath of ["/orders/7", "/broken"])
         console.log(JSON.stringify(await handler({ rawPath }, context)));`,
    );
    expect(await output(place, ["ask.mjs"], { ORDERS_URL: orders.origin })).toEqual([
      JSON.stringify({ statusCode: 200, body: "the upstream got GET /orders/7" }),
      JSON.stringify({ statusCode: 502, body: "connection_terminated" }),
    ]);
  });
});

/** Of a type that no framework takes for a form of another site. */
function posted(body: string | Buffer): RequestInit {
  return { method: "POST", body, headers: { "content-type": "application/octet-stream" } };
}

/** A success to its last byte. Some frameworks notice a cut before they have sent the head. */
async function isWhole(asked: Promise<Response>): Promise<boolean> {
  const answer = await asked;
  return answer.text().then(
    () => answer.ok,
    () => false,
  );
}

interface Emitter {
  on(event: string, listener: (...values: never[]) => void): void;
}

function recipeOf(file: string): Recipe {
  return RECIPES.find((one) => one.file === file) as Recipe;
}

/** As few sets of packages as can be: none has a package in two versions. */
function together(): readonly Recipe["packages"][] {
  const sets: Record<string, string>[] = [];
  for (const { packages } of RECIPES) {
    const set = sets.find((one) => goesWith(one, packages));
    if (set === undefined) sets.push({ ...packages });
    else Object.assign(set, packages);
  }
  return sets;
}

function goesWith(set: Recipe["packages"], packages: Recipe["packages"]): boolean {
  return Object.entries(packages).every(([name, version]) => (set[name] ?? version) === version);
}

/** A folder of its own for each recipe, below the packages that it goes with. */
function placed(recipe: Recipe): Place {
  const found = [...projects].find(([set]) => goesWith(set, recipe.packages));
  const [, project] = found as [unknown, Project];
  const name = recipe.file.replaceAll(".", "-");
  const write = (path: string, text: string) => project.write(`${name}/${path}`, text);
  for (const [path, text] of filesOf(recipe)) write(path, text);
  const module = recipe.build === undefined ? {} : { type: "module" };
  write("package.json", JSON.stringify({ private: true, ...module }));
  return { folder: join(project.folder, name), root: project.folder, write };
}

/** The program and arguments of a script of the recipe or of its packages. */
function scriptOf({ root }: Place, [script = "", ...args]: readonly string[]): string[] {
  return [script.startsWith("node_modules/") ? join(root, script) : script, ...args];
}

async function typechecks(place: Place, file: string): Promise<void> {
  const strict = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext"];
  const typed = ["--types", "node", "--typeRoots", join(place.root, "node_modules/@types")];
  await built(place, ["node_modules/typescript/bin/tsc", ...strict, ...typed, file]);
}

interface Place {
  readonly folder: string;
  /** Where its packages are. */
  readonly root: string;
  write(path: string, text: string): void;
}

/** Program and arguments: a script for Node, or another runtime with it. */
function startOf({ runtime, start, file }: Recipe, { root }: Place): readonly string[] {
  if (runtime === undefined) return start ?? [file];
  const found = readdirSync(join(root, "node_modules"), { recursive: true, encoding: "utf8" })
    .filter((path) => BINARIES[runtime].test(path))
    .map((path) => join(root, "node_modules", path));
  const binary = found.find((path) => statSync(path).size > 1_000_000) as string;
  return runtime === "bun" ? [binary, file] : [binary, "run", "--allow-all", file];
}

/** npm moves the one of Bun into its main package, where it may run scripts. */
const BINARIES = {
  bun: /^(?:bun\/bin\/bun\.exe|@oven\/[\w-]+\/bin\/bun)$/,
  deno: /^@deno\/[\w-]+\/deno$/,
};

type Env = Readonly<Record<string, string>>;

/** A build that fails rejects with its output. */
async function built(place: Place, args: readonly string[]): Promise<void> {
  const options = { cwd: place.folder, env: PRODUCTION };
  await promisify(execFile)(process.execPath, scriptOf(place, args), options);
}

/** A server of a project, once its port accepts connections. */
async function startServer(
  place: Place,
  args: readonly string[],
  more: Env = {},
): Promise<{ child: ChildProcess; origin: string }> {
  const port = await freePort();
  const env = { ...PRODUCTION, ORDERS_URL: orders.origin, PORT: String(port), ...more };
  const [program, given] = isAbsolute(args[0] ?? "")
    ? [args[0] as string, args.slice(1)]
    : [process.execPath, scriptOf(place, args)];
  const child = spawn(program, given, {
    ...{ cwd: place.folder, env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  running.add(child);
  let words = "";
  child.stderr?.on("data", (text) => {
    words += text;
  });
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${args.join(" ")} ended: ${words}`);
    await sleep(50);
  }
  return { child, origin: `http://127.0.0.1:${port}` };
}

/** The program ends by itself when nothing is left to do. */
async function stops(child: ChildProcess, code = 0): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  expect(await ended).toEqual([code, null]);
}

function printed(place: Place, { file }: Recipe, env?: Env): Promise<readonly string[]> {
  return output(place, [file], env ?? { ORDERS_URL: orders.origin });
}

/** The lines of a program that ends with 0. */
async function output(place: Place, args: readonly string[], env: Env): Promise<string[]> {
  const child = spawn(process.execPath, args, {
    ...{ cwd: place.folder, env: { ...process.env, ...env } },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const [stdout, stderr, [code]] = await Promise.all([
    child.stdout?.toArray(),
    child.stderr?.toArray(),
    once(child, "exit"),
  ]);
  expect([code, Buffer.concat(stderr ?? []).toString()]).toEqual([0, ""]);
  return Buffer.concat(stdout ?? [])
    .toString()
    .trim()
    .split("\n");
}

async function freePort(): Promise<number> {
  const holder = createServer();
  const port = Number(new URL(await listening(holder)).port);
  holder.close();
  return port;
}

async function listening(server: HttpServer): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}
