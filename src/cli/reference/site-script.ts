/**
 * The script of the static reference: the box that explains what is pasted, the search, and links
 * that open an entry. Everything that comes from a person is written as text, never as HTML.
 */
import { SEARCH } from "../../dashboard/page/script-reference.js";

export const SITE_SCRIPT = `
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

${SEARCH}
const follow = () => openEntry(linked());
onLink(follow);
follow();
`;
