-- Extends the locks of jobs.
--
-- ARGV[3]  the token that they were taken with
-- ARGV[4]  for how long, in milliseconds
-- ARGV[5…] the ids
--
-- Returns the ids whose lock has another token, or none.
check(ARGV[3] and ARGV[3] ~= '', 'the token')
local lost, ours, keys, locks = {}, {}, {}, {}
local token, lock = ARGV[3], int(number_of(ARGV[4], 'the lock', 1))
for index = 5, #ARGV do
    keys[#keys + 1] = P .. ARGV[index] .. ':lock'
end
each_part(keys, function(...)
    for _, holder in ipairs(redis.call('MGET', ...)) do
        locks[#locks + 1] = holder
    end
end)
for index, key in ipairs(keys) do
    local id = ARGV[index + 4]
    if locks[index] == token then
        redis.call('SET', key, token, 'PX', lock)
        ours[#ours + 1] = id
    else
        lost[#lost + 1] = id
    end
end
each_part(ours, function(...)
    redis.call('SREM', P .. 'stalled', ...)
end)
return lost
