/**
 * CommonJS from the ES modules that esbuild writes.
 *
 * These modules import each other in no circle and never assign to what they export; both are
 * checked. So an import is a constant that is read once, where a general translation goes through
 * a getter at every use, and calls between modules are as fast as those inside one.
 */
import { isBuiltin } from "node:module";
import { transform } from "esbuild";

const IMPORT = /^import (?:(\w+)(?:, )?)?(?:\{([^}]*)\}|\* as (\w+))? ?(?:from )?"([^"]+)";$/gm;
const EXPORT = /^export \{([^}]*)\};\n?/gm;
/** The build says in a comment where each part comes from; these are packages of others. */
const PARTS = /^\/\/ (?:\.\.\/)*node_modules\/.*$/gm;
/** Short enough for the line that Node shows above a stack trace. */
const COLUMNS_MAX = 160;

/** `text` is a module of esbuild, not minified. */
export async function toCommonJs(text) {
  const exported = exportsOf(text);
  refuseAssigned(text, exported);
  const body = text
    .replace(EXPORT, "")
    .replace(IMPORT, (_, whole, names, space, from) => required(whole, names, space, from));
  const assigned = exported.map(({ local, outer }) => `exports.${outer} = ${local};\n`);
  return minify(`"use strict";\n${body}${assigned.join("")}`, text);
}

/**
 * The two files that pass on what `code` exports, by its text. An ES module that imports CommonJS
 * has its text searched for names first, which takes longer than to run it: so that file is small.
 */
export function passedOn(name, code, text) {
  const names = exportsOf(text).map(({ outer }) => outer);
  const required = [
    `"use strict";\nObject.defineProperty(exports, "__esModule", { value: true });\n`,
    `const code = require("./${code}");\n`,
    ...names.map((one) => `exports.${one} = code.${one};\n`),
  ];
  return {
    [`${name}.cjs`]: required.join(""),
    [`${name}.js`]: `export { ${names.join(", ")} } from "./${name}.cjs";\n`,
  };
}

function exportsOf(text) {
  return [...text.matchAll(EXPORT)].flatMap(([, names]) => pairs(names));
}

/** Blanks only: names, and with them stack traces, stay as they are. */
export async function minify(code, text) {
  const banner = [...new Set(text.match(PARTS) ?? [])].join("\n");
  const options = { minifyWhitespace: true, lineLimit: COLUMNS_MAX, legalComments: "none" };
  return (await transform(code, { ...options, banner, target: "node20" })).code;
}

function required(whole, names, space, from) {
  const call = `require("${from.replace(/^(\.\/.*)\.js$/, "$1.cjs")}")`;
  if (whole !== undefined && !isBuiltin(from)) throw new Error(`the default of ${from} is unknown`);
  const taken = pairs(names ?? "").map(({ local, outer }) => `${local}: ${outer}`);
  const targets = [whole, space, taken.length > 0 ? `{ ${taken.join(", ")} }` : undefined];
  const constants = targets.filter((target) => target !== undefined);
  // Nothing of it is used, and package.json says that loading it has no other effect.
  if (constants.length === 0) return "";
  return constants.map((target) => `const ${target} = ${call};`).join("\n");
}

/** `a` and `b as c`, as they stand in a list of names. */
function pairs(list) {
  const entries = list.split(",").map((entry) => entry.trim());
  return entries
    .filter((entry) => entry !== "")
    .map((entry) => {
      const [local, outer = local] = entry.split(" as ");
      return { local, outer };
    });
}

function refuseAssigned(text, exported) {
  const changed = exported.filter(({ local }) => new RegExp(`^let ${local}\\b`, "m").test(text));
  if (changed.length === 0) return;
  const names = changed.map(({ local }) => local).join(", ");
  throw new Error(`an export that is assigned to cannot be read once: ${names}`);
}
