/**
 * The latest failures, equal ones as one, each with its attempts and what the catalog says of it.
 * One that is open stays as it is, so that what is being read does not move.
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

const listOf = (one, selector, most) => {
  const entry = byId(one.code);
  if (!entry) return [];
  return cut([...entry.querySelectorAll(selector)], most, (item) =>
    h("li", {}, adviceOf(item, urlOf(one))));
};
const explanationPart = (one) => {
  const entry = byId(one.code);
  return h("div", { class: "why" },
    h("p", { class: "lead" }, entry ? entry.querySelector(".sum").textContent : one.code, " ",
      "At fault: ", tag(one.blame), "."),
    isRefusal(one.code) && rootOf(one.upstream) ? h("p", {}, "It follows from ",
      errorLink(rootOf(one.upstream)), ".") : null,
    one.details ? h("p", { class: "dim" }, one.details) : null,
    one.recovered ? h("p", {}, madeGood(one)) : null,
    h("div", { class: "two" },
      h("div", {}, h("h3", {}, "Most likely"), h("ol", {}, listOf(one, "ol li", 3))),
      h("div", {}, h("h3", {}, "What to do"),
        h("ul", {}, listOf(one, ".body > div > ul li", 3)))),
    urlOf(one) && !BLAMELESS.includes(one.blame) ? doctorLine(urlOf(one)) : null,
    h("p", {}, h("a", { href: "#" + one.code, class: "more" },
      "Everything about " + one.code)));
};
const madeGood = ({ detour }) => {
  if (!detour) return "A repeat made it good: the client got its answer.";
  return detour.upstream ? "The upstream " + detour.upstream + " answered in its place."
    : "A fallback of the application answered in its place.";
};
const stopPart = (one) => one.stopReason === null ? null
  : h("p", {}, h("b", {}, "No further attempt: "), h("code", {}, one.stopReason), ". ",
    STOPS[one.stopReason] || "");

// Where to ask by hand: never what may act, so the path only where it was read.
const urlOf = (one) => {
  const [target] = targetsOf(one).slice(-1);
  if (!target) return null;
  const path = ["GET", "HEAD"].includes(one.method) && !one.path.endsWith("…") ? one.path : "/";
  return target + path;
};
// Nothing of the target is to be found out where it was not at fault.
const BLAMELESS = ["client", "self", "none"];
// The targets that were tried; if none was, the only target of the upstream.
const targetsOf = (one) => {
  const asked = one.attempts.map(({ target }) => target).filter(Boolean);
  const { targets } = state.ups.get(one.upstream) || { targets: [] };
  return asked.length > 0 || targets.length !== 1 ? asked : [targets[0].target];
};
const earlierPart = (one) => one.times === 1 ? null
  : h("div", { class: "why" }, h("h3", {}, one.times + " times since " + clock(one.since)),
    h("ul", {}, cut([...one.before].reverse(), one.before.length, (call) =>
      h("li", {}, clock(call.at) + ", " + ms(call.durationMs) + ", request " + call.id + ": ",
        h("span", { class: "addr" }, call.path))), more(one.times - 1 - one.before.length)));

const failureNode = (first) => {
  const body = h("div", { class: "body" });
  const time = h("time", {});
  const what = h("span", { class: "what" });
  const how = h("span", { class: "dim how" });
  const node = h("details", { class: "fail", "data-upstream": first.upstream,
    "data-recovered": String(first.recovered) },
    h("summary", {}, time,
      h("span", { class: "got", "data-tone": first.recovered ? "good" : "bad" }, gotText(first)),
      h("span", { class: "code" }, first.code), tag(first.blame), what, how), body);
  let one = first;
  let shown = 0;
  // Made when it is opened: most never are. It stays as it is while it is read.
  node.addEventListener("toggle", () => {
    if (!node.open || shown === one.seq) return;
    shown = one.seq;
    body.replaceChildren(...[explanationPart(one), attemptsTable(one), stopPart(one),
      earlierPart(one), h("p", { class: "dim" }, "Request " + one.id
        + (one.queuedMs >= 1 ? ", queued for " + ms(one.queuedMs) : "")
        + (one.answeredBy ? ", answered by the " + one.answeredBy : "")
        + (one.clientEnd === "aborted" ? ", the client left" : ""))].flat().filter(Boolean));
  });
  const update = (latest) => {
    one = latest;
    const { at, times, since } = one;
    time.dateTime = new Date(at).toISOString();
    setText(time, clock(at));
    setText(what, one.upstream + ": " + one.method + " " + (times === 1 ? one.path : one.route));
    setText(how, (times === 1 ? "" : times + " times since " + clock(since) + "; ")
      + plural(one.attempts.length + one.attemptsLeftOut, "attempt", "attempts")
      + ", " + ms(one.durationMs));
  };
  update(first);
  return { node, update, place: first.seq };
};

// What can be chosen by: a control, its name for all, and what of a failure it looks at.
const FILTERS = {
  "by-upstream": (one) => [one.upstream], "by-code": (one) => [one.code],
  "by-blame": (one) => [one.blame], "by-target": targetsOf,
};
const wanted = (one) => (byId("good").checked || !one.recovered)
  && Object.entries(FILTERS).every(([id, of]) =>
    byId(id).value === "" || of(one).includes(byId(id).value));
const renderFilters = () => {
  for (const [id, of] of Object.entries(FILTERS)) {
    const control = byId(id);
    const chosen = control.value;
    const known = id === "by-upstream" ? state.names
      : [...new Set(state.failures.flatMap(of))].sort();
    const values = known.includes(chosen) || chosen === "" ? known : [...known, chosen];
    fill(control, values.join("\n"), () => ["", ...values].map((value) => {
      const option = h("option", { value }, value || "all");
      option.selected = value === chosen;
      return option;
    }));
  }
};
const renderFailures = () => {
  const list = byId("fails");
  renderFilters();
  const fitting = state.failures.filter(wanted).slice(-SHOWN_MAX);
  const all = byId("more").getAttribute("aria-pressed") === "true";
  const beyond = fitting.length - SHOWN_AT_FIRST;
  byId("more").hidden = beyond <= 0;
  setText(byId("more"), all ? "Show fewer" : "and " + beyond + " more");
  const shown = all ? fitting : fitting.slice(-SHOWN_AT_FIRST);
  const keep = new Set(shown.map(({ group }) => group));
  for (const [group, { node }] of shownFailures) {
    // One that is open stays until it is closed.
    if (keep.has(group) || node.open) continue;
    node.remove();
    shownFailures.delete(group);
  }
  for (const one of shown) {
    const known = shownFailures.get(one.group);
    if (!known) {
      shownFailures.set(one.group, failureNode(one));
      continue;
    }
    known.update(one);
    // What is being read does not move.
    if (!known.node.open) known.place = one.seq;
  }
  const order = [...shownFailures.values()].sort((a, b) => b.place - a.place);
  const focused = list.contains(document.activeElement);
  order.forEach(({ node }, i) => {
    if (list.children[i] === node || (focused && node.isConnected)) return;
    list.insertBefore(node, list.children[i] || null);
  });
  byId("fails-none").hidden = shownFailures.size > 0;
  setText(byId("fails-none"), state.failures.length > 0 ? "No failure is of that kind."
    : "No call has failed since this page is kept.");
};
`;
