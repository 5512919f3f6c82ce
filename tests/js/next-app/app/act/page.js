import * as cache from "next/cache";

async function act() {
  "use server";
  (cache.updateTag ?? cache.revalidateTag)("used");
}

export default function Page() {
  return (
    <form action={act}>
      <button>act</button>
    </form>
  );
}
