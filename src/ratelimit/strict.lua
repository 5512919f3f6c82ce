-- Counts in parts of a window, and takes the oldest part that reaches into it whole: there is never more than the limit
-- in any window.
--
-- KEYS[1]  the counts: `part:count,part:count`, the oldest first
-- ARGV[8]  a part of the window, in milliseconds
--
-- Returns what is counted, and when so much of it is over that this call will do.
local part = tonumber(ARGV[8])
local stored = redis.call('GET', KEYS[1]) or ''
local last, apart = tonumber(string.match(stored, '(%d+):%d+$')), 0
if last and last * part > now + window then
    local left = redis.call('PTTL', KEYS[1])
    if left > 0 then
        apart = (last + 1) * part + window - left - now
        now = now + apart
    else
        stored = ''
    end
end
local parts, sum, newest = {}, 0, math.floor(now / part)
for number, count in string.gmatch(stored, '(%d+):(%d+)') do
    number, count = tonumber(number), tonumber(count)
    -- A call whose clock is behind counts in the newest part.
    newest = math.max(newest, number)
    if number >= math.floor((now - window) / part) then
        parts[#parts + 1] = {number, count}
        sum = sum + count
    end
end
if asks and (mode == 'look' or sum + cost > limit) then
    local over, at = sum + cost - limit, 0
    for _, entry in ipairs(over > 0 and parts or {}) do
        over = over - entry[2]
        at = (entry[1] + 1) * part + window
        if over <= 0 then
            break
        end
    end
    return {at == 0 and sum + cost <= limit and 1 or 0, sum, at == 0 and 0 or at - apart, limit}
elseif mode == 'give' then
    local back = math.min(cost, sum)
    sum = sum - back
    for index = #parts, 1, -1 do
        local here = math.min(back, parts[index][2])
        parts[index][2] = parts[index][2] - here
        back = back - here
    end
else
    sum = sum + cost
    if #parts > 0 and parts[#parts][1] == newest then
        parts[#parts][2] = parts[#parts][2] + cost
    else
        parts[#parts + 1] = {newest, cost}
    end
end
local texts = {}
for _, entry in ipairs(parts) do
    if entry[2] > 0 then
        texts[#texts + 1] = string.format('%.0f:%.0f', entry[1], entry[2])
    end
end
if #texts > 0 then
    redis.call('SET', KEYS[1], table.concat(texts, ','), 'PX', (newest + 1) * part + window - now)
elseif mode == 'give' then
    redis.call('DEL', KEYS[1])
end
return {1, sum, 0, limit}
