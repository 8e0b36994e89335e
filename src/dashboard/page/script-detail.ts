/**
 * Part of the page's script: what opens below a row of the table, everything about one upstream:
 * verdict, charts, failures by name, limits, and targets.
 */
export const DETAIL = `
const EVIDENCE_SHOWN = 6;
const ROUTES_SHOWN = 20;
const troubledTarget = (up) => {
  const bad = up.targets.find((target) => STANDING_TONES[target.standing] !== "good");
  return (bad || up.targets[0] || { target: null }).target;
};

const verdictPart = (up) => {
  const { verdict } = up;
  if (!verdict || verdict.well) return [];
  return [h("div", { class: "verdict", "data-tone": "bad" },
    h("p", {}, h("b", {}, verdict.title), " ",
      verdict.blame ? tag(verdict.blame) : null,
      h("span", { class: "dim" }, " " + verdict.confidence)),
    verdict.evidence.length > 0 ? h("ul", {}, cut(verdict.evidence, EVIDENCE_SHOWN, (one) =>
      h("li", {}, localTimes(one)))) : null,
    h("p", {}, h("b", {}, "Next: "), advice(verdict.next, troubledTarget(up))),
    troubledTarget(up) ? doctorLine(troubledTarget(up)) : null)];
};

const failuresByName = (up) => {
  const all = {};
  for (const slot of slotsOf(up.name)) {
    if (slot === null) continue;
    for (const code in slot.failures) all[code] = (all[code] || 0) + slot.failures[code];
  }
  const { now } = trafficOf(up.name);
  const codes = mostFirst(all).sort((a, b) => isRefusal(a) - isRefusal(b));
  if (codes.length === 0) return h("p", { class: "dim" }, "None in fifteen minutes.");
  return scrolling("Failures", h("table", { class: "grid plain", "aria-label": "Failures" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Failure"),
      h("th", { scope: "col" }, "At fault"), h("th", { scope: "col", class: "n" }, "Last minute"),
      h("th", { scope: "col", class: "n" }, "15 min"))),
    h("tbody", {}, codes.map((code) => h("tr", {},
      h("th", { scope: "row" }, errorLink(code, "f " + code),
        isRefusal(code) && codes.length > 1 ? h("span", { class: "dim" }, " follows") : null),
      h("td", {}, tag(blameOf(code))),
      h("td", { class: "n" }, String(now.failures[code] || 0)),
      h("td", { class: "n" }, String(all[code])))))));
};

const BREAKER_TONES = { open: "bad", half_open: "warn", closed: "good", off: "idle" };
const STANDING_TONES = { well: "good", route_failing: "warn", refusing: "warn", on_trial: "warn",
  draining: "idle", disabled: "idle" };
const standingText = (target) => spoken(target.standing)
  + (target.reason ? ", " + spoken(target.reason) : "")
  + (target.share < 1 ? ", " + Math.round(100 * target.share) + " % of its weight" : "");
const breakerText = (target) => {
  const wait = target.breaker ? target.breaker.deniedForMs : 0;
  const is = target.breaker ? target.breaker.state : "off";
  return spoken(is) + (wait > 0 ? " for " + ms(wait) : "");
};
const targetRow = (up, target) => h("tr", {},
  h("th", { scope: "row", class: "addr" }, target.target),
  h("td", {}, h("span", { class: "state",
    "data-tone": STANDING_TONES[target.standing] || "bad" }, standingText(target))),
  h("td", {}, h("span", { class: "state",
    "data-tone": BREAKER_TONES[target.breaker ? target.breaker.state : "off"] },
    breakerText(target))),
  h("td", { class: "wide" }, target.breaker
    ? breakerStrip(up.name, target.target, target.breaker.state) : "–"),
  h("td", { class: "n" }, String(target.pending)),
  h("td", { class: "n" }, target.connections.open + " / " + target.connections.idle
    + " / " + target.connections.waiting));
const targetsTable = (up) => scrolling("Targets",
  h("table", { class: "grid plain", "aria-label": "Targets of " + up.name },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Target"),
      h("th", { scope: "col" }, "Health"), h("th", { scope: "col" }, "Breaker"),
      h("th", { scope: "col" }, "Breaker, 15 min"), h("th", { scope: "col", class: "n" },
        "In flight"), h("th", { scope: "col", class: "n" }, "Connections: open / idle / waiting"))),
    h("tbody", {}, up.targets.map((target) => targetRow(up, target)))));

const routesTable = (up) => {
  const rows = up.targets.flatMap((target) => (target.breaker ? target.breaker.routes : [])
    .map((one) => h("tr", {},
      h("th", { scope: "row", class: "addr" }, one.route),
      h("td", { class: "addr" }, target.target),
      h("td", {}, h("span", { class: "state",
        "data-tone": one.standing === "watched" ? "warn" : "bad" }, one.standing)),
      h("td", { class: "n" }, String(one.failuresInRow)),
      h("td", { class: "n" }, one.failed + " / " + one.passed))));
  if (rows.length === 0) return [];
  return [part("Routes under suspicion", scrolling("Routes under suspicion",
    h("table", { class: "grid plain", "aria-label": "Routes under suspicion" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Route"),
        h("th", { scope: "col" }, "Target"), h("th", { scope: "col" }, "Standing"),
        h("th", { scope: "col", class: "n" }, "In a row"),
        h("th", { scope: "col", class: "n" }, "Failed / answered well"))),
      h("tbody", {}, rows.slice(-ROUTES_SHOWN).reverse()))),
    h("ul", { class: "rest" }, more(rows.length - ROUTES_SHOWN)))];
};

const gauge = (name, value, max, text) => h("div", { class: "gauge" },
  h("span", { class: "name" }, name),
  h("meter", { min: 0, max: Math.max(1, max), value, "aria-label": name + ": " + text }),
  h("span", { class: "n" }, text));
const limits = (up) => {
  const found = [];
  const { bulkhead, adaptiveLimit, pace, throttle, refused } = up.overload;
  const budget = up.retryBudget;
  if (budget && budget.left !== null) {
    found.push(gauge("Retry budget used", budget.repeats, budget.repeats + budget.left,
      budget.repeats + " of " + (budget.repeats + budget.left) + " repeats"));
  }
  if (bulkhead) {
    found.push(gauge("Places taken", bulkhead.running, bulkhead.places,
      bulkhead.running + " of " + bulkhead.places
      + (bulkhead.waiting > 0 ? ", " + bulkhead.waiting + " waiting" : "")));
    const { streams, callers } = bulkhead;
    if (callers && callers.count > 0) {
      found.push(gauge("Busiest caller", callers.most, bulkhead.places,
        callers.most + " places, callers: " + callers.count));
    }
    if (streams.running > 0) {
      found.push(gauge("Streams", streams.running, streams.places,
        streams.running + " of " + streams.places));
    }
  }
  if (throttle && throttle.refusedShare > 0) {
    found.push(gauge("Throttled", throttle.refusedShare, 1, share(throttle.refusedShare, 1)));
  }
  if (pace && pace.waiting > 0) {
    found.push(gauge("Held back", pace.waiting, pace.waiting, pace.waiting + " waiting"));
  }
  const facts = (up.maintenance || []).map(({ path }) => "Maintenance: "
    + (path === null ? "every call" : "each call for " + path) + " is answered with 503.");
  if (pace && pace.heldMs > 0) {
    facts.push("The upstream asked for a pause (429): " + ms(pace.heldMs) + " left.");
  }
  if (!budget) facts.push("Nothing is repeated here (retry: false).");
  if (adaptiveLimit) {
    facts.push("Adaptive limit: " + Math.round(adaptiveLimit.limit)
      + (adaptiveLimit.baselineMs === null ? "" : ", without a queue "
      + ms(adaptiveLimit.baselineMs)) + ".");
  }
  const names = Object.keys(refused || {}).filter((name) => totalOf(refused[name]) > 0);
  if (names.length > 0) {
    facts.push("Refused since the start: "
      + names.map((name) => spoken(name) + " " + totalOf(refused[name])).join(", ") + ".");
  }
  return [...found, ...facts.map((fact) => h("p", { class: "dim" }, fact))];
};
const totalOf = (counts) => (typeof counts === "number" ? counts : sum(counts));

const part = (title, ...children) => h("div", { class: "part" }, h("h3", {}, title), ...children);
const detailParts = () => ["verdict", "charts", "names", "limits", "targets"].map((name) =>
  h("div", { class: "p-" + name }));
const renderDetail = (up, parts) => {
  const [verdict, charts, names, places, targets] = parts;
  const { slots, now } = trafficOf(up.name);
  const counted = [...slots.values()].map((slot) => [slot.slot, slot.calls, slot.failures]);
  const shown = state.slot + JSON.stringify([counted, now]);
  fill(verdict, JSON.stringify(up.verdict || null), () => verdictPart(up));
  fill(charts, shown, () => [trafficChart(up.name), latencyChart(up.name)]);
  fill(names, shown, () => [part("Failures by name", failuresByName(up))]);
  fill(places, JSON.stringify([up.overload, up.retryBudget]), () =>
    [part("Limits", ...limits(up))]);
  fill(targets, state.slot + JSON.stringify(up.targets) + state.changes.length, () =>
    [part("Targets", targetsTable(up)), ...routesTable(up)]);
};
`;
