/**
 * Parts of scripts: the search of the error reference, and links such as #connection_refused that
 * open an entry.
 */

/** Needs `byId` alone, so that a page without the rest of the dashboard has it as well. */
export const SEARCH = String.raw`
const fold = byId("fold");
const entries = [...document.querySelectorAll(".entry")];
const texts = new Map(entries.map((entry) => [entry, entry.textContent.toLowerCase()]));
const search = () => {
  const words = byId("q").value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const entry of entries) {
    const text = texts.get(entry);
    const hit = words.every((word) => text.includes(word));
    entry.hidden = !hit;
    if (hit) found += 1;
  }
  byId("found").textContent =
    words.length === 0 ? entries.length + " failures" : found + " of " + entries.length;
  byId("entries-none").hidden = found > 0;
  if (fold && words.length > 0) fold.open = true;
};
byId("q").addEventListener("input", search);
search();

const linked = () => decodeURIComponent(location.hash.slice(1));
const openEntry = (name) => {
  const entry = entries.find(({ id }) => id === name);
  if (!entry) return;
  if (entry.hidden) {
    byId("q").value = "";
    search();
  }
  if (fold) fold.open = true;
  entry.open = true;
  entry.scrollIntoView({ block: "start" });
  entry.querySelector("summary").focus({ preventScroll: true });
};
const onLink = (follow) => {
  addEventListener("hashchange", follow);
  // The same link once more changes nothing in the address, and must lead there all the same.
  document.addEventListener("click", (event) => {
    const link = event.target.closest ? event.target.closest("a[href^='#']") : null;
    if (link && link.hash === location.hash) follow();
  });
};
`;

/** Of the dashboard, whose links may lead to an upstream as well. */
export const REFERENCE = `${SEARCH}
if (matchMedia("(max-width:760px)").matches) fold.open = false;
const follow = () => {
  const name = linked();
  if (!name.startsWith("upstream=")) return openEntry(name);
  choose(name.slice("upstream=".length));
  const shown = rows.get(open.name);
  if (shown) shown.row.scrollIntoView({ block: "start" });
};
onLink(follow);
`;
