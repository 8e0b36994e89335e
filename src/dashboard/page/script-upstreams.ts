/**
 * The overview, and the table of upstreams: a row each, kept and changed in place, those in trouble
 * first.
 */
export const UPSTREAMS = String.raw`
const TONES = { healthy: "good", degraded: "warn", panic: "warn", down: "bad" };
const SEVERITY = { down: 0, panic: 1, degraded: 2, healthy: 3 };
const rows = new Map();
const open = { name: null };
const said = new Map();

const makeRow = (name) => {
  const button = h("button", { type: "button", class: "up", "aria-expanded": "false" }, name);
  const cells = Array.from({ length: 9 }, (_, i) =>
    h("td", { role: "cell", class: i >= 1 && i <= 7 ? "n" : null,
      "data-label": ["State", "Calls/s", "Failed", "p50", "p95", "p99", "In flight", "Targets well",
        "15 minutes"][i] }));
  const stateText = h("span", { class: "state" });
  cells[0].append(stateText);
  const row = h("tr", { role: "row" }, h("th", { role: "rowheader", scope: "row" }, button),
    cells);
  const detail = h("td", { role: "cell", colspan: "10" });
  const below = h("tr", { role: "row", class: "detail", hidden: "" }, detail);
  const parts = detailParts();
  detail.append(h("div", { class: "panel", role: "group", "aria-label": name }, parts));
  button.addEventListener("click", () => {
    choose(open.name === name ? null : name);
    history.replaceState(null, "", open.name === null ? "#upstreams"
      : "#upstream=" + encodeURIComponent(name));
  });
  return { row, below, button, cells, stateText, parts };
};
const choose = (name) => {
  open.name = name;
  renderUpstreams();
};

const renderRow = (name) => {
  const up = state.ups.get(name);
  if (!up) return;
  const { row, below, button, cells, stateText, parts } = rows.get(name);
  const { now } = trafficOf(name);
  const failed = sum(now.failures);
  const seconds = (state.nowSlots * state.slotMs) / 1000;
  const well = up.targets.filter((target) => target.standing === "well").length;
  setText(stateText, up.state + (up.required ? " (required)" : ""));
  setTone(stateText, TONES[up.state]);
  setText(cells[1], rate(now.calls / seconds));
  setText(cells[2], failed === 0 ? "0" : failed + " (" + share(failed, now.calls) + ")");
  cells[2].classList.toggle("hot", failed > 0);
  setText(cells[3], ms(now.p50));
  setText(cells[4], ms(now.p95));
  setText(cells[5], ms(now.p99));
  setText(cells[6], String(pendingOf(up)));
  setText(cells[7], well + " of " + up.targets.length);
  const slots = slotsOf(name);
  const all = slots.reduce((total, slot) => total + (slot ? slot.calls : 0), 0);
  fill(cells[8], state.slot + " " + all, () => [barChart(slots, 20, PER_SMALL_BAR,
    plural(all, "call", "calls") + " in 15 minutes")]);
  const isOpen = open.name === name;
  if (button.getAttribute("aria-expanded") !== String(isOpen)) {
    button.setAttribute("aria-expanded", String(isOpen));
    below.hidden = !isOpen;
    row.classList.toggle("on", isOpen);
  }
  if (isOpen) renderDetail(up, parts);
};

const troubled = (name) => {
  const up = state.ups.get(name);
  const failing = sum(trafficOf(name).now.failures) > 0 || (up.verdict && !up.verdict.well);
  return SEVERITY[up.state] * 2 + (failing ? 0 : 1);
};
const renderUpstreams = () => {
  const body = byId("ups-body");
  const names = state.names.filter((name) => state.ups.has(name));
  for (const [name, { row, below }] of rows) {
    if (names.includes(name)) continue;
    row.remove();
    below.remove();
    rows.delete(name);
  }
  for (const name of names) if (!rows.has(name)) rows.set(name, makeRow(name));
  const wanted = [...names].sort((a, b) => troubled(a) - troubled(b) || (a < b ? -1 : 1));
  const order = wanted.join("\n");
  // A row that is in use stays where it is; the order follows when no place would be lost.
  if (body.order !== order && !body.contains(document.activeElement)) {
    body.order = order;
    body.append(...wanted.flatMap((name) => [rows.get(name).row, rows.get(name).below]));
  } else {
    for (const name of wanted) {
      const { row, below } = rows.get(name);
      if (!row.isConnected) body.append(row, below);
    }
  }
  for (const name of names) renderRow(name);
  byId("ups-none").hidden = names.length > 0;
  byId("ups").hidden = names.length === 0;
  byId("ups-more").hidden = state.leftOut === 0;
  setText(byId("ups-more"), "and " + state.leftOut + " more");
};

const tiles = new Map();
const tile = (name, value, tone) => {
  if (!tiles.has(name)) {
    const dd = h("dd", {});
    const box = h("div", { class: "tile" }, h("dt", {}, name), dd);
    byId("tiles").append(box);
    tiles.set(name, { box, dd });
  }
  const { box, dd } = tiles.get(name);
  setText(dd, value);
  setTone(box, tone);
};
const LIFE = { running: "good", lame_duck: "warn", draining: "warn", closed: "bad" };

const renderOverview = () => {
  const { snapshot } = state;
  const ups = state.names.map((name) => state.ups.get(name)).filter(Boolean);
  setText(byId("name"), snapshot.name);
  document.title = snapshot.name + " · gateway";
  const { lifecycle, health } = snapshot;
  setText(byId("life"), lifecycle.maintenance ? "maintenance" : spoken(lifecycle.state));
  setTone(byId("life"), lifecycle.maintenance ? "warn" : LIFE[lifecycle.state]);
  const reasons = health.reasons.map((one) => typeof one === "string" ? spoken(one)
    : Object.values(one).filter((part) => typeof part === "string").map(spoken).join(" "));
  setText(byId("ready"), health.ready ? "ready" : "not ready"
    + (reasons.length > 0 ? ": " + reasons.join(", ") : ""));
  setTone(byId("ready"), health.ready ? "good" : "bad");

  const total = { calls: 0, failed: 0, recovered: 0, refused: 0, roots: {} };
  for (const name of state.names) {
    const { now } = trafficOf(name);
    total.calls += now.calls;
    total.recovered += now.recovered;
    for (const code in now.failures) {
      const root = isRefusal(code) ? rootOf(name) : code;
      const count = now.failures[code];
      total.failed += count;
      if (root !== code) total.refused += count;
      total.roots[root || code] = (total.roots[root || code] || 0) + count;
    }
  }
  const well = ups.filter((up) => up.state === "healthy").length;
  const seconds = (state.nowSlots * state.slotMs) / 1000;
  tile("Calls per second", rate(total.calls / seconds), "idle");
  tile("Failed, last minute", total.failed + (total.calls > 0
    ? " (" + share(total.failed, total.calls) + ")" : ""), total.failed > 0 ? "bad" : "good");
  tile("Made good by repeats", String(total.recovered), "idle");
  tile("In flight", String(lifecycle.active), "idle");
  tile("Upstreams healthy", well + " of " + ups.length, well === ups.length ? "good" : "bad");
  renderVerdict(ups, total);
  announce(ups);
};

const DOWN_SHOWN = 5;
const LINES_SHOWN = 4;
const renderVerdict = (ups, total) => {
  const warnings = state.snapshot.warnings || [];
  const down = ups.filter((up) => up.state === "down").map((up) => up.name);
  const [root] = mostFirst(total.roots);
  const key = JSON.stringify([state.snapshot.lifecycle.state, state.snapshot.lifecycle.maintenance,
    down, total,
    ups.map((up) => [up.state, up.verdict && up.verdict.title]), warnings.length]);
  const { lifecycle } = state.snapshot;
  const node = byId("verdict");
  const wrong = ups.filter((up) => up.verdict && !up.verdict.well)
    .sort((a, b) => troubled(a.name) - troubled(b.name));
  // Without a call nothing fails; that is no proof that it would not.
  const before = wrong.length > 0 || ups.some((up) => up.state !== "healthy");
  setTone(node, down.length > 0 || (total.failed > 0) ? "bad"
    : lifecycle.state === "running" && !lifecycle.maintenance && !before ? "good" : "warn");
  fill(node, key, () => {
    const text = [];
    if (lifecycle.state !== "running") {
      text.push("The gateway is " + spoken(lifecycle.state) + ". ");
    }
    if (lifecycle.maintenance) text.push("Maintenance: every call is answered with 503. ");
    if (down.length > 0) {
      text.push(plural(down.length, "upstream is", "upstreams are") + " down: "
        + down.slice(0, DOWN_SHOWN).join(", ")
        + (down.length > DOWN_SHOWN ? " and " + (down.length - DOWN_SHOWN) + " more" : "") + ". ");
    }
    if (total.failed > 0) {
      text.push(total.failed + " of " + plural(total.calls, "call", "calls")
        + " failed in the last minute, most by ", errorLink(root, "most"), " (",
        String(total.roots[root]), "); at fault: ", tag(blameOf(root)), ".");
      if (total.refused > 0) {
        text.push(" " + plural(total.refused, "call was", "calls were")
          + " refused because of failures before.");
      }
    } else if (text.length === 0) {
      const calls = total.calls === 0 ? "No call came in the last minute"
        : plural(total.calls, "call", "calls") + " in the last minute, and none failed";
      const well = total.calls === 0 ? "Nothing is wrong. " : "All is well. ";
      text.push(before ? calls + "; what failed before is not known to be over."
        : well + calls + ".");
    }
    const lines = cut(wrong, LINES_SHOWN, (up) => h("li", {}, h("b", {}, up.name), ": ",
      up.verdict.title, " ",
      h("span", { class: "dim" }, advice(up.verdict.next, troubledTarget(up)))));
    const warned = cut(warnings, LINES_SHOWN, ({ message }) =>
      h("li", {}, h("b", {}, "warning"), ": ", message));
    const all = lines.concat(warned);
    return [h("p", {}, text), all.length === 0 ? "" : h("ul", {}, all)];
  });
};

// Said to screen readers when an upstream changes, and never for figures alone.
const announce = (ups) => {
  const news = [];
  for (const up of ups) {
    if (said.has(up.name) && said.get(up.name) !== up.state) news.push(up.name + " is " + up.state);
    said.set(up.name, up.state);
  }
  if (news.length > 0) setText(byId("say"), news.slice(0, 5).join(", "));
};
`;
