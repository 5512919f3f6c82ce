//! Where restis differs from @upstash/redis 1.39.0: what each does. COMMANDS.md has them as a table.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Difference {
    pub(crate) ours: &'static str,
    pub(crate) theirs: &'static str,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Theirs loses something, or does what its caller did not ask for.
    Bug,
    /// The same in another shape, as Rust wants it.
    Shape,
    /// Other words that a server takes for the same, or that it does not take from theirs.
    Words,
}

const fn bug(ours: &'static str, theirs: &'static str) -> Difference {
    Difference {
        ours,
        theirs,
        kind: Kind::Bug,
    }
}

const fn shape(ours: &'static str, theirs: &'static str) -> Difference {
    Difference {
        kind: Kind::Shape,
        ..bug(ours, theirs)
    }
}

const fn words(ours: &'static str, theirs: &'static str) -> Difference {
    Difference {
        kind: Kind::Words,
        ..bug(ours, theirs)
    }
}

// In results.
pub(crate) const PLACES: Difference = bug(
    "for each member its place or nil",
    "a member without a place is left out, so that those behind it move up",
);
pub(crate) const GUESSED: Difference = bug(
    "text, unless `Json<T>` asks for more",
    "text that is JSON becomes what it says, whoever wrote it",
);
pub(crate) const BY_ORDER: Difference = bug(
    "the values in the order of the fields, each with its own nil",
    "an object whose long numbers are rounded; null where every value is nil",
);
pub(crate) const ENTRIES: Difference = bug(
    "a list of IDs with their fields",
    "an object by ID, whose long numbers are rounded, and which keeps one of a field that comes twice",
);
pub(crate) const PAIRS: Difference = shape(
    "pairs: members with scores, fields with values",
    "one flat list, or an object",
);
pub(crate) const EMPTY: Difference = shape("an empty map or list where there is nothing", "null");
pub(crate) const SCANS: Difference = shape(
    "a stream of elements, whose cursors nobody sees",
    "one page and its cursor",
);
pub(crate) const DONE: Difference = shape(
    "with a condition, whether it was done: `bool`",
    "`\"OK\"` or null",
);
pub(crate) const COPIED: Difference = shape(
    "whether it was done: `bool`",
    "`\"COPIED\"` or `\"NOT_COPIED\"`",
);
pub(crate) const MEMBERS: Difference = shape("members", "objects with a member each");
pub(crate) const NAMED: Difference = shape(
    "structs",
    "the flat lists of names and values that the server sends",
);
pub(crate) const FORMATTED: Difference = shape(
    "with INDENT, NEWLINE or SPACE the text that was asked for",
    "the text is parsed",
);
pub(crate) const HANDLES: Difference = shape(
    "the reply, which says whether the index was made",
    "a handle of the index; the reply is lost",
);
pub(crate) const FLAT: Difference = shape(
    "the fields of a hit by the server's names (`o.k`)",
    "folded into objects",
);
pub(crate) const COUNTED: Difference = shape(
    "the number, or that there is no index",
    "an object with a `count`, which is -1 then",
);
pub(crate) const NEAREST: Difference = shape("pairs of ID and score", "objects with both");

// In words.
pub(crate) const QUOTED: Difference = words(
    "every value as JSON: `x` goes out as `\"x\"`",
    "text as it is, so that `x` is refused unless its caller quotes it",
);
pub(crate) const PATH: Difference = words(
    "the path always",
    "no path where none is given: then the server answers for an older path, in another shape",
);
pub(crate) const NO_BLOCK: Difference = words(
    "no BLOCK, which waits on a connection",
    "BLOCK, which is not served over REST",
);
pub(crate) const METERS: Difference = words("no unit: meters are the server's choice", "`M`");
pub(crate) const EXACT: Difference =
    words("nothing, which is exact", "`=`, and by its own choice `~`");
pub(crate) const OPTIONS: Difference = words(
    "the options behind what they are options of",
    "the options in front; the server takes them in any order",
);

pub(crate) const ALL: &[Difference] = &[
    PLACES, GUESSED, BY_ORDER, ENTRIES, PAIRS, EMPTY, SCANS, DONE, COPIED, MEMBERS, NAMED,
    FORMATTED, HANDLES, FLAT, COUNTED, NEAREST, QUOTED, PATH, NO_BLOCK, METERS, EXACT, OPTIONS,
];
