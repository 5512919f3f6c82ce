import { revalidatePath, revalidateTag } from "next/cache";

export async function POST(request) {
  const asked = new URL(request.url).searchParams;
  if (asked.has("path")) revalidatePath(asked.get("path"));
  if (asked.has("tag")) revalidateTag(asked.get("tag"), asked.has("expire") ? { expire: Number(asked.get("expire")) } : (asked.get("profile") ?? undefined));
  return new Response("done");
}
