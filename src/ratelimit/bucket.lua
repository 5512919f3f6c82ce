-- Takes tokens from a bucket that is filled up by some at each interval, which is its window.
--
-- KEYS[1]  the bucket: a hash with `refilledAt` and `tokens`
-- ARGV[8]  how many come at each
--
-- Gives the tokens left, and when it was filled up last.
local stored = redis.call('HMGET', KEYS[1], 'refilledAt', 'tokens')
local rate, at, tokens = tonumber(ARGV[8]), tonumber(stored[1]) or now, tonumber(stored[2]) or limit
if now >= at + window then
    local times = math.floor((now - at) / window)
    tokens = math.min(limit, tokens + times * rate)
    at = at + times * window
end
local fits = tokens >= cost
if mode == 'look' or mode == 'take' and not fits or mode == 'give' and not stored[1] then
    return {fits and 1 or 0, tokens, at, limit}
end
tokens = mode == 'give' and math.min(limit, tokens + cost) or tokens - cost
redis.call('HSET', KEYS[1], 'refilledAt', string.format('%.0f', at), 'tokens', string.format('%.0f', tokens))
redis.call('PEXPIRE', KEYS[1], math.max(1, math.ceil((limit - tokens) / rate)) * window)
return {1, tokens, at, limit}
