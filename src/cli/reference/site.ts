/**
 * The static site of the error reference: one page with the box that explains and all entries, and
 * a page for each failure, which a search can find.
 *
 * Guarantee: each page is whole. Its policy allows its own script and style by their hashes and no
 * request to any server; without the script the reference can still be read.
 */
import { createHash } from "node:crypto";
import { REFERENCE_SECTION } from "../../dashboard/page/markup.js";
import { errorReference, type ReferenceEntry } from "../../dashboard/page/reference.js";
import { referenceHtml } from "../../dashboard/page/reference-html.js";
import { STYLE } from "../../dashboard/page/style.js";
import { SITE_SCRIPT } from "./site-script.js";

export interface SiteFile {
  readonly name: string;
  readonly text: string;
}

const BOX_STYLE = `#given{width:100%;min-height:8rem;box-sizing:border-box;font:inherit;
font-family:ui-monospace,monospace}#ask label{display:block;margin:0 0 .4rem}
#answer .incident{overflow-wrap:anywhere}`;

/** The pages; `engine` is the built script of engine.ts. */
export function siteFiles(engine: string): readonly SiteFile[] {
  // Nothing in a script may look like its end.
  const script = `${engine}\n${SITE_SCRIPT}`.replaceAll("</script", "<\\/script");
  const index = page({
    title: "Error reference: whose fault is the 502?",
    description: "Paste a status, an error code, a log line or an error page: what it means.",
    main: BOX + REFERENCE_SECTION.replace("<!--REFERENCE-->", () => referenceHtml()),
    script,
  });
  const pages = errorReference().map((entry) => ({
    name: `${entry.code}.html`,
    text: page({
      title: `${entry.code}: ${entry.summary}`,
      description: `${entry.summary} Causes, and what to do.`,
      main: entryMain(entry),
      script: "",
    }),
  }));
  return [{ name: "index.html", text: index }, ...pages];
}

const BOX = `<section aria-labelledby="ask-h">
<div class="head"><h2 id="ask-h">What does it say?</h2></div>
<form id="ask"><label for="given">A status, an error code, lines of a log, the head of an answer, an
 error page. Nothing leaves this page.</label>
<textarea id="given" autocomplete="off" spellcheck="false"
 placeholder="502, ECONNRESET, SH--, upstream prematurely closed connection …"></textarea>
<button type="submit">Explain</button></form>
<div id="answer" role="status" aria-live="polite"></div>
<noscript><p>The box needs a script; the reference below does not.</p></noscript>
</section>
`;

function entryMain({ code }: ReferenceEntry): string {
  const whole = referenceHtml().split("\n");
  const own = whole.find((entry) => entry.includes(`id="${code}"`)) ?? "";
  const open = own.replace("<details ", "<details open ");
  return `<section aria-labelledby="${code}-h"><div class="head"><h2 id="${code}-h">${code}</h2>
<p class="tools"><a href="index.html">Explain something else</a></p></div>
${open}
</section>
`;
}

interface Parts {
  readonly title: string;
  readonly description: string;
  readonly main: string;
  readonly script: string;
}

function page({ title, description, main, script }: Parts): string {
  const style = `${STYLE}${BOX_STYLE}`;
  const policy = [
    "default-src 'none'",
    script === "" ? "script-src 'none'" : `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="${escaped(description)}">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top"><h1><span>good-gateway</span></h1></header>
<main id="main" tabindex="-1">
${main}</main>
<footer><p>Made by good-gateway reference. This page makes no requests.</p></footer>
${script === "" ? "" : `<script>${script}</script>\n`}</body>
</html>
`;
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
