-- Removes waiting jobs, a window of them at a time. The next job of a scheduler is kept.
--
-- ARGV[3]  1 if delayed jobs are removed too
-- ARGV[4]  how many jobs to look at
-- ARGV[5]  the place that the last window returned, from 1 on, and its cursor: of a list how many jobs are left to look at, of a
--          set the last job that was kept
--
-- Returns how many jobs it removed, and the place and the cursor to go on from; the place is 0 when nothing is left.
local names = {'wait', 'paused', 'prioritized', ARGV[3] == '1' and 'delayed' or nil}
local room, place, cursor = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local count = 0

local function sorted(ids)
    local gone, kept = {}, {}
    for _, id in ipairs(ids) do
        local to = is_scheduled(id) and kept or gone
        to[#to + 1] = id
    end
    return gone, kept
end

-- Looks at the end of a list, and puts those that are kept at its beginning: after the whole list they are in their order again.
local function drain_list(key)
    local left = tonumber(cursor) or redis.call('LLEN', key)
    local ids = {}
    if left > 0 then
        local found = redis.call('LRANGE', key, -math.min(left, room), -1)
        for index = #found, 1, -1 do
            ids[#ids + 1] = found[index]
        end
    end
    if #ids == 0 then
        return ids, 0
    end
    local gone, kept = sorted(ids)
    each_part(kept, function(...)
        redis.call('LPUSH', key, ...)
    end)
    redis.call('LTRIM', key, 0, -#ids - 1)
    return gone, #ids, left > #ids and int(left - #ids)
end

local function drain_set(key)
    local last = cursor ~= '' and redis.call('ZRANK', key, cursor)
    local from = last and last + 1 or 0
    local ids = redis.call('ZRANGE', key, from, from + room - 1)
    local gone, kept = sorted(ids)
    each_part(gone, function(...)
        redis.call('ZREM', key, ...)
    end)
    return gone, #ids, #ids == room and (kept[#kept] or cursor)
end

while names[place] and room > 0 do
    local act = place <= 2 and drain_list or drain_set
    local gone, looked, next_cursor = act(P .. names[place])
    count = count + discard(P, gone, true)
    room = room - looked
    if next_cursor then
        cursor = next_cursor
    else
        place, cursor = place + 1, ''
    end
end
return {count, names[place] and place or 0, cursor}
