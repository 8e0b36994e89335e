/**
 * Debian's Chromium, driven by playwright-core, and a page that notes what must not happen: errors
 * of its script, what its policy blocked, and requests to another host.
 */
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { programPath } from "./programs.js";

const QUIET = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/** A limit against hanging: what a page shows comes within a second or two. */
const WAIT_MS = 15_000;

export function launch(): Promise<Browser> {
  const executablePath = programPath("chromium");
  if (executablePath === null) throw new Error("chromium is not installed");
  return chromium.launch({ executablePath, args: QUIET });
}

export interface Watched {
  readonly page: Page;
  /** Errors, violations and requests elsewhere, as they came. */
  readonly wrongs: readonly string[];
}

/** A page at this address; `wrongs` fills while it is open. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const wrongs: string[] = [];
  const { origin } = new URL(url);
  page.on("pageerror", (error) => void wrongs.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") wrongs.push(message.text());
  });
  page.on("request", (request) => {
    const to = request.url();
    if (!to.startsWith(origin) && !to.startsWith("data:")) wrongs.push(`asked for ${to}`);
  });
  await page.goto(url);
  return { page, wrongs };
}
