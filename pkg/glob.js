// Redis' glob patterns, in time that grows with the pattern times the text: no pattern makes it slow.

const bytes = new TextEncoder();
const STAR = -1;

/** The byte that a comma is. */
export const COMMA = 44;

/** What each part of a pattern takes: `STAR`, or whether it takes a byte. Parts are read as Redis reads them, byte by byte. */
function parse(pattern) {
  const p = bytes.encode(pattern);
  const parts = [];
  for (let at = 0; at < p.length; at += 1) {
    let byte = p[at];
    if (byte === 42) {
      if (parts.at(-1) !== STAR) parts.push(STAR);
    } else if (byte === 63) {
      parts.push(() => true);
    } else if (byte === 91) {
      const not = p[at + 1] === 94;
      const set = new Uint8Array(256);
      for (at += not ? 2 : 1; at < p.length && p[at] !== 93; at += 1) {
        if (p[at] === 92 && at + 1 < p.length) {
          set[p[(at += 1)]] = 1;
        } else if (at + 2 < p.length && p[at + 1] === 45) {
          const [from, to] = [p[at], p[at + 2]].sort((a, b) => a - b);
          set.fill(1, from, to + 1);
          at += 2;
        } else {
          set[p[at]] = 1;
        }
      }
      parts.push((byte) => (set[byte] === 1) !== not);
    } else {
      if (byte === 92 && at + 1 < p.length) byte = p[(at += 1)];
      const literal = byte;
      parts.push((byte) => byte === literal);
    }
  }
  return parts;
}

/**
 * A function of bytes: the length of the shortest beginning that the pattern means and `end` follows, or -1. Without `end` the
 * pattern must mean all of them.
 */
export function glob(pattern) {
  const parts = parse(pattern);
  return (text, end) => {
    // All places in the pattern that the bytes so far can have reached.
    let here = new Uint8Array(parts.length + 1);
    let next = new Uint8Array(parts.length + 1);
    const pass = (states) => {
      for (let at = 0; at < parts.length; at += 1) if (states[at] === 1 && parts[at] === STAR) states[at + 1] = 1;
    };
    here[0] = 1;
    pass(here);
    for (let at = 0; at <= text.length; at += 1) {
      // Redis means nothing at all by a star.
      const meant = here[parts.length] === 1 && (at > 0 || parts.length === 0);
      if (at === text.length) return meant && end === undefined ? at : -1;
      if (meant && text[at] === end) return at;
      next.fill(0);
      let any = false;
      for (let part = 0; part < parts.length; part += 1) {
        if (here[part] === 0) continue;
        if (parts[part] === STAR) next[part] = 1;
        else if (parts[part](text[at])) next[part + 1] = 1;
        else continue;
        any = true;
      }
      if (!any) return -1;
      pass(next);
      [here, next] = [next, here];
    }
  };
}
