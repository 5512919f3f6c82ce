-- What the scripts of sessions share; it stands in front of each.
--
-- A user's sessions are the fields of one hash. Where fields can expire (ARGV[1] is 'field') each has its own time. Where
-- they cannot (ARGV[1] is 'key') a key beside it, its mark, expires in its place, and the hash lives as long as the
-- longest session may: ARGV[2] milliseconds.

-- Many arguments are passed in parts: Lua has room for a few thousand.
local PART = 1000

local function remove(hash, fields)
    for from = 1, #fields, PART do
        redis.call('HDEL', hash, unpack(fields, from, math.min(from + PART - 1, #fields)))
    end
end

-- Milliseconds left to each field, by the server's own count.
local function left(hash, fields)
    local all = {}
    for from = 1, #fields, PART do
        local part = {unpack(fields, from, math.min(from + PART - 1, #fields))}
        local times = redis.call('HPTTL', hash, 'FIELDS', #part, unpack(part))
        for _, time in ipairs(times) do
            all[#all + 1] = time
        end
    end
    return all
end

local function put(hash, mark, field, record, life)
    if ARGV[1] == 'field' then
        redis.call('HSETEX', hash, 'PX', life, 'FIELDS', 1, field, record)
        return
    end
    redis.call('HSET', hash, field, record)
    redis.call('SET', mark, '', 'PX', life)
    if redis.call('PTTL', hash) < tonumber(ARGV[2]) then
        redis.call('PEXPIRE', hash, ARGV[2])
    end
end

-- Where a user has more than `cap` sessions those go that were not used for the longest time; `new` stays. Where marks
-- have the times, the fields from ARGV[first] on are known, and their marks are the last of KEYS; what is not known was
-- made since they were read, and so used last.
local function trim(hash, cap, new, first)
    if cap == 0 then
        return
    end
    local fields = {}
    for _, field in ipairs(redis.call('HKEYS', hash)) do
        if field ~= new then
            fields[#fields + 1] = field
        end
    end
    local over = #fields + 1 - cap
    if over <= 0 then
        return
    end
    local times = {}
    if ARGV[1] == 'field' then
        local all = left(hash, fields)
        for index, field in ipairs(fields) do
            times[field] = all[index]
        end
    else
        local marks = #KEYS - (#ARGV - first + 1)
        for index = first, #ARGV do
            times[ARGV[index]] = redis.call('PTTL', KEYS[marks + index - first + 1])
        end
    end
    local function time(field)
        return times[field] or math.huge
    end
    table.sort(fields, function(a, b) return time(a) < time(b) end)
    while #fields > over do
        fields[#fields] = nil
    end
    remove(hash, fields)
end
