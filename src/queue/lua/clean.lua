-- Removes jobs of one state that are older than that. ARGV[3] the state, ARGV[4] the age in milliseconds, ARGV[5] how many at most.
--
-- Gives their ids.
local state, before, most = ARGV[3], now - tonumber(ARGV[4]), tonumber(ARGV[5])
local key, gone = P .. state, {}
local function is_old(id)
    local found = redis.call('HMGET', P .. id, 'finishedOn', 'processedOn', 'timestamp')
    local time = tonumber(found[1] or found[2] or found[3]) or 0
    return time <= before and redis.call('EXISTS', P .. id .. ':lock') == 0
end
local ids
if state == 'wait' or state == 'paused' or state == 'active' then
    ids = redis.call('LRANGE', key, 0, -1)
elseif state == 'completed' or state == 'failed' then
    ids = redis.call('ZRANGEBYSCORE', key, '-inf', int(before), 'LIMIT', 0, most)
else
    ids = redis.call('ZRANGE', key, 0, -1)
end
local is_list = state == 'wait' or state == 'paused' or state == 'active'
for index = #ids, 1, -1 do
    local id = ids[index]
    if #gone < most and is_old(id) and redis.call(is_list and 'LREM' or 'ZREM', key, unpack(is_list and {-1, id} or {id})) > 0 then
        gone[#gone + 1] = id
    end
end
discard(P, gone, true)
event(read_meta(P), 'cleaned', 'count', int(#gone))
return gone
