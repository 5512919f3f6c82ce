//! What INFO answers, by section: [`Info`].

use std::collections::BTreeMap;

use crate::{Error, FromReply, Reply};

type Fields = BTreeMap<String, String>;

/// What a server tells about itself: see [`Redis::info`](crate::Redis::info).
///
/// What the server does not tell, or was not asked for, is `None`. Lines this crate does not know
/// are no error: [`get`](Self::get) has them.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Info {
    /// The program.
    pub server: Server,
    /// Its connections.
    pub clients: Clients,
    /// Its memory.
    pub memory: Memory,
    /// What it writes to disk.
    pub persistence: Persistence,
    /// What it has done since it started.
    pub stats: Stats,
    /// Its part among replicas.
    pub replication: Replication,
    /// The processor time it has used.
    pub cpu: Cpu,
    /// Its databases that have keys, by number.
    pub keyspace: BTreeMap<u32, Keyspace>,
    sections: BTreeMap<String, Fields>,
}

impl Info {
    /// A field as the server wrote it: `info.get("stats", "keyspace_hits")`. Upper and lower case of the
    /// section are the same.
    pub fn get(&self, section: &str, field: &str) -> Option<&str> {
        self.sections
            .get(&section.to_ascii_lowercase())?
            .get(field)
            .map(String::as_str)
    }

    fn parse(text: &str) -> Self {
        let mut sections = BTreeMap::<String, Fields>::new();
        let mut section = String::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('#') {
                section = name.trim().to_ascii_lowercase();
            } else if let Some((field, value)) = line.split_once(':') {
                let fields = sections.entry(section.clone()).or_default();
                fields.insert(field.to_owned(), value.trim_end().to_owned());
            }
        }
        let of = |name: &str| sections.get(name);
        let databases = of("keyspace").into_iter().flatten();
        Self {
            server: Server::read(of("server")),
            clients: Clients::read(of("clients")),
            memory: Memory::read(of("memory")),
            persistence: Persistence::read(of("persistence")),
            stats: Stats::read(of("stats")),
            replication: Replication::read(of("replication")),
            cpu: Cpu::read(of("cpu")),
            keyspace: databases
                .filter_map(|(name, value)| Keyspace::read(name, value))
                .collect(),
            sections,
        }
    }
}

impl FromReply for Info {
    fn from_reply(reply: Reply<'_>) -> Result<Self, Error> {
        reply.text().map(|text| Self::parse(&text))
    }
}

/// A database that has keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keyspace {
    /// How many keys it has.
    pub keys: u64,
    /// How many of them have a time to live.
    pub expires: u64,
    /// How long those have to live on average, in milliseconds, by the server's sample; 0 if it has none.
    pub avg_ttl: u64,
}

impl Keyspace {
    /// From `db0` and `keys=2,expires=1,avg_ttl=59990`.
    fn read(name: &str, value: &str) -> Option<(u32, Self)> {
        let database = name.strip_prefix("db")?.parse().ok()?;
        let number = |wanted: &str| {
            let (_, digits) = value
                .split(',')
                .filter_map(|pair| pair.split_once('='))
                .find(|(name, _)| *name == wanted)?;
            digits.parse().ok()
        };
        let keyspace = Self {
            keys: number("keys")?,
            expires: number("expires").unwrap_or_default(),
            avg_ttl: number("avg_ttl").unwrap_or_default(),
        };
        Some((database, keyspace))
    }
}

/// A type a field can be read as.
trait Field: Sized {
    fn read(text: &str) -> Option<Self>;
}

