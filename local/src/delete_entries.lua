-- XDELEX and XACKDEL (Redis 8.2), by the stream commands that every server has.
-- KEYS[1]: the stream. ARGV: the command, the group of XACKDEL, and the command's other arguments.
local key, command, group = KEYS[1], string.upper(ARGV[1]), ARGV[2]
local policy, at = 'KEEPREF', 3
local given = string.upper(ARGV[at] or '')
if given == 'KEEPREF' or given == 'DELREF' or given == 'ACKED' then
    policy, at = given, at + 1
end
if string.upper(ARGV[at] or '') ~= 'IDS' or #ARGV < at + 2 then
    return redis.error_reply('ERR syntax error')
end
local count = ARGV[at + 1]
if not string.match(count, '^%d+$') or tonumber(count) < 1 then
    return redis.error_reply('ERR Number of IDs must be a positive integer')
end
if tonumber(count) ~= #ARGV - at - 1 then
    return redis.error_reply('ERR The `numids` parameter must match the number of arguments')
end
local ids = {}
for index = at + 2, #ARGV do
    local time, number = string.match(ARGV[index], '^(%d+)%-?(%d*)$')
    if not time or string.match(ARGV[index], '%-$') then
        return redis.error_reply('ERR Invalid stream ID specified as stream command argument')
    end
    -- Before the first write: the numbers have 64 bits.
    for _, digits in ipairs({time, number}) do
        digits = string.gsub(digits, '^0+', '')
        if #digits > 20 or (#digits == 20 and digits > '18446744073709551615') then
            return redis.error_reply('ERR Invalid stream ID specified as stream command argument')
        end
    end
    ids[#ids + 1] = time .. '-' .. (number == '' and '0' or number)
end

local kind = redis.call('TYPE', key).ok
if kind ~= 'stream' and kind ~= 'none' then
    return redis.error_reply('WRONGTYPE Operation against a key holding the wrong kind of value')
end
local groups, known = {}, {}
if kind == 'stream' then
    for _, fields in ipairs(redis.call('XINFO', 'GROUPS', key)) do
        local info = {}
        for index = 1, #fields, 2 do
            info[fields[index]] = fields[index + 1]
        end
        groups[#groups + 1] = {name = info['name'], last = info['last-delivered-id']}
        known[info['name']] = true
    end
end

local function is_pending(name, id)
    return #redis.call('XPENDING', key, name, id, id, 1) > 0
end

-- The numbers of an id may be larger than a double can hold.
local function is_less(left, right)
    local a, b = {string.match(left, '^0*(%d+)%-0*(%d+)$')}, {string.match(right, '^0*(%d+)%-0*(%d+)$')}
    for part = 1, 2 do
        if #a[part] ~= #b[part] then
            return #a[part] < #b[part]
        end
        if a[part] ~= b[part] then
            return a[part] < b[part]
        end
    end
    return false
end

-- Whether a group has not read the entry yet, or not acknowledged it.
local function is_referenced(id)
    for _, one in ipairs(groups) do
        if is_less(one.last, id) or is_pending(one.name, id) then
            return true
        end
    end
    return false
end

local function delete(id)
    if policy == 'ACKED' and is_referenced(id) then
        return 2
    end
    if policy == 'DELREF' then
        for _, one in ipairs(groups) do
            redis.call('XACK', key, one.name, id)
        end
    end
    redis.call('XDEL', key, id)
    return 1
end

local results = {}
for index, id in ipairs(ids) do
    local result = -1
    if command == 'XACKDEL' then
        if known[group] and redis.call('XACK', key, group, id) == 1 then
            result = delete(id)
        end
    elseif kind == 'stream' and #redis.call('XRANGE', key, id, id) > 0 then
        result = delete(id)
    end
    results[index] = result
end
return results
