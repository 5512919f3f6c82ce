/** What the source has now, past all caches but that of pages. */
export const source = async (name) => (await fetch(`${process.env.SOURCE}/${name}`, { cache: "no-store" })).text();
