-- Takes all of some keys for one holder, or none, and gives that holder a fencing token.
--
-- KEYS     the keys of the lock, then as many counters if it is fenced
-- ARGV[1]  the holder's token
-- ARGV[2]  the lease, in milliseconds
-- ARGV[3]  the number of keys of the lock
-- ARGV[4]  the caller's time, in Unix milliseconds: for servers that have no TIME in scripts
-- ARGV[5]  how long a counter is kept, in milliseconds
--
-- Returns the fencing token, 0 without counters; or -1 and what is left to the other holders, in milliseconds.
local many = tonumber(ARGV[3])
local fenced = #KEYS > many

-- Higher than what the counters hold, and than the time: so it stays above what was given before a counter was evicted.
local function above(highest)
    local now = tonumber(ARGV[4]) * 1000
    local time = redis.pcall('TIME')
    if not time.err then
        now = tonumber(time[1]) * 1000000 + tonumber(time[2])
    end
    return math.max(now, highest + 1)
end

if many == 1 and redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
    if not fenced then
        return {0, 0}
    end
    local fence = above(0)
    local last = redis.call('SET', KEYS[2], string.format('%.0f', fence), 'GET', 'PX', ARGV[5])
    last = tonumber(last or 0) or 0
    if last >= fence then
        fence = last + 1
        redis.call('SET', KEYS[2], string.format('%.0f', fence), 'PX', ARGV[5])
    end
    return {fence, 0}
end
local found = redis.call('MGET', unpack(KEYS))
local held, wait, highest = 0, -1, 0
for index = 1, many do
    if found[index] == ARGV[1] then
        held = held + 1
    elseif found[index] then
        wait = math.max(wait, redis.call('PTTL', KEYS[index]), 0)
    end
end
if wait >= 0 then
    return {-1, wait}
end
for index = many + 1, #KEYS do
    highest = math.max(highest, tonumber(found[index] or 0) or 0)
end
-- The same request came before, and its answer was lost: nobody has counted since.
if held == many and (not fenced or highest > 0) then
    return {highest, 0}
end
local fence = fenced and above(highest) or 0
for index = 1, #KEYS do
    if index <= many then
        redis.call('SET', KEYS[index], ARGV[1], 'PX', ARGV[2])
    else
        redis.call('SET', KEYS[index], string.format('%.0f', fence), 'PX', ARGV[5])
    end
end
return {fence, 0}
