/**
 * Part of the page's script: the members of the fleet, where there is one.
 * Times are those at which this gateway heard them.
 */
export const FLEET = `
const MEMBERS_SHOWN = 50;
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
      h("td", { class: "n" }, heard[index] + " s ago")));
    const left = fleet.others.length - rows.length;
    const self = h("tr", {}, h("th", { scope: "row" }, fleet.member), h("td", {}, "this gateway"),
      h("td", { class: "n" }, "–"));
    return [self, ...rows, ...(left > 0
      ? [h("tr", {}, h("td", { colspan: "3", class: "dim" }, "and " + left + " more"))] : [])];
  });
};
`;
