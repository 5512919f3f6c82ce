// Cron patterns of restis/helpers have the slots that BullMQ's own strategy gives them.

import assert from "node:assert/strict";
import { test } from "node:test";
import bullmq from "bullmq";
import { Queue, Redis } from "restis/helpers";
import { rejection, token, url } from "./support.mjs";

const ZONES = [
  "UTC", "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/St_Johns", "America/Havana", "America/Santiago", "Africa/Casablanca",
  "Africa/Cairo", "Antarctica/Troll", "Asia/Beirut", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham",
  "europe/london", "UTC+3", "utc-3:30", "+05:45", undefined,
].filter(isKnown);

/** Node 20 has no zones that are offsets, such as `+05:45`: BullMQ refuses them there. */
function isKnown(zone) {
  if (!zone?.startsWith("+")) return true;
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: zone }));
  } catch {
    return false;
  }
}

/** A generator of numbers that is the same in each run: xorshift. */
function numbers(state) {
  return (count) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % count;
  };
}

function pattern(random) {
  const field = (min, max, any) => {
    if (random(10) < any) return "*";
    const from = min + random(max - min + 1);
    const to = from + random(max - from + 1);
    const step = 1 + random(Math.ceil(max / 2));
    return [
      `${from}`, `${from}-${to}`, `${from}/${step}`, `*/${step}`, `${from}-${to}/${step}`, `${from},${min + random(max - min + 1)}`, "H", `H(${from}-${to})`,
      `H/${step}`, "?",
    ][random(10)];
  };
  if (random(12) === 0) return ["@hourly", "@weekdays", "@monthly", "5", "a * * * *", "* * 31 2 *", "61 * * * *", "* * * * 1#6", "0 0 L * *"][random(9)];
  const second = random(4) === 0 ? `${field(0, 59, 3)} ` : "";
  const hour = random(3) === 0 ? String(random(4)) : field(0, 23, 3);
  const day = random(12) === 0 ? "L" : field(1, 31, 7);
  const month = random(8) === 0 ? ["jan", "Mar-may", "OCT", "nov"][random(4)] : field(1, 12, 7);
  const weekday = [`${random(8)}L`, `${random(8)}#${1 + random(5)}`, "mon-fri"][random(12)] ?? field(0, 7, 6);
  return `${second}${field(0, 59, 2)} ${hour} ${day} ${month} ${weekday}`;
}

test("slots of 2,000 random patterns are BullMQ's", async () => {
  const random = numbers(20261201);
  const DAY = 86_400_000;
  let met = 0;
  let refused = 0;
  for (let count = 0; count < 2000; count += 1) {
    // Half of them in the weeks in which clocks change.
    const weeks = [Date.UTC(2026, 2, 8), Date.UTC(2026, 2, 29), Date.UTC(2026, 3, 5), Date.UTC(2026, 8, 6), Date.UTC(2026, 9, 4), Date.UTC(2026, 9, 25), Date.UTC(2026, 10, 1)];
    const from = random(2) === 0 ? weeks[random(weeks.length)] - DAY + random(2 * DAY) : Date.UTC(2025, 0, 1) + random(4_000_000) * 86_400;
    const repeat = { pattern: pattern(random), tz: ZONES[random(ZONES.length)], hashSeed: "a seed" };
    let expected;
    try {
      expected = bullmq.getNextMillis(from, repeat) ?? null;
    } catch {
      expected = "refused";
    }
    let ours;
    try {
      ours = await Queue.nextRun(repeat, from);
    } catch (error) {
      assert.match(error.message, /cron pattern of a scheduler/);
      ours = "refused";
    }
    met += ours > 0;
    refused += ours === "refused";
    assert.equal(ours, expected, JSON.stringify({ ...repeat, from }));
  }
  assert.ok(met > 1300 && refused > 20, `${met} met, ${refused} refused`);
});

test("a scheduler repeats by a pattern, in a zone and at once, and goes on when its job is taken", async () => {
  const jobs = new Queue(`cron-${crypto.randomUUID()}`, { redis: new Redis({ url, token }) });
  await jobs.upsertScheduler("mornings", { pattern: "0 9 * * mon-fri", tz: "Asia/Kathmandu", limit: 5 });
  const [mornings] = await jobs.schedulers();
  assert.equal(mornings.next, bullmq.getNextMillis(Date.now(), { pattern: "0 9 * * mon-fri", tz: "Asia/Kathmandu" }));
  assert.deepEqual([mornings.name, mornings.pattern, mornings.tz, mornings.limit, mornings.iterations], ["mornings", "0 9 * * mon-fri", "Asia/Kathmandu", 5, 1]);
  await jobs.upsertScheduler("yearly", { pattern: "@yearly", tz: "UTC", immediately: true }, { name: "year", data: { a: 1 } });
  const seen = [];
  const summary = await jobs.consumer().runUntil(10_000, (job) => void seen.push([job.name, job.data, job.repeatJobKey]));
  assert.deepEqual(seen, [["year", { a: 1 }, "yearly"]]);
  assert.deepEqual(summary.blocked, []);
  const yearly = (await jobs.schedulers()).find(({ id }) => id === "yearly");
  assert.equal(yearly.next, Date.UTC(new Date().getUTCFullYear() + 1, 0, 1));
  assert.equal(yearly.iterations, 2);
  await jobs.pause();
  await jobs.obliterate({ force: true });
});

test("a job whose scheduler cannot be continued keeps no other waiting, and is reported", async () => {
  const redis = new Redis({ url, token });
  const jobs = new Queue(`cron-${crypto.randomUUID()}`, { redis });
  const bad = await jobs.upsertScheduler("bad", { every: 60_000 });
  await redis.hset(`bull:${jobs.name}:repeat:bad`, { pattern: "every full moon" });
  await jobs.addBulk(Array.from({ length: 5 }, () => ({ name: "good" })));
  for (const completed of [5, 0]) {
    const summary = await jobs.consumer({ batchSize: 2 }).runUntil(10_000, ({ name }) => assert.equal(name, "good"));
    assert.equal(summary.completed, completed);
    assert.deepEqual(summary.blocked.map(({ id, scheduler }) => [id, scheduler]), [[bad, "bad"]]);
    assert.match(summary.blocked[0].reason, /cron pattern/);
    assert.equal(await jobs.state(bad), "waiting");
  }
  await jobs.pause();
  await jobs.obliterate({ force: true });
});

test("mistakes in a repetition are named", async () => {
  const jobs = new Queue(`cron-${crypto.randomUUID()}`, { redis: new Redis({ url, token }) });
  for (const [repeat, message] of [
    [undefined, /either \{ pattern \}/],
    [{}, /either \{ pattern \}/],
    [{ every: 1000, pattern: "* * * * *" }, /either \{ pattern \}/],
    [{ every: 0 }, /at least 1/],
    [{ pattern: "61 * * * *" }, /minute field/],
    [{ pattern: "* * * * *", tz: "Europe/Nowhere" }, /time zone is unknown/],
    [{ pattern: "* * * * *", startDate: "soon" }, /startDate/],
    [{ pattern: "* * * * *", start: 1 }, /no option start/],
    [{ pattern: "* * * * *", immediately: true, startDate: Date.now() }, /immediately/],
    [{ pattern: "* * * * *", endDate: 1000 }, /not over yet/],
    [{ every: 1000, limit: 0 }, /limit of 0/],
  ]) {
    assert.match((await rejection(jobs.upsertScheduler("x", repeat))).message, message);
  }
  assert.deepEqual(await jobs.schedulers(), []);
});