impl Field for u64 {
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Field for i64 {
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Field for f64 {
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Field for bool {
    fn read(text: &str) -> Option<Self> {
        match text {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        }
    }
}

impl Field for String {
    fn read(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

/// A field has the name the server gives it, so that it is written once.
macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Option<$ty>,)*
        }

        impl $name {
            fn read(fields: Option<&Fields>) -> Self {
                let text = |field| fields.and_then(|fields| fields.get(field));
                Self { $($field: text(stringify!($field)).and_then(|text| Field::read(text)),)* }
            }
        }
    };
}

section! {
    /// The section `server`.
    Server {
        /// The version of Redis it is, or is compatible with.
        redis_version: String,
        /// The version of Valkey it is.
        valkey_version: String,
        /// `standalone`, `sentinel` or `cluster`.
        redis_mode: String,
        /// The operating system.
        os: String,
        /// 32 or 64.
        arch_bits: u64,
        /// The number of its process.
        process_id: u64,
        /// A random name that it has until it starts anew.
        run_id: String,
        /// Its TCP port.
        tcp_port: u64,
        /// For how long it runs.
        uptime_in_seconds: u64,
        /// For how long it runs.
        uptime_in_days: u64,
    }
}

section! {
    /// The section `clients`.
    Clients {
        /// Connections, without those of replicas.
        connected_clients: u64,
        /// How many connections it takes at most.
        maxclients: u64,
        /// Connections that wait in a blocking command.
        blocked_clients: u64,
    }
}

section! {
    /// The section `memory`; sizes are bytes.
    Memory {
        /// What it has allocated.
        used_memory: u64,
        /// What the operating system counts for it.
        used_memory_rss: u64,
        /// The most it had allocated.
        used_memory_peak: u64,
        /// What it needs besides the data.
        used_memory_overhead: u64,
        /// What the data needs.
        used_memory_dataset: u64,
        /// What the machine has.
        total_system_memory: u64,
        /// What it may allocate; 0 is no limit.
        maxmemory: u64,
        /// What it does at that limit: `noeviction`, `allkeys-lru`…
        maxmemory_policy: String,
        /// `used_memory_rss` by `used_memory`.
        mem_fragmentation_ratio: f64,
        /// The allocator and its version.
        mem_allocator: String,
    }
}

section! {
    /// The section `persistence`.
    Persistence {
        /// Whether it reads its data from disk now.
        loading: bool,
        /// Writes since the last snapshot.
        rdb_changes_since_last_save: u64,
        /// Whether it writes a snapshot now.
        rdb_bgsave_in_progress: bool,
        /// The Unix time in seconds of the last snapshot that succeeded.
        rdb_last_save_time: u64,
        /// `ok` or `err`.
        rdb_last_bgsave_status: String,
        /// Whether it writes an append-only file.
        aof_enabled: bool,
        /// Whether it rewrites that file now.
        aof_rewrite_in_progress: bool,
        /// `ok` or `err`.
        aof_last_write_status: String,
    }
}

section! {
    /// The section `stats`; counters begin at 0 when the server starts.
    Stats {
        /// Connections it took.
        total_connections_received: u64,
        /// Commands it ran.
        total_commands_processed: u64,
        /// Commands a second, now.
        instantaneous_ops_per_sec: u64,
        /// Bytes that came in.
        total_net_input_bytes: u64,
        /// Bytes that went out.
        total_net_output_bytes: u64,
        /// Connections refused because of `maxclients`.
        rejected_connections: u64,
        /// Keys that expired.
        expired_keys: u64,
        /// Keys that were evicted because of `maxmemory`.
        evicted_keys: u64,
        /// Reads that found their key.
        keyspace_hits: u64,
        /// Reads that did not.
        keyspace_misses: u64,
        /// Channels with a subscriber.
        pubsub_channels: u64,
        /// Patterns with a subscriber.
        pubsub_patterns: u64,
        /// Replies that were errors.
        total_error_replies: u64,
    }
}

section! {
    /// The section `replication`.
    Replication {
        /// `master` or `slave`.
        role: String,
        /// How many replicas it has.
        connected_slaves: u64,
        /// Of whom it is a replica.
        master_host: String,
        /// Of whom it is a replica.
        master_port: u64,
        /// `up` or `down`.
        master_link_status: String,
        /// The name of the history it writes.
        master_replid: String,
        /// How far that history is, in bytes.
        master_repl_offset: i64,
    }
}

section! {
    /// The section `cpu`; times are seconds.
    Cpu {
        /// In the kernel.
        used_cpu_sys: f64,
        /// In the program.
        used_cpu_user: f64,
        /// In the kernel, by processes it has started.
        used_cpu_sys_children: f64,
        /// In the program, by processes it has started.
        used_cpu_user_children: f64,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

    use super::*;
    use crate::wire::json;

    const SAMPLE: &str = "# Server\r\n\
        redis_version:7.2.4\r\n\
        valkey_version:9.1.0\r\n\
        redis_mode:standalone\r\n\
        os:Linux 6.8.0 x86_64\r\n\
        arch_bits:64\r\n\
        executable:/srv/cache/valkey-server --port:7\r\n\
        uptime_in_seconds:86461\r\n\
        uptime_in_days:1\r\n\
        config_file:\r\n\
        \r\n\
        # Clients\r\n\
        connected_clients:3\r\n\
        maxclients:10000\r\n\
        \r\n\
        # Memory\r\n\
        used_memory:18446744073709551615\r\n\
        used_memory_human:16.00E\r\n\
        maxmemory:lots\r\n\
        maxmemory_policy:allkeys-lru\r\n\
        mem_fragmentation_ratio:1.25\r\n\
        \r\n\
        # Persistence\r\n\
        loading:0\r\n\
        aof_enabled:1\r\n\
        rdb_bgsave_in_progress:maybe\r\n\
        rdb_last_bgsave_status:ok\r\n\
        \r\n\
        # Stats\r\n\
        keyspace_hits:12\r\n\
        keyspace_misses:4\r\n\
        a line without a colon\r\n\
        \r\n\
        # Replication\r\n\
        role:master\r\n\
        master_repl_offset:-1\r\n\
        \r\n\
        # CPU\r\n\
        used_cpu_sys:1.500000\r\n\
        \r\n\
        # Commandstats\r\n\
        cmdstat_get:calls=16,usec=24,usec_per_call=1.50\r\n\
        \r\n\
        # Keyspace\r\n\
        db0:keys=7,expires=2,avg_ttl=59990,subexpiry=0\r\n\
        db11:keys=1\r\n\
        db12:nothing\r\n\
        dbx:keys=1,expires=0,avg_ttl=0\r\n";

    #[test]
    fn sections_are_typed() {
        let text = serde_json::to_string(SAMPLE).unwrap();
        let info: Info = Reply::new(json::Value::parse(text.as_bytes()).unwrap(), false)
            .read()
            .unwrap();
        assert_eq!(info.server.redis_version.as_deref(), Some("7.2.4"));
        assert_eq!(info.server.valkey_version.as_deref(), Some("9.1.0"));
        assert_eq!(info.server.os.as_deref(), Some("Linux 6.8.0 x86_64"));
        assert_eq!(info.server.uptime_in_seconds, Some(86461));
        assert_eq!(info.clients.connected_clients, Some(3));
        assert_eq!(info.memory.used_memory, Some(u64::MAX));
        assert_eq!(info.memory.maxmemory_policy.as_deref(), Some("allkeys-lru"));
        assert_eq!(info.memory.mem_fragmentation_ratio, Some(1.25));
        assert_eq!(info.persistence.loading, Some(false));
        assert_eq!(info.persistence.aof_enabled, Some(true));
        assert_eq!(info.stats.keyspace_hits, Some(12));
        assert_eq!(info.replication.role.as_deref(), Some("master"));
        assert_eq!(info.replication.master_repl_offset, Some(-1));
        assert_eq!(info.cpu.used_cpu_sys, Some(1.5));
        let databases: Vec<_> = info
            .keyspace
            .iter()
            .map(|(db, space)| (*db, space.keys, space.avg_ttl))
            .collect();
        assert_eq!(databases, [(0, 7, 59990), (11, 1, 0)]);
        assert_eq!(info.keyspace[&0].expires, 2);
    }

    #[test]
    fn what_is_not_told_or_not_understood_is_none() {
        let info = Info::parse(SAMPLE);
        assert_eq!(info.clients.blocked_clients, None);
        assert_eq!(info.memory.maxmemory, None);
        assert_eq!(info.persistence.rdb_bgsave_in_progress, None);
        assert_eq!(Info::parse(""), Info::default());
        assert_eq!(
            Info::parse("\r\n#\r\n:\r\nx:y\r\n# Stats\n").stats,
            Stats::default()
        );
    }

    #[test]
    fn every_line_can_be_asked_for() {
        let info = Info::parse(SAMPLE);
        assert_eq!(
            info.get("Commandstats", "cmdstat_get"),
            Some("calls=16,usec=24,usec_per_call=1.50")
        );
        assert_eq!(
            info.get("commandstats", "cmdstat_get"),
            info.get("COMMANDSTATS", "cmdstat_get")
        );
        assert_eq!(
            info.get("server", "executable"),
            Some("/srv/cache/valkey-server --port:7")
        );
        assert_eq!(info.get("server", "config_file"), Some(""));
        assert_eq!(info.get("keyspace", "db12"), Some("nothing"));
        assert_eq!(info.get("stats", "no such field"), None);
        assert_eq!(info.get("no such section", "role"), None);
    }
}
