// Every way to send something, to a server that lies: what Node, Deno, Bun, workerd and Chromium all run.

const SECONDS = 60_000;

/** What a promise comes to, or that it takes far longer than its own limit. */
async function inTime(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} hangs`)), SECONDS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const calls = {
  get: (redis) => redis.get("key-planted"),
  incr: (redis) => redis.incr("key-planted"),
  pipeline: (redis) => redis.pipeline().get("key-planted").get("b").exec(),
  multi: (redis) => redis.multi().get("key-planted").get("b").exec(),
  bytes: (redis) => redis.set("key-planted", new Uint8Array([...new TextEncoder().encode("value-planted"), 0xff])),
  base64: (redis) => redis.with({ bytes: true }).get("key-planted"),
  lrange: (redis) => redis.lrange("key-planted", 0, -1),
  hgetall: (redis) => redis.hgetall("key-planted"),
  // The first thing that it reports, or nothing for a while.
  subscribe: async (redis) => {
    const subscriber = redis.subscribe("ch");
    let first;
    await new Promise((resolve) => {
      setTimeout(resolve, 300);
      subscriber.on("error", (error) => resolve((first ??= { error })));
      subscriber.on("message", (data) => resolve((first ??= { data })));
    });
    await subscriber.unsubscribe();
    if (first?.error) throw first.error;
    return first?.data;
  },
};

/** Tells the lies from one number to another to a client, and gives what it must not have done. */
export async function hostile({ Redis, RedisError }, liar, from, to, without = []) {
  const wrong = [];
  const { names } = await (await fetch(`${liar}/count`)).json();
  const counted = { values: 0, errors: 0 };
  const check = async (number) => {
    const redis = new Redis({ url: `${liar}/${number}`, token: "token-planted", retry: false, timeout: 400, maxResponseBytes: 1024 * 1024 });
    for (const [form, call] of Object.entries(calls)) {
      const what = `${form}, lie ${number} (${names[number]})`;
      try {
        const value = await inTime(what, call(redis));
        counted.values += 1;
        // Only what has two entries is an answer to two commands.
        if ((form === "pipeline" || form === "multi") && names[number].includes("entries too many")) wrong.push(`${what}: ${value}`);
      } catch (error) {
        counted.errors += 1;
        if (!(error instanceof RedisError)) wrong.push(`${what}: ${error?.stack ?? error}`);
        const said = [error?.message, error?.stack, String(error?.cause), error?.cause?.stack, JSON.stringify(error)].join("\n");
        if (said.includes("planted")) wrong.push(`${what} says: ${said.slice(0, 300)}`);
      }
      if ({}.polluted !== undefined) wrong.push(`${what}: Object.prototype was changed`);
    }
    try {
      // Bun sends this by a connection that the server has closed, and GET again where that fails.
      const honest = await inTime(`after lie ${number}`, redis.with({ timeout: SECONDS, retry: { retries: 3 } }).get("please"));
      if (honest !== "honest") wrong.push(`after lie ${number}: ${honest}`);
    } catch (error) {
      wrong.push(`after lie ${number}: ${error.stack}`);
    }
  };
  const numbers = Array.from({ length: to - from }, (_, index) => from + index).filter((number) => !without.includes(number));
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) await check(number);
    }),
  );
  return { wrong, ...counted };
}
