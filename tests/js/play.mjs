// How a rival is played for tests/processes: each line in is a request, each line out its answer.

import { createInterface } from "node:readline";

/** Does what each line asks, by the functions of these names, until there are no more lines. */
export async function play(plays) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, do: what, ...words } = JSON.parse(line);
    plays[what](words).then(
      (answer = null) => console.log(JSON.stringify({ id, answer })),
      (error) => console.log(JSON.stringify({ id, error: String(error) })),
    );
  }
}
