/**
 * Last part of the page's script: the live stream, what it brings, and when the page is drawn.
 * A stream that ends or fails is tried again after a wait that grows.
 */
export const STREAM = `
const KEPT_FAILURES = 400;
const KEPT_CHANGES = 400;
const SILENT_MS = 6000;
const RETRY_MS = 1000;
const RETRY_MS_MAX = 15000;
const stream = { source: null, retryMs: RETRY_MS, heardAt: 0, paused: false, linked: false };

const later = (known, more, most) => {
  const seen = new Set(known.map(({ seq }) => seq));
  return [...known, ...more.filter(({ seq }) => !seen.has(seq))]
    .sort((a, b) => a.seq - b.seq).slice(-most);
};
// Of equal failures the latest stands for all.
const laterFailures = (known, more) => {
  const news = new Set(more.map(({ group }) => group));
  return later(known.filter(({ group }) => !news.has(group)), more, KEPT_FAILURES);
};
const take = (message, whole) => {
  if (whole) {
    state.ups.clear();
    state.traffic.clear();
    state.failures = [];
    state.changes = [];
    for (const { node } of shownFailures.values()) node.remove();
    shownFailures.clear();
    Object.assign(state, { slotMs: message.slotMs, slots: message.slots,
      nowSlots: message.nowSlots });
  }
  const { snapshot, names, upstreamsLeftOut, slot, epochMs, traffic } = message;
  Object.assign(state, { snapshot, names, leftOut: upstreamsLeftOut, slot, epochMs });
  for (const up of snapshot.upstreams) state.ups.set(up.name, up);
  for (const name in traffic) {
    const known = state.traffic.get(name) || { slots: new Map(), now: QUIET };
    known.now = traffic[name].now;
    for (const one of traffic[name].slots) known.slots.set(one.slot, one);
    state.traffic.set(name, known);
  }
  for (const { slots } of state.traffic.values()) {
    for (const old of slots.keys()) if (old <= slot - state.slots) slots.delete(old);
  }
  state.failures = laterFailures(state.failures, message.failures);
  state.changes = later(state.changes, message.changes, KEPT_CHANGES);
};
const render = () => {
  if (state.snapshot === null || document.hidden) return;
  if (open.name === null && state.names.length === 1 && rows.size === 0) open.name = state.names[0];
  renderOverview();
  renderUpstreams();
  renderLimits();
  renderFleet();
  renderFailures();
  renderChanges();
};

const showLink = (text, tone) => {
  setText(byId("link"), text);
  setTone(byId("link"), tone);
};
const heard = (event, whole) => {
  take(JSON.parse(event.data), whole);
  stream.heardAt = Date.now();
  stream.retryMs = RETRY_MS;
  if (stream.paused) return;
  showLink("live", "good");
  render();
  if (!stream.linked) {
    stream.linked = true;
    follow();
  }
};
const connect = () => {
  const source = new EventSource("events");
  stream.source = source;
  source.addEventListener("whole", (event) => heard(event, true));
  source.addEventListener("update", (event) => heard(event, false));
  source.addEventListener("end", (event) => lost("the gateway is "
    + spoken(JSON.parse(event.data).reason)));
  source.onerror = () => lost("no connection");
};
const lost = (why) => {
  stream.source.close();
  showLink(why + ", figures are from " + (stream.heardAt ? clock(stream.heardAt) : "never"), "bad");
  setTimeout(connect, stream.retryMs);
  stream.retryMs = Math.min(RETRY_MS_MAX, stream.retryMs * 2);
};
setInterval(() => {
  const silent = Date.now() - stream.heardAt;
  if (stream.heardAt > 0 && silent > SILENT_MS && stream.source.readyState === 1) {
    showLink("no news for " + ms(silent), "warn");
  }
}, 2000);

byId("pause").addEventListener("click", () => {
  stream.paused = !stream.paused;
  byId("pause").setAttribute("aria-pressed", String(stream.paused));
  if (stream.paused) showLink("paused at " + clock(Date.now()), "warn");
  else {
    showLink("live", "good");
    render();
  }
});
document.addEventListener("visibilitychange", () => {
  if (!stream.paused) render();
});
byId("more").addEventListener("click", () => {
  const pressed = byId("more").getAttribute("aria-pressed") === "true";
  byId("more").setAttribute("aria-pressed", String(!pressed));
  renderFailures();
});
for (const id of [...Object.keys(FILTERS), "good"]) {
  byId(id).addEventListener("change", renderFailures);
}
connect();
follow();
`;
