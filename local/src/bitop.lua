-- BITOP DIFF, DIFF1, ANDOR and ONE (Redis 8.2), by the operations that every server has.
-- KEYS: the destination and the sources. ARGV[1]: the operation.
local destination, first = KEYS[1], KEYS[2]
local operation = string.upper(ARGV[1])
if #KEYS < 3 and operation ~= 'ONE' then
    return redis.error_reply('ERR BITOP ' .. operation .. ' must be called with at least two source keys.')
end
local sources = {}
for index = 2, #KEYS do
    local key = KEYS[index]
    sources[index - 1] = key
    local kind = redis.call('TYPE', key).ok
    if kind ~= 'string' and kind ~= 'none' then
        return redis.error_reply('WRONGTYPE Operation against a key holding the wrong kind of value')
    end
end

local function temporary(name)
    return destination .. ':\0restis-local:' .. name
end
local any, both, some, twice = temporary('any'), temporary('both'), temporary('some'), temporary('twice')
local function bitop(name, into, ...)
    return redis.call('BITOP', name, into, ...)
end

local length
if operation == 'ONE' then
    for _, key in ipairs(sources) do
        bitop('AND', both, some, key)
        bitop('OR', twice, twice, both)
        bitop('XOR', some, some, key)
    end
    -- Of the bits that are set an odd number of times, those that were never set twice.
    bitop('AND', both, some, twice)
    length = bitop('XOR', destination, some, both)
else
    -- One by one: a call has room for some thousands of arguments.
    for index = 2, #sources do
        bitop('OR', any, any, sources[index])
    end
    if operation == 'ANDOR' then
        length = bitop('AND', destination, first, any)
    else
        bitop('AND', both, first, any)
        length = bitop('XOR', destination, operation == 'DIFF' and first or any, both)
    end
end
redis.call('DEL', any, both, some, twice)
return length
