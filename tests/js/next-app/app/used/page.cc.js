import { cacheLife, cacheTag } from "next/cache";
import { source } from "../../data.js";

export default async function Page() {
  "use cache";
  cacheTag("page");
  cacheLife("days");
  return <p>{`used=${await source("components")};`}</p>;
}
