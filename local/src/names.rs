//! What is known about commands by their names alone.

use crate::request::Command;

/// Not part of the REST API: they belong to a connection, and the connection behind is everybody's.
pub(crate) const CONNECTION_ONLY: &str = "asking auth client discard exec hello monitor multi psubscribe punsubscribe quit \
    readonly readwrite reset ssubscribe subscribe sunsubscribe unsubscribe unwatch watch";

/// Not part of it either: they administer one server, which the cloud does itself.
pub(crate) const SERVER_ONLY: &str = "bgrewriteaof bgsave cluster debug failover migrate module move pfdebug pfselftest \
    psync replconf replicaof restore-asking save shutdown slaveof swapdb sync";

/// Not for a read-only token although COMMAND calls none of them a write: what may write all the same,
/// and reads of the whole database.
pub(crate) const POWERFUL: &str = "eval evalsha fcall function keys publish scan script spublish";

/// What reads, for a server that does not tell; it lets a read-only token use nothing else.
pub(crate) const READS: &str = "bitcount bitfield_ro bitpos command dbsize dump echo eval_ro evalsha_ro exists expiretime \
    fcall_ro geodist geohash geopos georadius_ro georadiusbymember_ro geosearch get getbit getrange hexists \
    hexpiretime hget hgetall hkeys hlen hmget hpexpiretime hpttl hrandfield hscan hstrlen httl hvals info lcs \
    lindex llen lpos lrange memory mget object pexpiretime pfcount ping pttl pubsub randomkey scard sdiff select \
    sinter sintercard sismember smembers smismember sort_ro srandmember sscan strlen substr sunion time touch \
    ttl type wait waitaof xinfo xlen xpending xrange xread xrevrange zcard zcount zdiff zinter zintercard \
    zlexcount zmscore zrandmember zrange zrangebylex zrangebyscore zrank zrevrange zrevrangebylex \
    zrevrangebyscore zrevrank zscan zscore zunion";

/// The rest that it must tell apart: what blocks, and what is answered differently here.
pub(crate) const OTHERS: &str = "blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin config copy eval evalsha \
    scan script unlink xreadgroup zrangestore";

/// Of the JSON commands, which most servers know from a module, if at all.
pub(crate) const JSON_READS: &str = "json.arrindex json.arrlen json.debug json.get json.mget json.objkeys json.objlen \
    json.resp json.strlen json.type";

/// What CONFIG SET may change; a star stands for the end of a name.
pub(crate) const SETTINGS: &str = "active-expire-effort activedefrag active-defrag-* busy-reply-threshold commandlog-* \
    hash-max-* hll-sparse-max-bytes latency-monitor-threshold latency-tracking* lazyfree-* lfu-* list-max-* \
    list-compress-depth lua-time-limit maxmemory maxmemory-* notify-keyspace-events proto-max-bulk-len set-max-* \
    slowlog-* stream-node-max-* tracking-table-max-keys zset-max-*";

/// Commands that are counted with their subcommand.
const CONTAINERS: &str = "acl client cluster command config function latency memory object pubsub script slowlog \
    xgroup xinfo";

/// Whether this is one of the JSON commands, which may have a server of their own.
pub(crate) fn is_json(command: Command<'_>) -> bool {
    let head = command.name().first_chunk::<5>();
    head.is_some_and(|head| head.eq_ignore_ascii_case(b"json."))
}

/// The name under which a command is counted.
pub(crate) fn counted_name(command: Command<'_>) -> String {
    let name = text(command.name());
    let is_container = CONTAINERS
        .split_whitespace()
        .any(|container| container.eq_ignore_ascii_case(&name));
    let name = match command.arg(1).filter(|_| is_container) {
        Some(subcommand) => format!("{name} {}", text(subcommand)),
        None => name,
    };
    name.to_ascii_uppercase()
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
