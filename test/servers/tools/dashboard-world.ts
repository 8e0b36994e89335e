/**
 * A browser, a shop behind a gateway, and the dashboard of that gateway, for the tests that look at
 * the page; each test begins with a shop of its own.
 */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import { launch, openPage, type Watched } from "./browser.js";
import { openShop, type Shop, type Upstreams } from "./shop.js";

/** A browser on a busy machine; a limit against hanging, not a measure of speed. */
export const BROWSER_MS = 90_000;

/** To be called once, inside `describe`. */
export function dashboardWorld() {
  const world: { browser: Browser | null; shop: Shop | null } = { browser: null, shop: null };

  beforeAll(async () => {
    world.browser = await launch();
  });
  afterAll(() => world.browser?.close());
  afterEach(async () => {
    for (const context of world.browser?.contexts() ?? []) await context.close();
    await world.shop?.close();
    world.shop = null;
  });

  const visit = async (
    options: Parameters<typeof openPage>[2] = {},
    hash = "",
  ): Promise<Watched & { readonly shop: Shop }> => {
    const shop = world.shop ?? (await openShop());
    world.shop = shop;
    const opened = await openPage(world.browser as Browser, `${shop.admin.url}/${hash}`, options);
    await seen(opened.page, "#link", "live");
    return { ...opened, shop };
  };
  return { world, visit };
}

export async function many(shop: Shop, upstream: Upstreams, calls: number): Promise<void> {
  for (let call = 0; call < calls; call += 1) await shop.call(upstream);
}

/** The reference is folded on a phone. */
export async function openReference(page: Page): Promise<void> {
  const fold = page.locator("#fold > summary");
  if (await fold.isVisible()) await fold.click();
}

/** Waits until an element says this. */
export async function seen(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor({ state: "attached" });
}

/** What the page says to screen readers from now on, the oldest first: each replaces the last. */
export async function announcements(page: Page): Promise<() => Promise<readonly string[]>> {
  // As text: it runs in the page, whose types are not those of Node.
  const said = await page.evaluateHandle<string[]>(`(() => {
    const region = document.querySelector("#say");
    const texts = [];
    new MutationObserver(() => texts.push(region.textContent))
      .observe(region, { childList: true, subtree: true });
    return texts;
  })()`);
  return () => said.jsonValue();
}

export async function until(found: () => Promise<boolean | undefined>): Promise<void> {
  while (!(await found())) await new Promise((resolve) => setTimeout(resolve, 100));
}
