-- Finished jobs wait for a worker again. ARGV[3] is failed or completed, ARGV[4…] their ids.
--
-- A parent waits again for a child that is retried. Returns how many were retried.
local meta, count, set = read_meta(P), 0, ARGV[3]
check(set == 'failed' or set == 'completed', 'the state')

-- The parent counts the child as open again.
local function reopen(child, found)
    local q, id = parent_of(found[4], found[3])
    if not q or redis.call('EXISTS', q .. id) == 0 then
        return
    end
    local job, was = q .. id, 0
    if set == 'completed' then
        was = redis.call('HDEL', job .. ':processed', child)
    else
        was = redis.call('ZREM', job .. ':unsuccessful', child) + redis.call('HDEL', job .. ':failed', child)
    end
    if was > 0 then
        redis.call('SADD', job .. ':dependencies', child)
    end
end

for index = 4, #ARGV do
    local id = ARGV[index]
    if redis.call('ZREM', P .. set, id) == 1 then
        local job = P .. id
        local found = redis.call('HMGET', job, 'name', 'priority', 'parentKey', 'parent', 'opts')
        -- A job whose hash was evicted is dropped.
        if found[1] then
            redis.call('HDEL', job, 'finishedOn', 'processedOn', 'settled', 'defa', set == 'failed' and 'failedReason' or 'returnvalue')
            local ok, opts = pcall(cjson.decode, found[5] or '')
            put(meta, id, tonumber(found[2]) or 0, ok and type(opts) == 'table' and opts.lifo == true)
            if found[3] or found[4] then
                reopen(job, found)
            end
            event(meta, 'waiting', 'jobId', id, 'prev', set)
            count = count + 1
        end
    end
end
if count > 0 then
    wake(meta)
end
return count
