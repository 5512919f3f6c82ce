-- Gives the holder of some jobs more time.
--
-- ARGV[3]  the token that they were taken with
-- ARGV[4]  for how long, in milliseconds
-- ARGV[5…] the ids
--
-- Gives the ids of those that are not his any more.
local lost, ours, keys = {}, {}, {}
for index = 5, #ARGV do
    keys[#keys + 1] = P .. ARGV[index] .. ':lock'
end
for index, holder in ipairs(redis.call('MGET', unpack(keys))) do
    local id = ARGV[index + 4]
    if holder == ARGV[3] then
        redis.call('SET', keys[index], ARGV[3], 'PX', ARGV[4])
        ours[#ours + 1] = id
    else
        lost[#lost + 1] = id
    end
end
if #ours > 0 then
    redis.call('SREM', P .. 'stalled', unpack(ours))
end
return lost
