-- Removes all jobs that wait; with ARGV[3] at 1 those that are delayed too, up to ARGV[4] jobs. Gives how many are gone, and 1
-- if there are more.
local count, most = 0, tonumber(ARGV[4])
local function all(ids)
    for _, id in ipairs(ids) do
        if count >= most then
            return true
        end
        -- A scheduler's next job is the scheduler's.
        if redis.call('HEXISTS', P .. id, 'rjk') == 0 then
            count = count + math.max(remove(P, id), 1)
        end
    end
end
local more = all(redis.call('LRANGE', P .. 'wait', 0, most))
    or all(redis.call('LRANGE', P .. 'paused', 0, most))
    or all(redis.call('ZRANGE', P .. 'prioritized', 0, most))
    or (ARGV[3] == '1' and all(redis.call('ZRANGE', P .. 'delayed', 0, most)))
return {count, more and 1 or 0}
