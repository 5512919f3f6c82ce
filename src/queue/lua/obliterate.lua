-- Removes the queue and all of its jobs, up to ARGV[4] jobs at a time. It must be paused, and none may be active unless ARGV[3] is 1.
--
-- Gives 0 when nothing is left, 1 if there is more, -1 if it is not paused, -2 if jobs are active.
if redis.call('HEXISTS', P .. 'meta', 'paused') == 0 then
    return -1
end
if ARGV[3] ~= '1' and redis.call('LLEN', P .. 'active') > 0 then
    return -2
end
local most, gone = tonumber(ARGV[4]), {}
local function take_all(ids)
    for _, id in ipairs(ids) do
        gone[#gone + 1] = id
    end
    most = most - #ids
end
for _, list in ipairs({'active', 'wait', 'paused'}) do
    if most > 0 then
        local ids = redis.call('LRANGE', P .. list, 0, most - 1)
        take_all(ids)
        redis.call('LTRIM', P .. list, #ids, -1)
    end
end
for _, set in ipairs({'prioritized', 'delayed', 'completed', 'failed', 'waiting-children'}) do
    if most > 0 then
        local ids = redis.call('ZRANGE', P .. set, 0, most - 1)
        take_all(ids)
        redis.call('ZREMRANGEBYRANK', P .. set, 0, #ids - 1)
    end
end
discard(P, gone, true)
if most <= 0 then
    return 1
end
for _, scheduler in ipairs(redis.call('ZRANGE', P .. 'repeat', 0, -1)) do
    redis.call('DEL', P .. 'repeat:' .. scheduler)
end
redis.call('DEL', P .. 'metrics:completed', P .. 'metrics:completed:data', P .. 'metrics:failed', P .. 'metrics:failed:data', unpack(KEYS))
return 0
