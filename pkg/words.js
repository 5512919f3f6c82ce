// What every builder of a command uses: arguments and options as words.

/** A missing argument is refused by its place, as `undefined` is. */
export function atLeast(needed, words) {
  return words.length < needed ? [...words, ...Array(needed - words.length)] : words;
}

/** Arguments of which the last may be left out, which is the same as `undefined`. */
export function optional(...words) {
  while (words.length > 0 && words[words.length - 1] === undefined) words.pop();
  return words;
}

/** An argument that has to be an object. The error says what belongs there, and nothing of what came. */
export function record(command, value, rule) {
  if (value === null || typeof value !== "object" || Array.isArray(value) || value instanceof Map) throw new TypeError(`${command}: ${rule}`);
  return value;
}

/** Options of a command: each name is a word; a `1` says that its value follows, a `0` that it is a switch. */
export function options(command, given, known) {
  if (given === undefined) return [];
  for (const name of Object.keys(record(command, given, "options are an object, { name: value }"))) {
    // A misspelt `ex` would otherwise be a key that never expires.
    if (!Object.hasOwn(known, name)) throw new TypeError(`${command}: there is no option ${name}, only ${Object.keys(known).join(", ")}`);
  }
  const words = [];
  for (const name in known) {
    const value = given[name];
    if (value === undefined) continue;
    if (!known[name]) {
      if (value) words.push(name.toUpperCase());
    } else if (value === null) {
      throw new TypeError(`${command}: the option ${name} is null`);
    } else {
      words.push(name.toUpperCase(), value);
    }
  }
  return words;
}

/** A word and its value, or nothing without one. */
export const clause = (word, value) => (value === undefined ? [] : [word, value]);

/** `{ a: 1 }` or a Map as `a 1`. */
export function pairs(command, object) {
  if (object === null || typeof object !== "object") throw new TypeError(`${command}: names and values are an object, { name: value }`);
  return (object instanceof Map ? [...object] : Object.entries(object)).flat();
}

/** Members that are objects, as several arguments or as one array: the values of these names of each. */
export const each = (command, members, names) =>
  members.flat().flatMap((member) => {
    record(command, member, `members are { ${names.join(", ")} }`);
    return names.map((name) => member[name]);
  });

/** Takes the options off that may stand before members, which are objects too. */
export function leadingOptions(args) {
  const [first] = args;
  return first !== null && typeof first === "object" && !Array.isArray(first) && !("member" in first) ? args.shift() : {};
}

/** A script or function on keys: `(which, keys, args)`. */
export const scripted = (word) => (which, keys = [], args = []) => {
  // Text would spread into letters, and the script run on keys that nobody named.
  if (!Array.isArray(keys) || !Array.isArray(args)) throw new TypeError(`${word}: keys and args are arrays`);
  return { words: [word, which, ...counted(keys), ...args] };
};

/** A command that is not sent where its arguments are none: this is its result then. */
export const unlessEmpty = (args, result, command) => (args.length === 0 ? { ...command, nothing: { result: Array.isArray(result) ? [] : result } } : command);

/** A command on any number of members of one key, where none are nothing to do. */
export const ofMembers = (word, nothing, read, decode) => (key, ...args) => {
  const members = read(args);
  return unlessEmpty(members, nothing, { words: [word, key, ...members], decode });
};

export const list = (value) => (Array.isArray(value) ? value : [value]);
export const counted = (values) => [values.length, ...values];
/** Keys, as several arguments or as one array: a key is never an array itself. */
export const keys = (values) => values.flat();
