// Sessions and their cookies, over the module of the helpers.

import { ConfigError } from "./errors.js";
import { checked, Helper, json, parsed, text } from "./helper.js";
import * as wasm from "./wasm/helpers.js";

const SESSIONS = {
  namespace: "text", idle: "ms", touchEvery: "ms", absolute: "ms", renewal: "ms", grace: "ms", cap: "some", onAnomaly: "function",
};
const DEVICE = { userAgent: "text", ip: "text" };

/** A session with its data as a value. */
const withData = ({ json, ...session }) => ({ ...session, data: JSON.parse(json) });

export class Sessions {
  #helper;

  constructor(redis, key, options) {
    const given = checked("Sessions", options, SESSIONS);
    const bytes = typeof key === "string" ? new TextEncoder().encode(key) : key;
    if (!(bytes instanceof Uint8Array)) throw new ConfigError("Sessions: the key is neither text nor a Uint8Array");
    this.#helper = new Helper("Sessions", redis, (client) => new wasm.Sessions(client, bytes, given));
  }

  #user(user) {
    return text("Sessions: the user", user);
  }

  #token(token) {
    if (typeof token === "string") return token;
    throw new TypeError("Sessions: the token is not text");
  }

  async create(user, data, options) {
    return this.#helper.call("create", this.#user(user), json("Sessions: the data", data), false, checked("Sessions", options, DEVICE));
  }

  async createAnonymous(data, options) {
    return this.#helper.call("create", undefined, json("Sessions: the data", data), false, checked("Sessions", options, DEVICE));
  }

  async createRefresh(user, data, options) {
    return this.#helper.call("create", this.#user(user), json("Sessions: the data", data), true, checked("Sessions", options, DEVICE));
  }

  async validate(token, options) {
    const session = await this.#helper.call("validate", this.#token(token), checked("Sessions", options, DEVICE));
    return session && withData(session);
  }

  async update(token, change) {
    if (typeof change !== "function") throw new TypeError("Sessions: the change is not a function");
    const changed = async (data) => {
      const value = JSON.parse(data);
      const made = await change(value);
      // One that changes what it got need not return it.
      return json("Sessions: the data", made === undefined ? value : made);
    };
    return parsed(await this.#helper.call("update", this.#token(token), changed)) ?? null;
  }

  async rotate(token, options) {
    return this.#helper.call("rotate", this.#token(token), checked("Sessions", options, { user: "text", grace: "ms" }));
  }

  async refresh(token) {
    const { session, ...found } = await this.#helper.call("refresh", this.#token(token));
    return session === undefined ? found : { ...found, session: withData(session) };
  }

  async revoke(token) {
    await this.#helper.call("revoke", this.#token(token));
  }

  async revokeDevice(user, id) {
    await this.#helper.call("revokeDevice", this.#user(user), text("Sessions: the id", id));
  }

  async revokeAll(user) {
    await this.#helper.call("revokeAll", this.#user(user));
  }

  async revokeOthers(token) {
    return this.#helper.call("revokeOthers", this.#token(token));
  }

  async list(user) {
    return this.#helper.call("list", this.#user(user));
  }

  async listPage(user, options) {
    const { cursor, count = 1000 } = checked("Sessions", options, { cursor: "text", count: "some" });
    return this.#helper.call("listPage", this.#user(user), cursor, count);
  }

  async count(user) {
    return this.#helper.call("count", this.#user(user));
  }

  async csrfToken(token) {
    return (await this.#helper.call("csrfToken", this.#token(token))) ?? null;
  }

  async isCsrfToken(token, csrf) {
    return this.#helper.call("isCsrfToken", this.#token(token), String(csrf));
  }
}

export class Cookie {
  #make;
  #made;

  constructor(name, options) {
    const given = checked("Cookie", options, { lax: "flag", maxAge: "ms" });
    const named = text("Cookie: the name", name);
    this.#make = () => new wasm.Cookie(named, given);
  }

  #cookie() {
    return (this.#made ??= this.#make());
  }

  set(token) {
    return this.#cookie().set(token);
  }

  clear() {
    return this.#cookie().clear();
  }

  read(header) {
    return header === null || header === undefined ? null : (this.#cookie().read(header) ?? null);
  }
}
