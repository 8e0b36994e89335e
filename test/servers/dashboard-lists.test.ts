/**
 * The lists of the dashboard in a real browser: equal failures are told once and can be chosen by
 * what they are, commands can be copied, a list that is cut says so, and a phone shows the whole.
 */
import { execFileSync } from "node:child_process";
import { createGateway, startAdmin } from "good-gateway";
import { dashboard } from "good-gateway/dashboard";
import type { Browser } from "playwright-core";
import { expect, it, vi } from "vitest";
import { openPage } from "./tools/browser.js";
import { BROWSER_MS, dashboardWorld, many, seen, until } from "./tools/dashboard-world.js";
import { describeWith } from "./tools/programs.js";

vi.setConfig({ testTimeout: BROWSER_MS, hookTimeout: BROWSER_MS });

/** Nothing listens on it. */
const DEAD = "http://127.0.1.1:9";

describeWith(["chromium"], "the lists of the dashboard in a browser", () => {
  const { world, visit } = dashboardWorld();

  it("tells equal failures once, and finds them by failure, blame and target", async () => {
    const { page, shop, wrongs } = await visit();
    shop.services.payments.manner = "fails";
    for (let id = 1; id <= 7; id += 1) await shop.call("payments", `/charges/${id}`);
    await shop.services.search.goAway();
    await many(shop, "search", 1);
    const failures = page.locator(".fail");
    await until(async () => (await failures.count()) >= 2);
    const charges = failures.filter({ hasText: "received_server_error" }).first();
    expect(await charges.textContent()).toMatch(/[2-7] times since \d/);
    await charges.locator("summary").click();
    await seen(page, ".fail[open]", "/payments/charges/1");
    // What is open stays until it is closed, whatever is chosen.
    await charges.locator("summary").click();
    const refused = failures.filter({ hasText: "breaker_open" }).first();
    await refused.locator("summary").click();
    await seen(page, ".fail[open] .why", "It follows from received_server_error.");
    await refused.locator("summary").click();

    const chosen = async (label: string, value: string): Promise<readonly string[]> => {
      const control = page.getByLabel(label, { exact: true });
      await control.selectOption(value);
      const found = await failures.locator(".what").allTextContents();
      await control.selectOption("");
      return found.map((text) => text.split(":")[0] as string);
    };
    expect(new Set(await chosen("Failure", "connection_refused"))).toEqual(new Set(["search"]));
    expect(new Set(await chosen("Target", shop.services.search.url))).toEqual(new Set(["search"]));
    expect(new Set(await chosen("Target", shop.services.payments.url))).toEqual(
      new Set(["payments"]),
    );
    expect(new Set(await chosen("At fault", "upstream"))).toEqual(new Set(["payments", "search"]));
    expect(wrongs).toEqual([]);
  });

  it("copies commands with the real target, quoted for a shell", async () => {
    const permissions = ["clipboard-read", "clipboard-write"];
    const { page, shop, wrongs } = await visit({ permissions });
    await shop.services.search.goAway();
    await shop.gateway.upstream("search").send({ path: "/it's/$(reboot)" });
    await page.locator(".fail summary").first().click();
    const button = page.getByRole("button", { name: /^Copy good-gateway doctor/ }).last();
    await button.click();
    await seen(page, ".copy", "Copied");
    const command = `good-gateway doctor '${shop.services.search.url}/it'\\''s/$(reboot)'`;
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(command);
    const words = execFileSync("sh", ["-c", `printf '%s\\n' ${command}`], { encoding: "utf8" });
    expect(words.split("\n")[2]).toBe(`${shop.services.search.url}/it's/$(reboot)`);
    // The same in what the catalog advises.
    const advice = page.locator(".fail[open] .cmd code", { hasText: "ss -ltnp" });
    expect(await advice.count()).toBe(1);
    expect(wrongs).toEqual([]);
  });

  it("says of every list that is cut how much is not shown", async () => {
    const names = Array.from({ length: 6 }, (_, n) => `u${n}`);
    const upstreams = Object.fromEntries(names.map((name) => [name, { targets: DEAD }]));
    const gateway = createGateway({ onWarning: () => {}, defaults: { retry: false }, upstreams });
    const page = dashboard(gateway);
    const admin = await startAdmin(gateway, { port: 0, handlers: [page] });
    const { page: shown } = await openPage(world.browser as Browser, `${admin.url}/`);
    for (const name of names) {
      for (const path of ["/a", "/b", "/c", "/d"]) await gateway.upstream(name).send({ path });
    }
    await until(async () => (await shown.locator("#verdict li").count()) === 5);
    expect(await shown.locator("#verdict li").last().textContent()).toBe("and 2 more");
    const rest = shown.locator("#more");
    await until(async () => /^and \d+ more$/.test((await rest.textContent()) ?? ""));
    const left = Number(/\d+/.exec((await rest.textContent()) ?? "")?.[0]);
    const before = await shown.locator(".fail").count();
    await rest.click();
    expect(await shown.locator(".fail").count()).toBe(before + left);
    page.close();
    await admin.close();
    gateway.close();
  });

  it("folds the reference on a phone until it is asked for", async () => {
    const viewport = { width: 360, height: 740 };
    const { page } = await visit({ viewport });
    const entry = page.locator("#connection_refused");
    expect(await entry.isVisible()).toBe(false);
    const screens = await page.evaluate("document.documentElement.scrollHeight / innerHeight");
    expect(screens).toBeLessThan(6);
    await page.getByRole("searchbox", { name: "Search" }).fill("ECONNREFUSED");
    expect(await entry.isVisible()).toBe(true);
    const linked = await visit({ viewport }, "#connection_refused");
    await until(() => linked.page.locator("#connection_refused .body").isVisible());
  });
});
