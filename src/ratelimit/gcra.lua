-- The generic cell rate algorithm: each call moves the time at which all would be paid for, which may be a window ahead.
--
-- KEYS[1]  that time, in Unix microseconds
--
-- Gives how far ahead it is then, and from when on this call will do, both in microseconds.
local each = math.max(1, math.ceil(window * 1000 / math.max(1, limit)))
now = now * 1000
local stored = tonumber(redis.call('GET', KEYS[1]))
local paid = math.max(stored or 0, now)
local due = paid + cost * each
local early = due - limit * each
if mode == 'look' or mode == 'take' and early > now then
    return {early <= now and 1 or 0, paid - now, early, limit}
elseif mode == 'give' then
    due = math.max(now, paid - cost * each)
    if stored and due == now then
        redis.call('DEL', KEYS[1])
    end
end
if due > now then
    redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000))
end
return {1, due - now, 0, limit}
