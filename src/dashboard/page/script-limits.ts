/**
 * Part of the page's script: rate limits and quotas, where there are any.
 * A key is never shown, since it may be a secret.
 */
export const LIMITS = `
const LIMITS_SHOWN = 50;
const renderLimits = () => {
  const limits = state.snapshot.rateLimits || [];
  byId("limits").hidden = limits.length === 0;
  fill(byId("limits-body"), JSON.stringify(limits), () => {
    const rows = limits.flatMap((limit) => {
      const tiers = Object.keys(limit.requests);
      return (tiers.length > 0 ? tiers : [limit.name]).map((tier) => [limit, tier]);
    });
    return rows.slice(0, LIMITS_SHOWN).map(([limit, tier]) => {
      const counts = limit.requests[tier] || { admitted: 0, refused: 0, wouldRefuse: 0 };
      const number = (value) => h("td", { class: "n" }, String(value));
      return h("tr", {}, h("th", { scope: "row" }, tier, limit.upstream === null ? null
        : h("span", { class: "dim" }, " to " + limit.upstream)), countedWhere(limit),
        number(counts.admitted), number(counts.refused),
        number(limit.dryRun ? counts.wouldRefuse : "–"),
        number(limit.upstream === null ? "–" : limit.waiting), number(limit.keys));
    });
  });
};
const countedWhere = ({ count, store, members }) => {
  if (store === null) return h("td", {}, "in this process");
  const shared = count + ", " + store.kind + ", " + plural(members, "member", "members");
  return store.up ? h("td", {}, shared)
    : h("td", {}, shared, h("br", {}), h("b", {}, "no answer; each has its share"));
};
`;
