// A Lua script: sent by its hash, and as text only when the server does not know it.

/** The SHA-1 of a text by the platform, or nothing where a page that was not served safely has none. */
async function sha1(text) {
  const digest = await globalThis.crypto?.subtle?.digest("SHA-1", new TextEncoder().encode(text));
  return digest && Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

class Base {
  #hash;

  constructor(redis, script) {
    if (typeof script !== "string") throw new TypeError("createScript: the script is not a string");
    Object.defineProperty(this, "redis", { value: redis });
    this.script = script;
  }

  /** The hash by which the server knows the script. Where the platform has no SHA-1, the server says it. */
  async hash() {
    return (this.#hash ??= (await sha1(this.script)) ?? (await this.redis.scriptLoad(this.script)));
  }
}

/**
 * Whether a script can return an error like that for a script which the server does not know, after it has written: its text
 * has that error's code, or it returns errors of its own and its arguments have the code.
 */
function raises(script, words) {
  return script.includes("NOSCRIPT") || (script.includes("err") && String(words).includes("NOSCRIPT"));
}

/** The script by its text, when the server does not know its hash. It did not run then. */
async function either(script, words, byHash, byText) {
  if (raises(script, words)) return byText();
  try {
    return await byHash();
  } catch (error) {
    // An error that a script raised ends with the script and the line.
    if (error?.code !== "NOSCRIPT" || error.message.includes("user_script")) throw error;
    return byText();
  }
}

export class Script extends Base {
  eval(keys, args) {
    return this.redis.eval(this.script, keys, args);
  }

  async evalsha(keys, args) {
    return this.redis.evalsha(await this.hash(), keys, args);
  }

  exec(keys, args) {
    return either(this.script, [keys, args], () => this.evalsha(keys, args), () => this.eval(keys, args));
  }
}

/** The same as EVAL_RO and EVALSHA_RO: the server refuses writes, and a lost answer is asked for again. */
export class ScriptRO extends Base {
  evalRo(keys, args) {
    return this.redis.evalRo(this.script, keys, args);
  }

  async evalshaRo(keys, args) {
    return this.redis.evalshaRo(await this.hash(), keys, args);
  }

  exec(keys, args) {
    return either(this.script, [keys, args], () => this.evalshaRo(keys, args), () => this.evalRo(keys, args));
  }
}
