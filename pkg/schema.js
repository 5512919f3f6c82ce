// `s`: the fields of an index, written out. Each is the plain object that a schema takes, with methods that add to it.

class Field {
  constructor(field) {
    Object.assign(this, field);
  }
}

const flag = (name) => function () {
  return new this.constructor({ ...this, [name]: true });
};

function from(path) {
  return new this.constructor({ ...this, from: path });
}

/** A kind of field with the methods it has. */
function kind(methods) {
  class Kind extends Field {}
  for (const [name, value] of Object.entries(methods)) Object.defineProperty(Kind.prototype, name, { value, writable: true });
  return (field) => new Kind(field);
}

const text = kind({ noTokenize: flag("noTokenize"), noStem: flag("noStem"), from });
const numeric = kind({ from });
const optional = kind({ fast: flag("fast"), from });
const plain = kind({});

export const s = {
  string: () => text({ type: "TEXT" }),
  number: (type = "F64") => numeric({ type, fast: true }),
  boolean: () => optional({ type: "BOOL" }),
  date: () => optional({ type: "DATE" }),
  keyword: () => plain({ type: "KEYWORD" }),
  facet: () => plain({ type: "FACET" }),
  object: (fields) =>
    Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field instanceof Field ? { ...field } : field])),
};
