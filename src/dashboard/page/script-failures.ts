/**
 * The latest failures, each with its attempts and what the catalog says about it. An entry is made
 * once and stays as it is, so that one that is being read does not move under the reader's eyes.
 */
export const FAILURES = String.raw`
const SHOWN_AT_FIRST = 15;
const SHOWN_MAX = 200;
const shownFailures = new Map();
const PHASES = ["queue", "connect", "secure", "send", "wait", "receive"];

const gotText = (one) => {
  if (one.recovered) return one.status + ", made good";
  if (one.status === null) return one.kind === "proxy" ? "no answer" : "failed";
  return one.clientEnd === "cut" ? one.status + ", then cut" : String(one.status);
};

const waterfall = (attempts, call) => {
  const long = Math.max(1, ...attempts.map((one) => one.startedMs + one.durationMs));
  return (attempt) => {
    const svg = s("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", class: "fall",
      role: "img", "aria-label": "from " + ms(attempt.startedMs) + " to "
        + ms(attempt.startedMs + attempt.durationMs) + " of the call" });
    svg.append(s("rect", { x: 0, y: 3.6, width: 100, height: 0.8, class: "base" }));
    let x = (attempt.startedMs / long) * 100;
    let any = false;
    for (const phase of PHASES) {
      const took = attempt.timings[phase + "Ms"];
      if (!took) continue;
      const width = Math.max(0.4, (took / long) * 100);
      svg.append(s("rect", { x: x.toFixed(2), y: 0, width: width.toFixed(2), height: 8,
        "data-phase": phase }));
      x += width;
      any = true;
    }
    if (!any) svg.append(s("rect", { x: Math.min(x, 99).toFixed(2), y: 0,
      width: Math.max(1, (attempt.durationMs / long) * 100).toFixed(2), height: 8,
      "data-phase": "wait" }));
    return svg;
  };
};
const timingsText = (attempt) => {
  const found = PHASES.filter((phase) => attempt.timings[phase + "Ms"] !== null)
    .map((phase) => phase + " " + ms(attempt.timings[phase + "Ms"]));
  return found.length > 0 ? found.join(", ") : "in all " + ms(attempt.durationMs);
};

const attemptsTable = (one) => {
  if (one.attempts.length === 0) {
    return h("p", {}, "No attempt was made: no upstream was asked.");
  }
  const fall = waterfall(one.attempts, one);
  return scrolling("Attempts", h("table", { class: "grid plain", "aria-label": "Attempts" },
    h("thead", {}, h("tr", {}, ["Attempt", "Target", "Outcome", "Reached", "Phases", ""].map(
      (name) => h("th", { scope: "col" }, name || h("span", { class: "sr" }, "When"))))),
    h("tbody", {}, one.attempts.map((attempt) => h("tr", {},
      h("th", { scope: "row" }, String(attempt.number)),
      h("td", { class: "addr" }, attempt.target || "none could be chosen"),
      h("td", {}, attempt.code ? errorLink(attempt.code) : "well",
        attempt.status === null ? null : " " + attempt.status),
      h("td", {}, attempt.phase + (attempt.reused ? ", kept connection" : "")),
      h("td", {}, timingsText(attempt)),
      h("td", { class: "wide" }, fall(attempt)))))),
    one.attemptsLeftOut > 0
      ? h("p", { class: "dim" }, one.attemptsLeftOut + " attempts before these.") : null);
};

const listOf = (code, selector, most) => {
  const entry = byId(code);
  if (!entry) return [];
  return [...entry.querySelectorAll(selector)].slice(0, most).map((item) =>
    h("li", {}, item.textContent));
};
const explanationPart = (one) => {
  const entry = byId(one.code);
  return h("div", { class: "why" },
    h("p", { class: "lead" }, entry ? entry.querySelector(".sum").textContent : one.code, " ",
      "At fault: ", tag(one.blame), "."),
    one.details ? h("p", { class: "dim" }, one.details) : null,
    one.recovered ? h("p", {}, "A repeat made it good: the client got its answer.") : null,
    h("div", { class: "two" },
      h("div", {}, h("h3", {}, "Most likely"), h("ol", {}, listOf(one.code, "ol li", 3))),
      h("div", {}, h("h3", {}, "What to do"),
        h("ul", {}, listOf(one.code, ".body > div > ul li", 3)))),
    h("p", {}, h("a", { href: "#" + one.code, class: "more" },
      "Everything about " + one.code)));
};
const stopPart = (one) => one.stopReason === null ? null
  : h("p", {}, h("b", {}, "No further attempt: "), h("code", {}, one.stopReason), ". ",
    STOPS[one.stopReason] || "");

const failureNode = (one) => {
  const body = h("div", { class: "body" });
  const node = h("details", { class: "fail", "data-upstream": one.upstream,
    "data-recovered": String(one.recovered) },
    h("summary", {},
      h("time", { datetime: new Date(one.at).toISOString() }, clock(one.at)),
      h("span", { class: "got", "data-tone": one.recovered ? "good" : "bad" }, gotText(one)),
      h("span", { class: "code" }, one.code), tag(one.blame),
      h("span", { class: "what" }, one.upstream + ": " + one.method + " " + one.path),
      h("span", { class: "dim" }, plural(one.attempts.length + one.attemptsLeftOut, "attempt",
        "attempts") + ", " + ms(one.durationMs))),
    body);
  // Made when it is opened: most never are.
  node.addEventListener("toggle", () => {
    if (!node.open || body.childNodes.length > 0) return;
    body.append(explanationPart(one), attemptsTable(one), stopPart(one) || "",
      h("p", { class: "dim" }, "Request " + one.id
        + (one.queuedMs >= 1 ? ", queued for " + ms(one.queuedMs) : "")
        + (one.answeredBy ? ", answered by the " + one.answeredBy : "")
        + (one.clientEnd === "aborted" ? ", the client left" : "")));
  });
  return node;
};

const wanted = (one) => (byId("of").value === "" || byId("of").value === one.upstream)
  && (byId("good").checked || !one.recovered);
const renderFailures = () => {
  const list = byId("fails");
  const names = byId("of");
  fill(names, state.names.join("\n"), () => {
    const chosen = names.value;
    const options = ["", ...state.names].map((name) => h("option", { value: name }, name || "all"));
    for (const option of options) option.selected = option.value === chosen;
    return options;
  });
  const fitting = state.failures.filter(wanted).slice(-SHOWN_MAX);
  const all = byId("more").getAttribute("aria-pressed") === "true";
  byId("more").hidden = !all && fitting.length <= SHOWN_AT_FIRST;
  const shown = all ? fitting : fitting.slice(-SHOWN_AT_FIRST);
  const keep = new Set(shown.map(({ seq }) => seq));
  for (const [seq, node] of shownFailures) {
    // One that is open stays until it is closed.
    if (keep.has(seq) || node.open) continue;
    node.remove();
    shownFailures.delete(seq);
  }
  for (const one of shown) {
    if (shownFailures.has(one.seq)) continue;
    const node = failureNode(one);
    shownFailures.set(one.seq, node);
    const after = [...shownFailures.keys()].filter((seq) => seq < one.seq);
    const next = after.length > 0 ? shownFailures.get(Math.max(...after)) : null;
    if (next) next.before(node);
    else list.append(node);
  }
  byId("fails-none").hidden = shownFailures.size > 0;
};
`;
