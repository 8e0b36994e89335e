/**
 * The recipes of docs/recipes: each file, what it is for, and the packages that it is tested with.
 * The table of docs/recipes/README.md is written from this one.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface Recipe {
  readonly ecosystem: string;
  /** Below docs/recipes: a file, or a folder that is a project. */
  readonly file: string;
  /** `proxy` serves `/api` and `/summary`, `program` prints what it got, `other`: neither. */
  readonly kind: "proxy" | "program" | "other";
  /** Names and versions, as npm installs them for the test. */
  readonly packages: Readonly<Record<string, string>>;
  /** Scripts of the framework that build and start a project. */
  readonly build?: readonly string[];
  readonly start?: readonly string[];
  /** Node, unless another is named. */
  readonly runtime?: "bun" | "deno";
  /** Where the framework ends by itself on SIGTERM. */
  readonly exitCode?: number;
}

const FOLDER = fileURLToPath(new URL("../../../docs/recipes/", import.meta.url));

const TYPES = { "@types/express": "5.0.6", "@types/node": "20.19.43", typescript: "6.0.3" };
const NEST = {
  "@nestjs/common": "11.2.10",
  "@nestjs/core": "11.2.10",
  "@nestjs/platform-express": "11.2.10",
  "@nestjs/platform-fastify": "11.2.8",
  "@nestjs/terminus": "11.1.1",
  "reflect-metadata": "0.2.2",
  rxjs: "7.8.2",
  ...TYPES,
};

export const RECIPES: readonly Recipe[] = [
  ...expresses("4", "4.22.3"),
  ...expresses("5", "5.3.0"),
  recipe("Fastify 5", "fastify.mjs", "proxy", { fastify: "5.12.8" }),
  ...["main", "main-fastify"].map((main, at) => ({
    ...recipe(`NestJS 11 on ${at === 0 ? "Express" : "Fastify"}`, "nestjs", "proxy", NEST),
    build: ["node_modules/typescript/bin/tsc", "-p", "."],
    start: [`dist/${main}.js`],
  })),
  recipe("Koa 2", "koa.mjs", "proxy", { koa: "2.16.4" }),
  recipe("Koa 3", "koa.mjs", "proxy", { koa: "3.3.0" }),
  recipe("Hono", "hono.mjs", "proxy", { hono: "4.13.19", "@hono/node-server": "2.1.9" }),
  recipe("h3 (Nitro, Nuxt)", "h3.mjs", "proxy", { h3: "2.0.8" }),
  {
    ...recipe("Next.js", "nextjs", "proxy", {
      next: "16.4.6",
      react: "19.3.1",
      "react-dom": "19.3.1",
    }),
    build: ["node_modules/next/dist/bin/next", "build"],
    start: ["node_modules/next/dist/bin/next", "start"],
    exitCode: 143,
  },
  {
    ...recipe("SvelteKit", "sveltekit", "proxy", {
      "@sveltejs/kit": "3.2.0",
      "@sveltejs/adapter-node": "6.0.1",
      "@sveltejs/vite-plugin-svelte": "7.3.1",
      svelte: "5.57.3",
      vite: "8.4.0",
      typescript: "6.0.3",
    }),
    build: ["node_modules/vite/bin/vite.js", "build"],
    start: ["build"],
  },
  { ...recipe("Bun", "bun.mjs", "proxy", { bun: "1.4.5" }), runtime: "bun" },
  {
    ...recipe("Deno", "express.mjs", "proxy", { express: "5.3.0", deno: "2.9.6" }),
    runtime: "deno",
  },
  recipe("Vite's dev server", "vite.config.mjs", "other", { vite: "8.4.0" }),
  recipe("socket.io, WebSockets", "socket.io.mjs", "other", {
    "socket.io": "4.8.4",
    "socket.io-client": "4.8.4",
  }),
  recipe("axios", "axios.mjs", "program", { axios: "1.21.1" }),
  recipe("ky", "ky.mjs", "program", { ky: "2.1.0" }),
  recipe("ofetch", "ofetch.mjs", "program", { ofetch: "1.5.1" }),
  recipe("openapi-fetch", "openapi-fetch.mjs", "program", { "openapi-fetch": "0.17.0" }),
  recipe("OpenAI, streaming SDKs", "openai.mjs", "other", { openai: "7.59.0" }),
  recipe("GraphQL clients", "graphql-request.mjs", "other", {
    "graphql-request": "7.4.0",
    graphql: "16.12.0",
  }),
  recipe("AWS Lambda style handlers", "lambda.mjs", "other", {}),
];

/** Path and text of each file, by its path within the project. */
export function filesOf({ file }: Recipe): readonly (readonly [string, string])[] {
  if (!statSync(FOLDER + file).isDirectory()) return [[file, readFileSync(FOLDER + file, "utf8")]];
  return readdirSync(FOLDER + file, { recursive: true, encoding: "utf8" })
    .filter((path) => statSync(`${FOLDER}${file}/${path}`).isFile())
    .map((path) => [path, readFileSync(`${FOLDER}${file}/${path}`, "utf8")]);
}

/** Lines of code of a recipe: no comments, no empty lines. */
export function codeLines(recipe: Recipe): number {
  const lines = filesOf(recipe).flatMap(([, text]) => text.split("\n"));
  return lines.filter((line) => !/^\s*(?:$|\/\/|\/?\*)/.test(line)).length;
}

function recipe(
  ecosystem: string,
  file: string,
  kind: Recipe["kind"],
  packages: Recipe["packages"],
): Recipe {
  return { ecosystem, file, kind, packages };
}

function expresses(major: string, express: string): readonly Recipe[] {
  return [
    recipe(`Express ${major}, ES modules`, "express.mjs", "proxy", { express }),
    recipe(`Express ${major}, CommonJS`, "express.cjs", "proxy", { express }),
    recipe(`Express ${major}, TypeScript`, "express.ts", "proxy", { express, ...TYPES }),
  ];
}
