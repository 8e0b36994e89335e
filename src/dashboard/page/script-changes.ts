/**
 * Part of the page's script: incidents (a process that vanished, and what it cost) and changes of
 * state, the latest first.
 */
export const CHANGES = `
const INCIDENTS_SHOWN = 10;
const CHANGES_SHOWN = 40;
const WHAT = { breaker: "Breaker", target: "Target", upstream: "Upstream", lifecycle: "Gateway",
  health: "Health", load: "Load", incident: "Incident", discovery: "Discovery" };

const incidentNode = (one) => {
  const over = one.endedAt !== null;
  const lost = [[one.refused, "refused"], [one.cut, "cut"], [one.stale, "stale"]]
    .filter(([count]) => count > 0).map(([count, how]) => count + " " + how).join(", ");
  return h("article", { class: "incident", "data-tone": over ? "idle" : "bad" },
    h("h3", {}, (over ? "Over: " : "Going on: ") + one.upstream + " lost " + one.target),
    h("p", {}, "The process behind it vanished at " + clock(one.startedAt)
      + "; without an answer for " + ms(one.downMs)
      + (one.newProcess === true ? "; a new process answers since" : "") + "."),
    h("p", {}, plural(one.callsHit, "call", "calls") + " hit, " + one.callsFailed
      + " of them failed, " + one.callsTurnedAway + " turned away"
      + (lost ? "; exchanges lost: " + lost : "") + ". ",
      one.firstCode ? errorLink(one.firstCode, "i " + one.id) : null));
};
const changeText = (one) => (one.from ? spoken(one.from) + " → " : "") + spoken(one.to);
const renderChanges = () => {
  const incidents = [...state.snapshot.incidents].reverse();
  fill(byId("incidents"), JSON.stringify(incidents), () => [
    ...incidents.slice(0, INCIDENTS_SHOWN).map(incidentNode),
    h("ul", { class: "rest" }, more(incidents.length - INCIDENTS_SHOWN))]);
  const changes = state.changes.slice(-CHANGES_SHOWN).reverse();
  const left = state.changes.length - changes.length;
  byId("changes-more").hidden = left <= 0;
  setText(byId("changes-more"), "and " + left + " more, before these");
  const key = changes.length + " " + (changes.length > 0 ? changes[0].seq : 0);
  fill(byId("changes-body"), key, () => changes.map((one) => h("tr", {},
    h("td", {}, clock(one.at)), h("th", { scope: "row" }, WHAT[one.kind]),
    h("td", { class: "addr" }, [one.upstream, one.target].filter(Boolean).join(" ") || "gateway"),
    h("td", {}, changeText(one)), h("td", {}, one.reason ? spoken(one.reason) : "–"))));
  byId("changed").hidden = changes.length === 0;
  byId("changes-none").hidden = changes.length > 0 || incidents.length > 0;
};
`;
