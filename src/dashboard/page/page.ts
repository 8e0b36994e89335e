/**
 * The page: one HTML document with its style, its script and the whole error reference inside.
 *
 * Guarantee: it asks only the handler that served it, and its Content-Security-Policy allows
 * no other script than this one, by its hash. Without the script the reference can still be read.
 * Nothing of a gateway is in it; all that is live comes by the stream, and is written as text.
 */
import { createHash } from "node:crypto";
import { MARKUP } from "./markup.js";
import { referenceHtml } from "./reference-html.js";
import { SCRIPT } from "./script.js";
import { STYLE } from "./style.js";

let made: string | null = null;

/** The document; made once, since it is the same for every gateway. */
export function pageHtml(): string {
  made ??= MARKUP.replace("/*STYLE*/", () => STYLE)
    .replace("/*SCRIPT*/", () => SCRIPT)
    .replace("<!--REFERENCE-->", () => referenceHtml());
  return made;
}

/** The fields that go with it. */
export function pageFields(): readonly string[] {
  return [
    ...["content-type", "text/html; charset=utf-8", "cache-control", "no-cache, no-transform"],
    ...["content-security-policy", policy(), "x-content-type-options", "nosniff"],
    ...["referrer-policy", "no-referrer", "x-frame-options", "DENY"],
    ...["cross-origin-opener-policy", "same-origin"],
    ...["cross-origin-resource-policy", "same-origin"],
  ];
}

function policy(): string {
  return [
    "default-src 'none'",
    `script-src '${hashOf(SCRIPT)}'`,
    `style-src '${hashOf(STYLE)}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
