-- Finished jobs wait for a worker again. ARGV[3] is failed or completed, ARGV[4…] their ids. Gives how many were.
local meta, count, set = read_meta(P), 0, ARGV[3]
for index = 4, #ARGV do
    local id = ARGV[index]
    if redis.call('ZREM', P .. set, id) == 1 then
        local result = set == 'failed' and 'failedReason' or 'returnvalue'
        redis.call('HDEL', P .. id, 'finishedOn', 'processedOn', result)
        put(meta, id, tonumber(redis.call('HGET', P .. id, 'priority')) or 0)
        event(meta, 'waiting', 'jobId', id, 'prev', set)
        count = count + 1
    end
end
if count > 0 then
    wake(meta)
end
return count
