/**
 * Charts as SVG: bars of traffic by who is at fault, lines of latency, strips of breaker states.
 * What a colour says is said by a shape or a word, too.
 */
export const CHARTS = `
// Slots to a bar: ten seconds in a chart, half a minute in a row of the table.
const PER_BAR = 2;
const PER_SMALL_BAR = 6;
const bars = (slots, per) => {
  const found = [];
  for (let i = 0; i < slots.length; i += per) {
    const bar = { ok: 0, wrong: {} };
    for (const slot of slots.slice(i, i + per)) {
      if (slot === null) continue;
      bar.ok += slot.calls - sum(slot.failures);
      const blames = byBlame(slot.failures);
      for (const blame in blames) bar.wrong[blame] = (bar.wrong[blame] || 0) + blames[blame];
    }
    bar.all = bar.ok + sum(bar.wrong);
    found.push(bar);
  }
  return found;
};
const barChart = (slots, height, per, label, least = 0) => {
  const found = bars(slots, per);
  const most = Math.max(1, ...found.map((bar) => bar.all), least);
  const svg = s("svg", {
    viewBox: "0 0 " + found.length + " " + height, preserveAspectRatio: "none", role: "img",
    "aria-label": label, class: "bars",
  });
  found.forEach((bar, i) => {
    let y = height;
    const part = (count, blame) => {
      if (!count) return;
      // A single failure among thousands must be seen.
      const tall = Math.max((count / most) * height, blame ? 1.5 : 0.6);
      y = Math.max(0, y - tall);
      svg.append(s("rect", {
        x: i + 0.1, y: y.toFixed(2), width: 0.8, height: tall.toFixed(2),
        class: blame ? "bad" : "ok", "data-blame": blame,
      }));
    };
    part(bar.ok, null);
    for (const blame of BLAMES) part(bar.wrong[blame], blame);
  });
  return svg;
};
// The next number that is read at a glance: 1, 2 or 5, and noughts.
const roundUp = (value) => {
  const ten = 10 ** Math.floor(Math.log10(value));
  return ten * [1, 2, 5, 10].find((step) => step * ten >= value * 0.999);
};
const axisMs = (value) => value < 1000 ? value + " ms" : value / 1000 + " s";
// A chart with its axes: how much at the left, and when below.
const withAxes = (svg, top, said) => h("div", { class: "chart" },
  h("p", { class: "axis y", "aria-hidden": "true" },
    [top, top / 2, 0].map((value) => h("span", {}, said(value)))),
  h("div", { class: "plot" }, svg),
  h("p", { class: "axis x", "aria-hidden": "true" },
    ["15 min ago", "10", "5", "now"].map((text) => h("span", {}, text))));
const legend = (entries) => h("ul", { class: "legend" }, entries.map(([blame, text]) =>
  h("li", { "data-blame": blame }, text)));

const trafficChart = (name) => {
  const slots = slotsOf(name);
  const wrong = {};
  let all = 0;
  for (const slot of slots) {
    if (slot === null) continue;
    all += slot.calls;
    const blames = byBlame(slot.failures);
    for (const blame in blames) wrong[blame] = (wrong[blame] || 0) + blames[blame];
  }
  const failed = sum(wrong);
  const text = plural(all, "call", "calls") + " in 15 minutes, " + failed + " failed";
  const seconds = (PER_BAR * state.slotMs) / 1000;
  const peak = Math.max(1, ...bars(slots, PER_BAR).map((bar) => bar.all));
  const top = roundUp(peak / seconds);
  const svg = barChart(slots, 40, PER_BAR, text + "; at most " + rate(peak / seconds)
    + " calls a second", top * seconds);
  const parts = BLAMES.filter((blame) => wrong[blame]).map((blame) =>
    [blame, blame + " " + wrong[blame]]);
  return h("figure", {}, h("figcaption", {}, h("b", {}, "Traffic"), " in calls/s: " + text),
    withAxes(svg, top, (value) => Number(value.toPrecision(3))),
    legend([["ok", "well " + (all - failed)], ...parts]));
};

const LINES = ["p50", "p95", "p99"];
const latencyChart = (name) => {
  const slots = slotsOf(name);
  const peak = Math.max(1, ...slots.map((slot) => (slot && slot.p99) || 0));
  const top = roundUp(peak);
  const svg = s("svg", {
    viewBox: "0 0 " + slots.length + " 40", preserveAspectRatio: "none", role: "img",
    class: "lines", "aria-label": "Latency of 15 minutes, at most " + ms(peak),
  });
  for (const line of LINES) {
    let path = "";
    let before = false;
    slots.forEach((slot, i) => {
      const value = slot ? slot[line] : null;
      if (value !== null) {
        const y = (40 - (value / top) * 39.5).toFixed(2);
        path += (before ? "L" : "M") + i + " " + y + "H" + (i + 1);
      }
      before = value !== null;
    });
    if (path) svg.append(s("path", { d: path, class: line }));
  }
  const { now } = trafficOf(name);
  return h("figure", {}, h("figcaption", {}, h("b", {}, "Latency"), " of calls, failed ones too"),
    withAxes(svg, top, axisMs),
    h("ul", { class: "legend" }, LINES.map((line) =>
      h("li", { "data-line": line }, line + " " + ms(now[line])))));
};

// The state of a breaker over fifteen minutes, from its changes. Before the first one it was in the
// state that this one left, since the start or since a change that made room for others.
const breakerStrip = (upstream, target, current) => {
  const end = state.epochMs + (state.slot + 1) * state.slotMs;
  const long = state.slots * state.slotMs;
  const start = end - long;
  const found = state.changes.filter((one) =>
    one.kind === "breaker" && one.upstream === upstream && one.target === target);
  const kept = state.changes.filter((one) => one.upstream === upstream).length;
  const since = kept < CHANGES_MAX && state.changes.length < KEPT_CHANGES ? start
    : found.length > 0 ? found[0].at : end;
  const svg = s("svg", {
    viewBox: "0 0 " + state.slots + " 12", preserveAspectRatio: "none", role: "img", class: "strip",
    "aria-label": "Breaker over 15 minutes: now " + spoken(current) + ", "
      + plural(found.length, "change", "changes")
      + (since > start ? ", not known before " + clock(since) : ""),
  });
  let from = Math.max(start, since);
  let is = found.length > 0 ? found[0].from : current;
  const piece = (to) => {
    const x = (Math.max(0, from - start) / long) * state.slots;
    const width = Math.max(0.6, ((to - Math.max(from, start)) / long) * state.slots);
    const tall = is === "open" ? 12 : is === "half_open" ? 7 : 2;
    if (to > start) {
      svg.append(s("rect", { x: x.toFixed(2), y: 12 - tall, width: width.toFixed(2), height: tall,
        "data-breaker": is }));
    }
  };
  for (const change of found) {
    piece(change.at);
    from = change.at;
    is = change.to;
  }
  piece(end);
  return svg;
};
`;
