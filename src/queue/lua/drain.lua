-- Removes all jobs that wait; with ARGV[3] at 1 those that are delayed too, up to ARGV[4] jobs. Gives how many are gone, and 1
-- if there are more.
local count, most = 0, tonumber(ARGV[4])
local function all(name, ids, command, ...)
    local gone = {}
    for _, id in ipairs(ids) do
        if count >= most then
            break
        end
        -- A scheduler's next job is the scheduler's.
        if redis.call('HEXISTS', P .. id, 'rjk') == 0 then
            local words = {...}
            words[#words + 1] = id
            redis.call(command, P .. name, unpack(words))
            gone[#gone + 1] = id
            count = count + 1
        end
    end
    discard(P, gone, true)
    return count >= most
end
local more = all('wait', redis.call('LRANGE', P .. 'wait', 0, most), 'LREM', 1)
    or all('paused', redis.call('LRANGE', P .. 'paused', 0, most), 'LREM', 1)
    or all('prioritized', redis.call('ZRANGE', P .. 'prioritized', 0, most), 'ZREM')
    or (ARGV[3] == '1' and all('delayed', redis.call('ZRANGE', P .. 'delayed', 0, most), 'ZREM'))
return {count, more and 1 or 0}
