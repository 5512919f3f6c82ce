-- Several limits at once, behind a function for each algorithm. A call is counted by all of them or by none.
--
-- KEYS     those of all limits, one limit after the other
-- ARGV     for each: the algorithm, how many keys it has, how many arguments, and these
--
-- Returns the answers of all. Where one refuses, the others say whether they would let the call through.
local algorithms = {fixed = fixed, sliding = sliding, bucket = bucket, strict = strict, gcra = gcra}
local function part(list, from, count)
    return {unpack(list, from, from + count - 1)}
end
local limits, key, arg = {}, 1, 1
while arg < #ARGV do
    local keys, args = tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2])
    limits[#limits + 1] = {algorithms[ARGV[arg]], part(KEYS, key, keys), part(ARGV, arg + 3, args)}
    key, arg = key + keys, arg + 3 + args
end
local function ask(limit, mode)
    limit[3][1] = mode
    return limit[1](limit[2], limit[3])
end
local answers, refused = {}, false
for index, limit in ipairs(limits) do
    local answer = ask(limit, refused and 'look' or 'take')
    if answer[1] ~= 1 and not refused then
        refused = true
        for before = 1, index - 1 do
            answers[before] = ask(limits[before], 'give')
            answers[before][1] = 1
        end
    end
    answers[index] = answer
end
return answers
