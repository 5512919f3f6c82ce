import { unstable_cache } from "next/cache";
import { source } from "../../data.js";
import { used } from "./used.js";

export const dynamic = "force-dynamic";

const unstable = unstable_cache(() => source("unstable"), ["unstable"], { tags: ["unstable"], revalidate: 3600 });

export default async function Page() {
  return <p>{`unstable=${await unstable()};used=${await used()};`}</p>;
}
