/**
 * Part of the page's script: the members of the fleet, where there is one, and what each sees.
 * Times are those at which this gateway heard them.
 */
export const FLEET = `
const MEMBERS_SHOWN = 50;
const ILL_SHOWN = 5;
const sees = (ill) => {
  const found = Object.keys(ill).flatMap((up) => ill[up].map((one) => up + ": " + one.target
    + (one.out ? "" : one.late ? " (late)" : " (in doubt)")));
  return found.length === 0 ? "nothing" : found.slice(0, ILL_SHOWN).join(", ")
    + (found.length > ILL_SHOWN ? " and " + (found.length - ILL_SHOWN) + " more" : "");
};
const renderFleet = () => {
  const { fleet, at } = state.snapshot;
  byId("fleet").hidden = !fleet;
  if (!fleet) return;
  setText(byId("fleet-bus"), fleet.name + " over " + fleet.bus.kind + (fleet.bus.up ? ""
    : ", which does not take what this gateway says: it is alone") + "; limits are divided by "
    + fleet.dividedBy + ".");
  const heard = fleet.others.map((one) => Math.max(0, Math.round((at - one.heardAt) / 1000)));
  fill(byId("fleet-body"), JSON.stringify([fleet, heard]), () => {
    const rows = fleet.others.slice(0, MEMBERS_SHOWN).map((one, index) => h("tr", {},
      h("th", { scope: "row" }, one.member), h("td", {}, one.host),
      h("td", { class: "n" }, heard[index] + " s ago"), h("td", {}, sees(one.ill))));
    const left = fleet.others.length - rows.length;
    const own = h("tr", {}, h("th", { scope: "row" }, fleet.member), h("td", {}, "this gateway"),
      h("td", { class: "n" }, "–"), h("td", {}, "see the upstreams above"));
    return [own, ...rows, ...(left > 0
      ? [h("tr", {}, h("td", { colspan: "4", class: "dim" }, "and " + left + " more"))] : [])];
  });
};
`;
