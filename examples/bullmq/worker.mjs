// A plain worker of BullMQ, which sends the notifications that the Worker example adds, beside the Lambda that does the same.
// It needs TCP: REDIS_URL is redis:// or rediss:// with the password. Nothing in it knows of restis.
//
//   npm install bullmq && REDIS_URL=rediss://default:…@….upstash.io:6379 node worker.mjs

import { Worker } from "bullmq";

const connection = { url: process.env.REDIS_URL, maxRetriesPerRequest: null };

async function send({ data: { to, text } }) {
  // Here a real one would call the service that sends.
  if (to === "nobody") throw new Error("there is nobody to send it to");
  console.log(`to ${to}: ${text}`);
  return { sent: text.length };
}

const worker = new Worker("notifications", send, { connection, concurrency: 5 });
worker.on("failed", (job, error) => console.error(`${job?.id}: ${error.message}`));
worker.on("error", (error) => console.error(error.message));

for (const signal of ["SIGINT", "SIGTERM"]) {
  // What is under way is done first.
  process.on(signal, () => worker.close().then(() => process.exit(0)));
}
