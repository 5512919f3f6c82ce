-- Delayed jobs wait for a worker at once. ARGV[3…] their ids. Returns how many were delayed.
local meta, count = read_meta(P), 0
for index = 3, #ARGV do
    local id = ARGV[index]
    if redis.call('ZREM', P .. 'delayed', id) == 1 then
        local found = redis.call('HMGET', P .. id, 'name', 'priority')
        -- A job whose hash was evicted is dropped.
        if found[1] then
            put(meta, id, tonumber(found[2]) or 0)
            redis.call('HSET', P .. id, 'delay', '0')
            event(meta, 'waiting', 'jobId', id, 'prev', 'delayed')
            count = count + 1
        end
    end
end
if count > 0 then
    wake(meta)
end
return count
