-- Lets no job begin (ARGV[3] is 1), or lets them begin again.
--
-- Before version 6 the waiting jobs of a paused queue are kept in a list of their own. That list is renamed; where both lists
-- have jobs, the shorter one is moved, up to ARGV[4] jobs at a time.
--
-- Returns 1 if there is more to move.
local window = tonumber(ARGV[4])

-- Makes one list of both. The jobs of `paused` came first, and go first. Returns whether it is done.
local function join(into)
    local wait, paused = P .. 'wait', P .. 'paused'
    local younger, older = redis.call('LLEN', wait), redis.call('LLEN', paused)
    if younger > 0 and older > 0 then
        if younger <= older then
            local ids = redis.call('LRANGE', wait, -window, -1)
            local turned = {}
            for index = #ids, 1, -1 do
                turned[#turned + 1] = ids[index]
            end
            each_part(turned, function(...)
                redis.call('LPUSH', paused, ...)
            end)
            redis.call('LTRIM', wait, 0, -#ids - 1)
            younger = younger - #ids
        else
            local ids = redis.call('LRANGE', paused, 0, window - 1)
            each_part(ids, function(...)
                redis.call('RPUSH', wait, ...)
            end)
            redis.call('LTRIM', paused, #ids, -1)
            older = older - #ids
        end
        if younger > 0 and older > 0 then
            return false
        end
    end
    local all = younger > 0 and wait or paused
    if younger + older > 0 and all ~= into then
        redis.call('RENAME', all, into)
    end
    return true
end

if ARGV[3] == '1' then
    redis.call('HSET', P .. 'meta', 'paused', '1')
    local meta = read_meta(P)
    redis.call('DEL', P .. 'marker')
    if meta.list ~= P .. 'wait' and not join(meta.list) then
        return 1
    end
    event(meta, 'paused')
    return 0
end
if not join(P .. 'wait') then
    return 1
end
redis.call('HDEL', P .. 'meta', 'paused')
local meta = read_meta(P)
if redis.call('LLEN', P .. 'wait') + redis.call('ZCARD', P .. 'prioritized') > 0 then
    wake(meta)
end
wake_later(meta)
event(meta, 'resumed')
return 0
