-- Lets no job begin (ARGV[3] is 1), or lets them begin again.
--
-- Before version 6 those that wait are kept in a list of their own while the queue is paused.
if ARGV[3] == '1' then
    redis.call('HSET', P .. 'meta', 'paused', '1')
    local meta = read_meta(P)
    if meta.list ~= P .. 'wait' and redis.call('EXISTS', P .. 'wait') == 1 then
        local waiting = redis.call('LRANGE', P .. 'wait', 0, -1)
        each_part(waiting, function(...)
            redis.call('RPUSH', meta.list, ...)
        end)
        redis.call('DEL', P .. 'wait')
    end
    redis.call('DEL', P .. 'marker')
    event(meta, 'paused')
    return 1
end
redis.call('HDEL', P .. 'meta', 'paused')
local meta = read_meta(P)
local kept = redis.call('LRANGE', P .. 'paused', 0, -1)
-- They came first, and go first.
each_part(kept, function(...)
    redis.call('RPUSH', P .. 'wait', ...)
end)
redis.call('DEL', P .. 'paused')
if redis.call('LLEN', P .. 'wait') + redis.call('ZCARD', P .. 'prioritized') > 0 then
    wake(meta)
end
wake_later(meta)
event(meta, 'resumed')
return 0
