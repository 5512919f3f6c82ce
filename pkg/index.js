// What the package is: the client, its errors, and what they are used with.

export {
  ConfigError,
  ConnectError,
  DecodeError,
  errors,
  HttpError,
  InterruptedError,
  RedisError,
  ServerError,
  TimeoutError,
  TooLargeError,
} from "./errors.js";
export { s } from "./schema.js";
export { SearchIndex, VectorIndex } from "./search.js";
export { init } from "./engine.js";
export { Pipeline, Redis } from "./redis.js";
export { Script, ScriptRO } from "./script.js";
export { Subscriber } from "./subscriber.js";
