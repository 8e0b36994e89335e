/**
 * The dashboard in a real browser: what a person sees while faults are provoked behind the gateway,
 * how they find out what a failure means, and that the page is made for keyboard, screen reader,
 * phone, dark and light.
 *
 * UPDATE_DOCS=1 writes the pictures of docs/dashboard.md.
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { FAILURES } from "good-gateway";
import type { Page } from "playwright-core";
import { expect, it, vi } from "vitest";
import {
  announcements,
  BROWSER_MS,
  dashboardWorld,
  many,
  openReference,
  seen,
  until,
} from "./tools/dashboard-world.js";
import { describeWith } from "./tools/programs.js";
import { longOpenShop } from "./tools/quarter-of-an-hour.js";
import type { Upstreams } from "./tools/shop.js";

const { PICTURE } = process.env;
vi.setConfig({ testTimeout: BROWSER_MS, hookTimeout: BROWSER_MS });

describeWith(["chromium"], "the dashboard in a browser", () => {
  const { world, visit } = dashboardWorld();

  it("follows faults as they come and go, and says whose fault they are", async () => {
    const { page, shop, wrongs } = await visit();
    const said = await announcements(page);
    await seen(page, "#verdict", "Nothing is wrong.");
    await many(shop, "orders", 4);
    await seen(page, "#verdict", "All is well.");
    expect(await rowOf(page, "search")).toContain("healthy");

    await shop.services.search.goAway();
    await many(shop, "search", 6);
    await seen(page, "#verdict", "connection_refused");
    await seen(page, row("search"), "down");
    // What the breaker refuses follows from it, and is told as that.
    await many(shop, "search", 12);
    await until(async () => /1[0-9] calls were refused/.test(await headline(page)));
    expect(await headline(page)).toMatch(/most by connection_refused \(1\d\); at fault: upstream/);
    expect(await headline(page)).not.toContain("breaker_open");
    // What has come to be is said to screen readers, too, once.
    await until(
      async () => (await said()).filter((text) => /search is down/.test(text)).length === 1,
    );
    expect(await page.locator("#verdict").textContent()).toContain("at fault: upstream");
    await until(async () => (await first(page)).includes("search"));

    await page.getByRole("button", { name: "search", exact: true }).click();
    const detail = page.getByRole("group", { name: "search" });
    const names = detail.getByRole("table", { name: "Failures" }).getByRole("rowheader");
    expect(await names.allTextContents()).toEqual(["connection_refused", "breaker_open follows"]);
    expect(await detail.locator(".axis.y span").allTextContents()).toEqual(
      expect.arrayContaining(["0"]),
    );
    const when = ["15 min ago", "10", "5", "now"];
    expect(await detail.locator(".axis.x span").allTextContents()).toEqual([...when, ...when]);
    await seen(page, '[aria-label="search"]', shop.services.search.url);
    expect(await detail.getByRole("table", { name: "Targets of search" }).textContent()).toContain(
      "open",
    );
    expect(await detail.getByRole("img", { name: /^Breaker over 15 minutes/ }).count()).toBe(1);
    expect(await page.locator("#changes-body").textContent()).toContain("closed → open");

    await shop.services.search.comeBack();
    await until(async () => {
      await shop.call("search");
      return (await rowOf(page, "search")).includes("healthy");
    });
    expect(wrongs).toEqual([]);
  });

  it("shows the one route that fails at an upstream that is well otherwise", async () => {
    const { page, shop, wrongs } = await visit({}, "#upstream=payments");
    shop.services.payments.manner = "one_route";
    await until(async () => {
      await shop.call("payments", "/boom/17");
      await shop.call("payments", "/charges");
      return (await shop.gateway.diagnose("payments")).findings.some(({ title }) =>
        title.includes("answers all else"),
      );
    });
    const detail = page.getByRole("group", { name: "payments" });
    const routes = detail.getByRole("table", { name: "Routes under suspicion" });
    await until(async () => (await routes.textContent())?.includes("GET /payments/boom/:id"));
    expect(await routes.textContent()).toContain(shop.services.payments.url);
    const targets = detail.getByRole("table", { name: "Targets of payments" });
    await until(async () => (await targets.textContent())?.includes("route failing"));
    expect(await detail.textContent()).toContain("of an upstream that answers all else");
    if (PICTURE !== undefined) await page.screenshot({ path: PICTURE, fullPage: true });
    expect(wrongs).toEqual([]);
  });

  it("opens a failure with its attempts, and the reference from it", async () => {
    const { page, shop, wrongs } = await visit();
    shop.services.payments.manner = "hangs_up";
    await shop.call("payments", "/charges?card=4111", "POST");
    const failure = page.locator(".fail").first();
    await failure.locator("summary").click();
    await seen(page, ".fail .why", "What to do");
    const text = (await failure.textContent()) ?? "";
    for (const word of [
      "POST /payments/charges",
      FAILURES.connection_terminated.summary,
      FAILURES.connection_terminated.causes[0],
      FAILURES.connection_terminated.remedies[0],
      "method_not_idempotent",
      "its method is not idempotent",
      shop.services.payments.url,
    ]) {
      expect(text).toContain(word);
    }
    expect(text).not.toContain("4111");
    expect(await failure.getByRole("table", { name: "Attempts" }).locator("tbody tr").count()).toBe(
      1,
    );

    await failure.getByRole("link", { name: "Everything about connection_terminated" }).click();
    expect(page.url()).toMatch(/#connection_terminated$/);
    const entry = page.locator("#connection_terminated");
    expect(await entry.evaluate((node) => (node as unknown as { open: boolean }).open)).toBe(true);
    expect(await focused(page)).toContain("connection_terminated");
    expect(await entry.textContent()).toContain("HAProxy");
    expect(wrongs).toEqual([]);
  });

  it("shows calls that a repeat made good when asked, and hides them again", async () => {
    const { page, shop } = await visit();
    await shop.services.orders2.goAway();
    await many(shop, "orders", 8);
    await until(async () => !(await page.locator("#tiles").textContent())?.includes("repeats0"));
    expect(await page.locator(".fail").count()).toBe(0);
    await page.getByLabel("made good by a repeat, too").check();
    expect(await page.locator(".fail").first().textContent()).toContain("200, made good");
    await page.getByLabel("Upstream", { exact: true }).selectOption("search");
    expect(await page.locator(".fail").count()).toBe(0);
  });

  it("finds failures by any word: a status, a code of Node, a line of nginx", async () => {
    const { page } = await visit();
    const shown = () => page.locator(".entry:visible");
    const all = Object.keys(FAILURES).length;
    expect(await shown().count()).toBe(all);
    const search = page.getByRole("searchbox", { name: "Search" });
    await search.fill("connection refused nginx");
    expect(await shown().evaluateAll((found) => found.map(({ id }) => id))).toContain(
      "connection_refused",
    );
    expect(await shown().count()).toBeLessThan(all / 2);
    await search.fill("ECONNREFUSED");
    expect(await shown().count()).toBeGreaterThan(0);
    await search.fill("connect() failed (111");
    expect(await shown().evaluateAll((found) => found.map(({ id }) => id))).toEqual([
      "connection_refused",
    ]);
    expect(await page.locator("#found").textContent()).toBe(`1 of ${all}`);
    await search.fill("no such words anywhere");
    expect(await shown().count()).toBe(0);
    expect(await page.locator("#entries-none").isVisible()).toBe(true);
    // A link to one that the search hides shows it all the same.
    await page.evaluate(() => {
      (globalThis as unknown as { location: { hash: string } }).location.hash = "#dns_timeout";
    });
    await until(() => page.locator("#dns_timeout .body").isVisible());
  });

  it("has links that lead into it from outside: to an error, and to an upstream", async () => {
    const { page } = await visit({}, "#breaker_open");
    await until(() => page.locator("#breaker_open .body").isVisible());
    const other = await visit({}, "#upstream=payments");
    await until(() => other.page.getByRole("group", { name: "payments" }).isVisible());
  });

  it("writes what a request brought along as text, and asks nobody else for anything", async () => {
    const { page, shop, wrongs } = await visit();
    shop.services.payments.manner = "fails";
    const path = "/<img/src=x/onerror=document.title='owned'>";
    await shop.gateway.upstream("payments").send({ path });
    await page.locator(".fail summary").first().click();
    expect(await page.locator(".fail img").count()).toBe(0);
    expect(await page.locator(".fail .what").first().textContent()).toContain("<img/src=x");
    expect(await page.title()).toBe("shop · gateway");
    expect(wrongs).toEqual([]);
  });

  it("is used by keyboard, keeps the focus while it lives, and can be held still", async () => {
    const { page, shop } = await visit();
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("Skip to the content");
    await page.getByRole("button", { name: "orders" }).focus();
    await page.keyboard.press("Enter");
    const orders = page.getByRole("button", { name: "orders" });
    expect(await orders.getAttribute("aria-expanded")).toBe("true");
    await many(shop, "orders", 3);
    await until(async () => (await page.locator("#verdict").textContent())?.includes("3 calls"));
    expect(await focused(page)).toBe("orders");

    await page.getByRole("button", { name: "Pause" }).click();
    const before = await page.locator("#main").textContent();
    await many(shop, "orders", 3);
    await page.waitForTimeout(1_500);
    expect(await page.locator("#main").textContent()).toBe(before);
    await page.getByRole("button", { name: "Pause" }).click();
    await seen(page, "#verdict", "6 calls");
  });

  it("says that the gateway is draining when its stream ends", async () => {
    const { page, shop } = await visit();
    void shop.gateway.drain();
    await seen(page, "#link", "the gateway is draining");
  });

  it.each(["dark", "light"] as const)(
    "has text to read in %s: contrast 4.5 and more",
    async (scheme) => {
      const { page, shop } = await visit({ colorScheme: scheme });
      await shop.services.search.goAway();
      await many(shop, "search", 6);
      await seen(page, row("search"), "down");
      await page.getByRole("button", { name: "search", exact: true }).click();
      await page.locator(".fail summary").first().click();
      expect(await tooFaint(page)).toEqual([]);
    },
  );

  it.each([
    ["dark", { width: 1_280, height: 900 }],
    ["light", { width: 1_280, height: 900 }],
    ["dark", { width: 360, height: 740 }],
    ["light", { width: 360, height: 740 }],
  ] as const)("keeps every rule of axe-core in %s, %o", async (colorScheme, viewport) => {
    const { page, shop, wrongs } = await visit({ colorScheme, viewport, bypassCSP: true });
    await shop.services.search.goAway();
    await many(shop, "search", 6);
    await seen(page, row("search"), "down");
    await page.getByRole("button", { name: "search", exact: true }).click();
    await page.locator(".fail summary").first().click();
    await openReference(page);
    await page.locator("#connection_refused summary").click();
    await page.addScriptTag({ path: createRequire(import.meta.url).resolve("axe-core") });
    const violations = await page.evaluate(
      `axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) =>
        [impact, id, ...nodes.map(({ html }) => html)].join(" ")))`,
    );
    expect(violations).toEqual([]);
    expect(wrongs).toEqual([]);
  });

  it("fits on a phone of 360 pixels, with a name for every control and landmarks", async () => {
    const { page, shop } = await visit({ viewport: { width: 360, height: 740 } });
    await shop.services.search.goAway();
    await many(shop, "search", 6);
    await seen(page, row("search"), "down");
    await page.getByRole("button", { name: "search", exact: true }).click();
    // One with an attempt, whose table is wider than the page.
    const asked = page.locator(".fail", { hasText: "connection_refused" });
    await asked.first().locator("summary").click();
    await seen(page, ".fail[open]", "Outcome");
    await openReference(page);
    await page.locator("#connection_refused summary").click();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360);
    for (const role of ["banner", "main", "navigation", "contentinfo"] as const) {
      expect(await page.getByRole(role).count(), role).toBe(1);
    }
    for (const name of [
      "Upstreams",
      "Latest failures",
      "Incidents and changes",
      "Error reference",
    ]) {
      expect(await page.getByRole("region", { name }).count(), name).toBe(1);
    }
    // A table stays a table where it is laid out as cards.
    const table = page.getByRole("table", { name: "Upstreams" });
    expect(await table.getByRole("rowheader", { name: "search" }).count()).toBe(1);
    const nameless = await page
      .locator("button, input, select, meter, svg[role=img], a")
      .evaluateAll((found) =>
        found
          .filter(
            (node) =>
              (node.getAttribute("aria-label") ?? node.textContent ?? "").trim() === "" &&
              !(node as unknown as { labels?: { length: number } }).labels?.length,
          )
          .map((node) => node.outerHTML),
      );
    expect(nameless).toEqual([]);
  });

  it.runIf(process.env["UPDATE_DOCS"] === "1")("has its pictures taken", async () => {
    world.shop = await longOpenShop();
    const picture = (name: string) =>
      fileURLToPath(new URL(`../../docs/dashboard-${name}.png`, import.meta.url));
    const sizes = { width: 1200, height: 860 };
    const { page: dark } = await visit({ colorScheme: "dark", viewport: sizes });
    await dark.screenshot({ path: picture("dark") });
    await dark.getByRole("button", { name: "search", exact: true }).click();
    await dark.evaluate("scrollTo(0, document.querySelector('#upstreams').offsetTop - 70)");
    await dark.screenshot({ path: picture("upstream") });
    const { page: light } = await visit({ colorScheme: "light", viewport: sizes });
    await light.locator(".fail summary").first().click();
    await light.evaluate("scrollTo(0, document.querySelector('#failures').offsetTop - 70)");
    await light.screenshot({ path: picture("light") });
    const { page: phone } = await visit({
      colorScheme: "dark",
      viewport: { width: 360, height: 740 },
    });
    await phone.screenshot({ path: picture("phone") });
  });
});

const row = (name: Upstreams) => `#ups-body tr:has(th button:text-is("${name}"))`;
const rowOf = async (page: Page, name: Upstreams) =>
  (await page.locator(row(name)).first().textContent()) ?? "";
const first = async (page: Page) =>
  (await page.locator("#ups-body tr:not(.detail) th").first().textContent()) ?? "";
const headline = async (page: Page) =>
  (await page.locator("#verdict p").first().textContent()) ?? "";
const focused = (page: Page) => page.evaluate("document.activeElement.textContent");

/** Texts with less contrast to what is behind them than WCAG 2.2 AA asks of small text. */
function tooFaint(page: Page): Promise<unknown> {
  return page.evaluate(`(() => {
    const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
      .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (node) => {
      for (let at = node; at; at = at.parentElement) {
        const color = numbers(getComputedStyle(at).backgroundColor);
        if (color.length === 3 || color[3] > 0.5) return color;
      }
      return [255, 255, 255];
    };
    const found = new Set();
    for (const node of document.querySelectorAll("body *")) {
      const own = [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
      if (!own || !node.checkVisibility()) continue;
      const [a, b] = [light(numbers(getComputedStyle(node).color)), light(behind(node))];
      const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      const name = node.tagName + "." + node.className;
      if (contrast < 4.5) found.add(name + " " + contrast.toFixed(2));
    }
    return [...found];
  })()`);
}
