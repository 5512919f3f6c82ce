-- Removes the queue and all of its jobs, up to ARGV[4] jobs at a time. It must be paused, and none may be active unless ARGV[3] is 1.
--
-- Returns 0 when nothing is left, 1 if there is more, -1 if it is not paused, -2 if jobs are active.
if redis.call('HEXISTS', P .. 'meta', 'paused') == 0 then
    -- The first of two equal requests may have removed it.
    return redis.call('EXISTS', unpack(KEYS)) == 0 and 0 or -1
end
if ARGV[3] ~= '1' and redis.call('LLEN', P .. 'active') > 0 then
    return -2
end
local room = tonumber(ARGV[4])
local function remove_all(ids)
    discard(P, ids, true)
    room = room - #ids
end
for _, list in ipairs({'active', 'wait', 'paused'}) do
    if room > 0 then
        local ids = redis.call('LRANGE', P .. list, 0, room - 1)
        redis.call('LTRIM', P .. list, #ids, -1)
        remove_all(ids)
    end
end
for _, set in ipairs({'prioritized', 'delayed', 'completed', 'failed', 'waiting-children'}) do
    if room > 0 then
        local ids = redis.call('ZRANGE', P .. set, 0, room - 1)
        redis.call('ZREMRANGEBYRANK', P .. set, 0, #ids - 1)
        remove_all(ids)
    end
end
if room > 0 then
    local schedulers, keys = redis.call('ZRANGE', P .. 'repeat', 0, room - 1), {}
    for index, scheduler in ipairs(schedulers) do
        keys[index] = P .. 'repeat:' .. scheduler
    end
    each_part(keys, function(...)
        redis.call('DEL', ...)
    end)
    redis.call('ZREMRANGEBYRANK', P .. 'repeat', 0, #schedulers - 1)
    room = room - #schedulers
end
if room <= 0 then
    return 1
end
redis.call('DEL', P .. 'metrics:completed', P .. 'metrics:completed:data', P .. 'metrics:failed', P .. 'metrics:failed:data', unpack(KEYS))
return 0
