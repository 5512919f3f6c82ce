-- Takes tokens from a bucket that is filled up by some at each interval.
--
-- KEYS[1]  the bucket: a hash with `refilledAt` and `tokens`
-- ARGV[1]  how many tokens this call takes; 0 only looks
-- ARGV[2]  how many it holds
-- ARGV[3]  the interval, in milliseconds
-- ARGV[4]  how many come at each
-- ARGV[5]  now, in Unix milliseconds
--
-- Gives 1 or 0, the tokens left, and when it was filled up last.
local cost, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local interval, rate, now = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local stored = redis.call('HMGET', KEYS[1], 'refilledAt', 'tokens')
local at, tokens = tonumber(stored[1] or now), tonumber(stored[2] or most)
if now >= at + interval then
    local times = math.floor((now - at) / interval)
    tokens = math.min(most, tokens + times * rate)
    at = at + times * interval
end
if cost == 0 then
    return {1, tokens, at}
end
if tokens < cost then
    return {0, tokens, at}
end
tokens = tokens - cost
redis.call('HSET', KEYS[1], 'refilledAt', string.format('%.0f', at), 'tokens', string.format('%.0f', tokens))
redis.call('PEXPIRE', KEYS[1], math.max(1, math.ceil((most - tokens) / rate)) * interval)
return {1, tokens, at}
