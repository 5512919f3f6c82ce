// The errors of `restis/node-redis`.

import { RedisError, ServerError } from "restis";

/** An error of Redis. Its message begins with Redis's own code, which libraries look for. */
export class ErrorReply extends ServerError {}

/** A call on a client that was closed. */
export class ClientClosedError extends RedisError {
  constructor() {
    super("The client is closed: call connect() first");
  }
}

/** Errors among the replies of a transaction or a pipeline. */
export class MultiErrorReply extends ErrorReply {
  constructor(replies, errorIndexes) {
    super(`${errorIndexes.length} commands failed, see .replies and .errorIndexes for more information`, { replies, errorIndexes });
  }

  *errors() {
    for (const index of this.errorIndexes) yield this.replies[index];
  }
}

// On the prototypes, where a minifier of names cannot reach them.
for (const [name, Class] of Object.entries({ ErrorReply, ClientClosedError, MultiErrorReply })) {
  Object.defineProperty(Class.prototype, "name", { value: name, configurable: true, writable: true });
}

/** An error as node-redis has it: ours puts the command before Redis's words. */
export function asReply(error) {
  if (!(error instanceof ServerError)) return error;
  const { message, command, ...details } = error;
  const words = command && error.message.startsWith(`${command}: `) ? error.message.slice(command.length + 2) : error.message;
  return new ErrorReply(words, { ...details, command, cause: error });
}
