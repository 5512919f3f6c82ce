-- Takes tokens from a bucket that is filled up by some at each interval, which is its window.
--
-- KEYS[1]  the bucket: a hash with `refilledAt` and `tokens`
-- ARGV[8]  how many are added at each
--
-- Returns the tokens left, and when it was filled up last.
local stored = redis.call('HMGET', KEYS[1], 'refilledAt', 'tokens')
local rate, at, tokens = tonumber(ARGV[8]), tonumber(stored[1]) or now, tonumber(stored[2]) or limit
local apart = 0
local function life()
    return math.min(century, math.max(1, math.ceil((limit - tokens) / rate)) * window)
end
if at > now + window then
    local left = redis.call('PTTL', KEYS[1])
    if left > 0 then
        apart = at + math.max(0, life() - left) - now
        now = now + apart
    else
        at, tokens = now, limit
    end
end
if now >= at + window then
    local times = math.floor((now - at) / window)
    tokens = math.min(limit, tokens + times * rate)
    at = at + times * window
end
local fits = tokens >= cost
if mode == 'look' or mode == 'take' and not fits or mode == 'give' and not stored[1] then
    return {fits and 1 or 0, tokens, at - apart, limit}
end
tokens = mode == 'give' and math.min(limit, tokens + cost) or math.max(tokens - cost, -most_counted)
redis.call('HSET', KEYS[1], 'refilledAt', string.format('%.0f', at), 'tokens', string.format('%.0f', tokens))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', life()))
return {1, tokens, at - apart, limit}
