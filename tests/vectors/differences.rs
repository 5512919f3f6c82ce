//! Where a result of restis is not that of @upstash/redis, each with what it is and why.

/// Pairs are pairs.
pub(crate) const PAIRS: &str = "members with scores and fields with values are pairs; there one flat list, or an \
                                object that loses the order and a field that comes twice";
pub(crate) const BY_ORDER: &str = "HMGET, HGETEX and HGETDEL give the values in the order of the fields, each with its \
                                   own nil; there an object, or null where every value is nil";
pub(crate) const EMPTY: &str =
    "no fields and no entries are an empty map or list; there null, beside objects";
pub(crate) const SCANS: &str =
    "a scan is a stream of its elements, whose cursors nobody sees; there one page and its cursor";
pub(crate) const GUESSED: &str =
    "text is text unless `Json<T>` asks; there text that is JSON becomes what it says";
pub(crate) const DONE: &str =
    "SET and JSON.SET with a condition say whether they did it; there \"OK\" or null";
pub(crate) const COPIED: &str =
    "COPY says whether it did it; there the words COPIED and NOT_COPIED";
pub(crate) const PLACES: &str = "GEOPOS gives for each member its place or nil; there a member without a place is \
                                 left out, so that those behind it move up";
pub(crate) const MEMBERS: &str =
    "a search for members gives members; there objects with a member each";
pub(crate) const ENTRIES: &str = "entries of a stream are a list of IDs with fields; there an object by ID, which reads \
                                  text as JSON and rounds long numbers";
pub(crate) const NAMED: &str =
    "XINFO gives structs; there the flat list of names and values that the server sends";
pub(crate) const FORMATTED: &str =
    "JSON.GET with INDENT, NEWLINE or SPACE gives the text that was asked for; there it is parsed";
pub(crate) const HANDLES: &str =
    "making an index is a command with a reply; there a handle comes back, and the reply is lost";
pub(crate) const FLAT: &str =
    "a hit has the server's names of its fields (`o.k`); there they are folded into objects";
pub(crate) const COUNTED: &str = "SEARCH.COUNT gives the number, or that there is no index; there an object with a \
                                  `count`, which is -1 then";
pub(crate) const NEAREST: &str =
    "VECTOR.QUERY gives pairs of ID and score; there objects with both";

pub(crate) const ALL: &[&str] = &[
    PAIRS, BY_ORDER, EMPTY, SCANS, GUESSED, DONE, COPIED, PLACES, MEMBERS, ENTRIES, NAMED,
    FORMATTED, HANDLES, FLAT, COUNTED, NEAREST,
];
