-- Counts in parts of a window, and takes the oldest part that reaches into it whole: there is never more than the limit
-- in any window.
--
-- KEYS[1]  the counts: `part:count,part:count`, the oldest first
-- ARGV[1]  how much this call counts; 0 only looks
-- ARGV[2]  the limit
-- ARGV[3]  the window, in milliseconds
-- ARGV[4]  a part of it, in milliseconds
-- ARGV[5]  now, in Unix milliseconds
--
-- Gives 1 or 0, what is counted, and when so much of it is over that this call will do.
local cost, limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local part, now = tonumber(ARGV[4]), tonumber(ARGV[5])
local parts, sum, newest = {}, 0, math.floor(now / part)
for number, count in string.gmatch(redis.call('GET', KEYS[1]) or '', '(%d+):(%d+)') do
    number, count = tonumber(number), tonumber(count)
    -- Who is behind in time counts in the newest part.
    newest = math.max(newest, number)
    if number >= math.floor((now - window) / part) then
        parts[#parts + 1] = {number, count}
        sum = sum + count
    end
end
if cost > 0 and sum + cost > limit then
    local over, at = sum + cost - limit, 0
    for _, entry in ipairs(parts) do
        over = over - entry[2]
        at = (entry[1] + 1) * part + window
        if over <= 0 then
            break
        end
    end
    return {0, sum, at}
elseif cost == 0 then
    return {1, sum, 0}
end
if #parts > 0 and parts[#parts][1] == newest then
    parts[#parts][2] = parts[#parts][2] + cost
else
    parts[#parts + 1] = {newest, cost}
end
local texts = {}
for index, entry in ipairs(parts) do
    texts[index] = string.format('%.0f:%.0f', entry[1], entry[2])
end
redis.call('SET', KEYS[1], table.concat(texts, ','), 'PX', (newest + 1) * part + window - now)
return {1, sum + cost, 0}
