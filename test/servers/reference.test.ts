/**
 * The static reference in a real browser: the box explains what is pasted, links open entries, what
 * is pasted is never HTML, and nothing is asked of anybody.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { FAILURES } from "good-gateway";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { launch, openPage } from "./tools/browser.js";
import { describeWith } from "./tools/programs.js";

/** A browser on a busy machine; a limit against hanging, not a measure of speed. */
const BROWSER_MS = 90_000;
vi.setConfig({ testTimeout: BROWSER_MS, hookTimeout: BROWSER_MS });

const run = promisify(execFile);
const FAILURE_CODES = Object.keys(FAILURES);

function program(): string {
  const manifest = createRequire(`${process.cwd()}/`).resolve("good-gateway/package.json");
  const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { bin: Record<string, string> };
  return join(dirname(manifest), bin["good-gateway"] ?? "");
}

describeWith(["chromium"], "the static reference in a browser", () => {
  const folder = mkdtempSync(join(tmpdir(), "reference-"));
  const world: { browser: Browser | null; server: Server | null; url: string } = {
    ...{ browser: null, server: null, url: "" },
  };

  beforeAll(async () => {
    await run(process.execPath, [program(), "reference", "--out", join(folder, "site")]);
    const server = createServer(({ url = "/" }, response) => {
      const name = basename(new URL(url, "http://x").pathname) || "index.html";
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(readFileSync(join(folder, "site", name)));
    });
    await new Promise<void>((ready) => {
      server.listen(0, "127.0.0.1", () => ready());
    });
    world.server = server;
    world.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    world.browser = await launch();
  });
  afterAll(async () => {
    await world.browser?.close();
    world.server?.close();
    rmSync(folder, { recursive: true });
  });

  it("has a page for each failure, and one for all", () => {
    const names = readdirSync(join(folder, "site"));
    expect(names).toHaveLength(FAILURE_CODES.length + 1);
    for (const code of FAILURE_CODES) expect(names).toContain(`${code}.html`);
  });

  it("explains what is pasted, and opens what it names", async () => {
    const { page, wrongs } = await openPage(world.browser as Browser, `${world.url}index.html`);
    await page.fill("#given", "connect() failed (111: Connection refused) while connecting");
    await page.click("#ask button");
    await page.waitForSelector('#answer a[href="#connection_refused"]');
    await page.click('#answer a[href="#connection_refused"]');
    await page.waitForSelector("#connection_refused[open]");
    await page.fill("#given", "nothing that anybody has ever said");
    await page.waitForSelector("#answer .empty");
    await page.fill("#q", "certificate has expired");
    expect(await page.locator(".entry:not([hidden])").count()).toBeLessThan(FAILURE_CODES.length);
    expect(wrongs).toEqual([]);
  });

  it("takes what is pasted for text", async () => {
    const { page, wrongs } = await openPage(world.browser as Browser, `${world.url}index.html`);
    const hostile = '<img src="http://192.0.2.1/x" onerror="document.title=1"> Error 521 </script>';
    await page.fill("#given", hostile);
    await page.waitForSelector("#answer article, #answer p");
    expect(await page.locator("#answer img").count()).toBe(0);
    expect(await page.title()).toMatch(/Error reference/);
    expect(wrongs).toEqual([]);
  });

  it("is read from a file, too", async () => {
    const file = `file://${join(folder, "site", "index.html")}`;
    const page = await (world.browser as Browser).newPage();
    const asked: string[] = [];
    page.on("request", (request) => void asked.push(request.url()));
    await page.goto(`${file}#dns_error`);
    await page.waitForSelector("#dns_error[open]");
    await page.fill("#given", "502");
    await page.waitForSelector("#answer article");
    expect(asked.filter((url) => !url.startsWith("file:") && !url.startsWith("data:"))).toEqual([]);
    await page.close();
  });

  it("leaves pages of others alone", async () => {
    const other = mkdtempSync(join(folder, "other-"));
    writeFileSync(join(other, "index.html"), "mine");
    const failed = run(process.execPath, [program(), "reference", "--out", other]);
    await expect(failed).rejects.toMatchObject({ code: 2 });
    expect(readFileSync(join(other, "index.html"), "utf8")).toBe("mine");
    expect(readdirSync(other)).toEqual(["index.html"]);
  });
});
