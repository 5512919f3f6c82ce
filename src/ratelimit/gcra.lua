-- The generic cell rate algorithm: each call moves the time at which all would be paid for, which may be a window ahead.
--
-- KEYS[1]  that time, in Unix microseconds; behind a colon how far ahead a penalty has put it, where that is more
--
-- Returns how far ahead it is then, and from when on this call will do, both in microseconds.
local each = math.max(1, math.ceil(window * 1000 / math.max(1, limit)))
now = now * 1000
local stored, far = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+):?(%d*)$')
stored, far = tonumber(stored), tonumber(far) or 0
local most, apart = limit * each, 0
if stored and stored > now + math.max(most, far) then
    local left = redis.call('PTTL', KEYS[1])
    if left > 0 then
        apart = stored - left * 1000 - now
        now = now + apart
    else
        stored = nil
    end
end
local paid = math.max(stored or 0, now)
local due = paid + cost * each
local early = due - most
if mode == 'look' or mode == 'take' and early > now then
    return {early <= now and 1 or 0, paid - now, early - apart, limit}
elseif mode == 'give' then
    due = math.max(now, paid - cost * each)
    if stored and due == now then
        redis.call('DEL', KEYS[1])
    end
end
if due > now then
    due = math.min(due, now + century * 1000)
    local text = string.format('%.0f', due)
    if due - now > most then
        text = text .. string.format(':%.0f', due - now)
    end
    redis.call('SET', KEYS[1], text, 'PX', math.ceil((due - now) / 1000))
end
return {1, due - now, 0, limit}
