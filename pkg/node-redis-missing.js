// What node-redis has and `restis/node-redis` does not: each name with what to do instead. A method that is missing without a
// word would be a TypeError that names no way out.

import { ConfigError } from "restis";

const POLL = "a request over HTTP cannot wait for data: poll with the command that does not block, or use restis/queue";
const SUBSCRIBE = "use subscribe or psubscribe of a Redis client of restis, which receive messages over HTTP";
const STATE = "it belongs to one connection, and requests over HTTP have none";
const WATCH = "a watch belongs to one connection: use a script with eval, which runs as one step";
const SEND = "it is not among the commands this client transforms: send it with sendCommand, whose reply is as the server sends it";
const ADMIN = "it administers a server: use the database's console, or sendCommand where the database permits it";

const names = (text) => text.trim().split(/\s+/);
const METHODS = [
  [POLL, "blMove blMoveM blmPop blPop brPop brPopLPush bzmPop bzPopMax bzPopMin BLMOVE BLMOVEM BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN wait WAIT"],
  [SUBSCRIBE, `subscribe unsubscribe pSubscribe pUnsubscribe sSubscribe sUnsubscribe SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE PUNSUBSCRIBE SSUBSCRIBE SUNSUBSCRIBE
    getPubSubListeners extendPubSubChannelListeners extendPubSubListeners sPublish SPUBLISH pubSubChannels pubSubNumPat pubSubNumSub pubSubShardNumSub
    pubSubShardChannels PUBSUB_CHANNELS PUBSUB_NUMPAT PUBSUB_NUMSUB PUBSUB_SHARDNUMSUB PUBSUB_SHARDCHANNELS`],
  [WATCH, "watch unwatch WATCH UNWATCH setDirtyWatch"],
  [STATE, `select SELECT monitor MONITOR reset resetIfDirty legacy createPool auth AUTH hello HELLO asking ASKING readonly READONLY clientCaching clientGetName
    clientGetRedir clientId clientInfo clientKill clientList clientNoEvict clientNoTouch clientPause clientSetName clientTracking clientTrackingInfo
    clientUnblock clientUnpause CLIENT_CACHING CLIENT_GETNAME CLIENT_GETREDIR CLIENT_ID CLIENT_INFO CLIENT_KILL CLIENT_LIST CLIENT_NO-EVICT CLIENT_NO-TOUCH
    CLIENT_PAUSE CLIENT_SETNAME CLIENT_TRACKING CLIENT_TRACKINGINFO CLIENT_UNBLOCK CLIENT_UNPAUSE swapDb SWAPDB scriptDebug SCRIPT_DEBUG hImportDiscard
    hImportDiscardAll hImportPrepare hImportSet HIMPORT_DISCARD HIMPORT_DISCARDALL HIMPORT_PREPARE HIMPORT_SET`],
  [ADMIN, `
    ACL_CAT ACL_DELUSER ACL_DRYRUN ACL_GENPASS ACL_GETUSER ACL_LIST ACL_LOAD ACL_LOG ACL_LOG_RESET ACL_SAVE ACL_SETUSER ACL_USERS ACL_WHOAMI
    BGREWRITEAOF BGSAVE CLUSTER_ADDSLOTS CLUSTER_ADDSLOTSRANGE CLUSTER_BUMPEPOCH CLUSTER_COUNT-FAILURE-REPORTS CLUSTER_COUNTKEYSINSLOT
    CLUSTER_DELSLOTS CLUSTER_DELSLOTSRANGE CLUSTER_FAILOVER CLUSTER_FLUSHSLOTS CLUSTER_FORGET CLUSTER_GETKEYSINSLOT CLUSTER_INFO
    CLUSTER_KEYSLOT CLUSTER_LINKS CLUSTER_MEET CLUSTER_MYID CLUSTER_MYSHARDID CLUSTER_NODES CLUSTER_REPLICAS CLUSTER_REPLICATE CLUSTER_RESET
    CLUSTER_SAVECONFIG CLUSTER_SET-CONFIG-EPOCH CLUSTER_SETSLOT CLUSTER_SLOTS COMMAND COMMAND_COUNT COMMAND_DOCS COMMAND_GETKEYS
    COMMAND_GETKEYSANDFLAGS COMMAND_INFO COMMAND_LIST CONFIG_GET CONFIG_RESETASTAT CONFIG_REWRITE CONFIG_SET FUNCTION_DUMP FUNCTION_KILL
    FUNCTION_RESTORE FUNCTION_STATS HOTKEYS_GET HOTKEYS_RESET HOTKEYS_START HOTKEYS_STOP LASTSAVE LATENCY_DOCTOR LATENCY_GRAPH
    LATENCY_HISTOGRAM LATENCY_HISTORY LATENCY_LATEST LATENCY_RESET LOLWUT MEMORY_DOCTOR MEMORY_MALLOC-STATS MEMORY_PURGE MEMORY_STATS
    MIGRATE MODULE_LIST MODULE_LOAD MODULE_UNLOAD REPLICAOF RESTORE-ASKING ROLE SCRIPT_KILL aclCat aclDelUser aclDryRun aclGenPass
    aclGetUser aclList aclLoad aclLog aclLogReset aclSave aclSetUser aclUsers aclWhoAmI bgRewriteAof bgSave clusterAddSlots
    clusterAddSlotsRange clusterBumpEpoch clusterCountFailureReports clusterCountKeysInSlot clusterDelSlots clusterDelSlotsRange
    clusterFailover clusterFlushSlots clusterForget clusterGetKeysInSlot clusterInfo clusterKeySlot clusterLinks clusterMeet clusterMyId
    clusterMyShardId clusterNodes clusterReplicas clusterReplicate clusterReset clusterSaveConfig clusterSetConfigEpoch clusterSetSlot
    clusterSlots command commandCount commandDocs commandGetKeys commandGetKeysAndFlags commandInfo commandList configGet configResetStat
    configRewrite configSet functionDump functionKill functionRestore functionStats hotkeysGet hotkeysReset hotkeysStart hotkeysStop
    lastSave latencyDoctor latencyGraph latencyHistogram latencyHistory latencyLatest latencyReset memoryDoctor memoryMallocStats
    memoryPurge memoryStats migrate moduleList moduleLoad moduleUnload replicaOf restoreAsking role scriptKill`],
  [SEND, `
    ARCOUNT ARDEL ARDELRANGE ARGET ARGETRANGE ARGREP ARGREP_WITHVALUES ARINFO ARINSERT ARLASTITEMS ARLEN ARMGET ARMSET ARNEXT AROP ARRING
    ARSCAN ARSEEK ARSET BLESS_CLEAR BLESS_GET BLESS_SCAN BLESS_SET DELEX DIGEST FUNCTION_LIST FUNCTION_LIST_WITHCODE GEORADIUS
    GEORADIUSBYMEMBER GEORADIUSBYMEMBER_RO GEORADIUSBYMEMBER_RO_WITH GEORADIUSBYMEMBER_STORE GEORADIUSBYMEMBER_WITH GEORADIUS_RO
    GEORADIUS_RO_WITH GEORADIUS_STORE GEORADIUS_WITH INCREX INCREXBYFLOAT LMOVEM MSETEX RESTORE SDIFFCARD SUNIONCARD VADD VCARD VDIM VEMB
    VEMB_RAW VGETATTR VINFO VLINKS VLINKS_WITHSCORES VRANDMEMBER VRANGE VREM VSETATTR VSIM VSIM_WITHSCORES XACKDEL XCFGSET XDELEX XNACK
    XSETID arCount arDel arDelRange arGet arGetRange arGrep arGrepWithValues arInfo arInsert arLastItems arLen arMGet arMSet arNext arOp
    arRing arScan arSeek arSet blessClear blessGet blessScan blessSet delEx digest functionList functionListWithCode geoRadius
    geoRadiusByMember geoRadiusByMemberRo geoRadiusByMemberRoWith geoRadiusByMemberStore geoRadiusByMemberWith geoRadiusRo geoRadiusRoWith
    geoRadiusStore geoRadiusWith incrExByFloat increx lMoveM mSetEx restore sDiffCard sUnionCard vAdd vCard vDim vEmb vEmbRaw vGetAttr vInfo
    vLinks vLinksWithScores vRandMember vRange vRem vSetAttr vSim vSimWithScores xAckDel xCfgSet xDelEx xNack xSetId`],
];

