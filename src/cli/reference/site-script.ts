/**
 * The script of the static reference: the box that explains what is pasted, the search, and links
 * that open an entry. Everything that comes from a person is written as text, never as HTML.
 */
export const SITE_SCRIPT = String.raw`
const byId = (id) => document.getElementById(id);
const h = (tag, attributes, ...children) => {
  const node = document.createElement(tag);
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  node.append(...children);
  return node;
};
const list = (tag, title, texts) => texts.length === 0 ? [] : [
  h("h4", {}, title), h(tag, {}, ...texts.map((text) => h("li", {}, text))),
];
const shown = (one) => h("article", { class: "incident" },
  h("h3", {}, one.recognised), h("p", {}, one.meaning),
  ...(one.failures.length === 0 ? [] : [
    h("h4", {}, one.failures.length === 1 ? "Its name here"
      : "Failures behind it, the most likely first"),
    h("ul", {}, ...one.failures.map(({ code, blame, summary }) => h("li", {},
      h("a", { href: "#" + code, class: "code" }, code), " ",
      h("span", { class: "tag", "data-blame": blame }, blame), " " + summary))),
  ]),
  ...list("ol", "Likely causes", one.causes), ...list("ul", "What to do", one.remedies));
let last = "";
const explainGiven = () => {
  const text = byId("given").value;
  if (text === last) return;
  last = text;
  if (text.trim() === "") return byId("answer").replaceChildren();
  const { found, guesses } = explainForPage(text);
  byId("answer").replaceChildren(...(found.length > 0 ? found.map(shown) : [
    h("p", { class: "empty" }, "Nothing in this is known here."),
    ...list("ul", "Perhaps one of these was meant", guesses),
  ]));
};
let timer = 0;
byId("given").addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(explainGiven, 150);
});
byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  explainGiven();
});

const entries = [...document.querySelectorAll(".entry")];
const texts = new Map(entries.map((entry) => [entry, entry.textContent.toLowerCase()]));
const search = () => {
  const words = byId("q").value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const entry of entries) {
    entry.hidden = !words.every((word) => texts.get(entry).includes(word));
    if (!entry.hidden) found += 1;
  }
  byId("found").textContent =
    words.length === 0 ? entries.length + " failures" : found + " of " + entries.length;
  byId("entries-none").hidden = found > 0;
};
byId("q").addEventListener("input", search);
search();
const follow = () => {
  const entry = entries.find(({ id }) => id === decodeURIComponent(location.hash.slice(1)));
  if (!entry) return;
  if (entry.hidden) {
    byId("q").value = "";
    search();
  }
  entry.open = true;
  entry.scrollIntoView({ block: "start" });
  entry.querySelector("summary").focus({ preventScroll: true });
};
addEventListener("hashchange", follow);
follow();
`;
