/**
 * First part of the page's script: elements, numbers and times, and the state that the stream
 * fills.
 */
export const DOM = `
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const put = (node, attributes, children) => {
  for (const name in attributes) {
    if (attributes[name] !== null) node.setAttribute(name, attributes[name]);
  }
  for (const child of children.flat()) if (child !== null) node.append(child);
  return node;
};
const h = (tag, attributes, ...children) => put(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) =>
  put(document.createElementNS(SVG, tag), attributes, children);
const setText = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};
const setTone = (node, tone) => {
  if (node.dataset.tone !== tone) node.dataset.tone = tone;
};
// Renders a part anew only when what it shows has changed, and keeps the focus where it was.
const fill = (node, key, build) => {
  if (node.shown === key) return;
  node.shown = key;
  const active = node.contains(document.activeElement) ? document.activeElement.dataset.k : null;
  node.replaceChildren(...build());
  if (active) {
    const again = [...node.querySelectorAll("[data-k]")].find((one) => one.dataset.k === active);
    if (again) again.focus({ preventScroll: true });
  }
};

const ms = (value) => {
  if (value === null || value === undefined) return "–";
  if (value < 1) return "<1 ms";
  if (value < 1000) return Math.round(value) + " ms";
  if (value < 60000) return (value / 1000).toFixed(value < 10000 ? 2 : 1) + " s";
  return Math.floor(value / 60000) + " min " + Math.round((value % 60000) / 1000) + " s";
};
const rate = (value) => value === 0 ? "0"
  : value.toFixed(value < 0.1 ? 2 : value < 10 ? 1 : 0);
const share = (part, whole) => {
  if (part === 0 || whole === 0) return "0 %";
  const percent = (100 * part) / whole;
  return (percent < 0.1 ? "<0.1" : percent < 10 ? percent.toFixed(1) : percent.toFixed(0)) + " %";
};
const clock = (at) => new Date(at).toLocaleTimeString([], { hour12: false });
// Evidence names moments in UTC; the page has the times of its reader everywhere.
const localTimes = (text) => text.replace(/[0-9-]{10}T[0-9:.]+Z/g, (at) => clock(Date.parse(at)));
const plural = (count, one, many) => count + " " + (count === 1 ? one : many);
const sum = (record) => Object.values(record).reduce((all, count) => all + count, 0);
const spoken = (name) => name.replaceAll("_", " ");

const BLAMES = ["upstream", "overload", "network", "proxy", "client", "self", "none"];
const blameOf = (code) => (byId(code) ? byId(code).dataset.blame : "upstream");
// What only follows from failures before it, and says nothing of what is wrong.
const isRefusal = (code) => REFUSALS.includes(code);
const mostFirst = (counts) => Object.keys(counts)
  .sort((a, b) => counts[b] - counts[a] || (a < b ? -1 : 1));
const byBlame = (failures) => {
  const found = {};
  for (const code in failures) {
    const blame = blameOf(code);
    found[blame] = (found[blame] || 0) + failures[code];
  }
  return found;
};
// What may be wider than a phone is scrolled by keyboard, too.
const scrolling = (name, ...children) => h("div", { class: "scroll", tabindex: "0", role: "group",
  "aria-label": name, "data-k": "scroll " + name }, ...children);
const errorLink = (code, key) =>
  h("a", { href: "#" + code, class: "code", "data-k": key || null }, code);
// A list that is cut says how much of it is not shown.
const more = (left) => left <= 0 ? [] : [h("li", { class: "dim rest" }, "and " + left + " more")];
const cut = (all, most, make) => [...all.slice(0, most).map(make), ...more(all.length - most)];
const tag = (blame) => h("span", { class: "tag b", "data-blame": blame }, blame);

const state = {
  snapshot: null, names: [], leftOut: 0, slot: 0, epochMs: 0, slotMs: 5000, slots: 180,
  nowSlots: 12, ups: new Map(), traffic: new Map(), failures: [], changes: [],
};
const QUIET = { calls: 0, failures: {}, recovered: 0, repeats: 0, p50: null, p95: null, p99: null };
const NO_TRAFFIC = { slots: new Map(), now: QUIET };
const trafficOf = (name) => state.traffic.get(name) || NO_TRAFFIC;
// The last fifteen minutes, slot by slot; null for a slot without calls.
const slotsOf = (name) => {
  const { slots } = trafficOf(name);
  const first = state.slot - state.slots + 1;
  return Array.from({ length: state.slots }, (_, i) => slots.get(first + i) || null);
};
// The failure that the others of an upstream follow from: of the last minute, or of the latest slot
// that has one; null where only refusals are known.
const rootOf = (name) => {
  const { now } = trafficOf(name);
  const lately = slotsOf(name).reverse().filter(Boolean).map((slot) => slot.failures);
  for (const failures of [now.failures, ...lately]) {
    const [root] = mostFirst(failures).filter((code) => !isRefusal(code));
    if (root) return root;
  }
  return null;
};
const pendingOf = (up) => up.targets.reduce((all, target) => all + target.pending, 0);
`;