/** Each missing method of `client` or `multi()`, with the error that it throws. */
export function missing(what) {
  const one = (name, advice) => () => new ConfigError(`${what}.${name} is not offered by restis/node-redis: ${advice}`);
  return METHODS.flatMap(([advice, text]) => names(text).map((name) => [name, one(name, advice)]));
}

const MODULES = { json: "use redis.json of a Redis client of restis", ft: "use redis.search of a Redis client of restis" };
/** What promises, `util.inspect` and assertions look for on any object. */
const LOOKED_UP = new Set(["then", "catch", "finally", "toJSON", "toString", "valueOf", "constructor", "inspect", "nodeType", "asymmetricMatch"]);

/** Each module of node-redis, as an object whose methods reject. */
export function modules() {
  return names("json ft ts bf cf cms tDigest topK").map((module) => {
    const advice = MODULES[module] ?? "send the command with sendCommand, if the database has it";
    const get = (_, name) =>
      typeof name === "symbol" || LOOKED_UP.has(name) ? undefined : async () => {
        throw new ConfigError(`client.${module}.${name} is not offered by restis/node-redis: ${advice}`);
      };
    return [module, () => new Proxy({}, { get })];
  });
}

/** Options of node-redis about its connection, which have no meaning over HTTP. */
export const UNUSED = names(`socket name pingInterval disableOfflineQueue commandsQueueMaxLength readonly disableClientInfo clientInfoTag RESP
  maintNotifications maintEndpointType maintRelaxedCommandTimeout maintRelaxedSocketTimeout`);

/** Options of node-redis that change what a command does, with what to do instead. */
export const REFUSED = {
  username: "the token is the credential",
  password: "the token is the credential",
  credentialsProvider: "the token is the credential",
  database: "a REST URL has one database",
  keyPrefix: "put the prefix before each key, or set the library's own prefix",
  clientSideCache: "use a cache of restis/helpers",
  emitInvalidate: "use a cache of restis/helpers",
  modules: "send their commands with sendCommand",
  functions: "call them with fCall",
  scripts: "call them with eval or evalSha",
};
