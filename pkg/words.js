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

/** Options of a command: each name is a word; a `1` says that its value follows, a `0` that it is a switch. */
export function options(command, given, known) {
  if (given === undefined) return [];
  if (given === null || typeof given !== "object" || Array.isArray(given) || given instanceof Map) throw new TypeError(`${command}: options are an object, { name: value }`);
  for (const name of Object.keys(given)) {
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

export const list = (value) => (Array.isArray(value) ? value : [value]);
export const counted = (values) => [values.length, ...values];
/** Keys, as several arguments or as one array: a key is never an array itself. */
export const keys = (values) => values.flat();
