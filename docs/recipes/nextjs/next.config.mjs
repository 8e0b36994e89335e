/** The package stays outside the bundle, and so is one for the process. */
export default { serverExternalPackages: ["good-gateway"] };
