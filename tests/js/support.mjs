// What the tests share: the address of the server they use, and a client of a `fetch` of their own.

import { Redis } from "restis";

export const url = process.env.RESTIS_TEST_URL ?? process.env.UPSTASH_REDIS_REST_URL;
export const token = process.env.RESTIS_TEST_TOKEN ?? process.env.UPSTASH_REDIS_REST_TOKEN;
if (!url || !token) throw new Error("set RESTIS_TEST_URL and RESTIS_TEST_TOKEN to those of a running restis-local");

/** A client whose requests are answered by `answer(path, words)`, with the text of a body or a Response. */
export function mocked(answer, options) {
  const requests = [];
  const redis = new Redis({
    url: "https://mock.example",
    token: "a-token",
    retry: false,
    ...options,
    fetch: async (address, init) => {
      const request = {
        path: address.slice("https://mock.example".length),
        headers: { ...init.headers },
        text: typeof init.body === "string" ? init.body : new TextDecoder().decode(init.body),
      };
      requests.push(request);
      const given = await answer(request.path, JSON.parse(request.text));
      return typeof given === "string" ? new Response(given, { status: 200 }) : given;
    },
  });
  return { redis, requests };
}

/** What a promise rejects with. */
export async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it did not reject");
}
