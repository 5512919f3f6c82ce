-- Removes the jobs of one state that are at least that old, a window of them at a time.
--
-- ARGV[3]  the state
-- ARGV[4]  the age in milliseconds
-- ARGV[5]  how many jobs to remove at most
-- ARGV[6]  how many jobs to look at
-- ARGV[7]  the cursor that the last window returned: of a list how many jobs at its end are kept, then the last of them
-- ARGV[8]  the last job that was kept
-- ARGV[9]  how many jobs the windows before have removed
--
-- Returns the ids that it removed, then 1 and the cursor if there is more to look at.
local state, before = ARGV[3], now - tonumber(ARGV[4])
local most, window = tonumber(ARGV[5]), tonumber(ARGV[6])
local skip, last = tonumber(ARGV[7]), ARGV[8]
local key, gone, more = P .. state, {}, false

local function is_old(id)
    local found = redis.call('HMGET', P .. id, 'processedOn', 'timestamp')
    local time = tonumber(found[1] or found[2]) or 0
    return time <= before
end

-- Finished jobs are in the order of their age.
local function clean_finished()
    local ids = redis.call('ZRANGEBYSCORE', key, '-inf', int(before), 'LIMIT', 0, math.min(most, window))
    if #ids > 0 then
        redis.call('ZREMRANGEBYRANK', key, 0, #ids - 1)
    end
    gone, more = ids, #ids == window
end

-- The others are not: each is looked at.
local function clean_set()
    local rank = last ~= '' and redis.call('ZRANK', key, last)
    local from = rank and rank + 1 or 0
    local ids = redis.call('ZRANGE', key, from, from + window - 1)
    for _, id in ipairs(ids) do
        if #gone < most and is_old(id) and not is_scheduled(id) then
            gone[#gone + 1] = id
        else
            last = id
        end
    end
    each_part(gone, function(...)
        redis.call('ZREM', key, ...)
    end)
    more = #ids == window
end

-- Takes jobs out of a list by their places, counted from its end.
local function take_places(places, length)
    -- At the end itself nothing has to be searched.
    local run = 0
    while places[run + 1] == run do
        run = run + 1
    end
    local rest = #places - run
    if rest > 0 then
        for index = run + 1, #places do
            redis.call('LSET', key, -places[index] - 1, '')
        end
        -- From the nearer end.
        redis.call('LREM', key, places[#places] * 2 < length and -rest or rest, '')
    end
    if run > 0 then
        redis.call('LTRIM', key, 0, -run - 1)
    end
end

-- From the end of a list, which is its oldest part. Workers take jobs from there between two windows: the last one that was kept
-- shows how many.
local function clean_list()
    local length = redis.call('LLEN', key)
    if skip >= length + window then
        skip, last = 0, ''
    end
    local back = math.min(skip, window)
    local ids = redis.call('LRANGE', key, -skip - window, -skip + back - 1)
    local from, place = #ids, skip - back
    for index = #ids, math.max(#ids - back + 1, 1), -1 do
        if ids[index] == last then
            from, place = index - 1, place + #ids - index + 1
            break
        end
    end
    local places, looked = {}, 0
    skip = place
    while from > 0 and looked < window and #gone < most do
        local id = ids[from]
        local is_free = is_old(id) and not is_scheduled(id) and redis.call('EXISTS', P .. id .. ':lock') == 0
        if is_free then
            gone[#gone + 1] = id
            places[#places + 1] = place
        else
            skip, last = skip + 1, id
        end
        from, place, looked = from - 1, place + 1, looked + 1
    end
    take_places(places, length)
    more = place < length
end

if state == 'completed' or state == 'failed' then
    clean_finished()
elseif state == 'wait' or state == 'paused' or state == 'active' then
    clean_list()
else
    clean_set()
end
discard(P, gone, true)
more = more and #gone < most
if not more then
    event(read_meta(P), 'cleaned', 'count', int(tonumber(ARGV[9]) + #gone))
end
return {gone, more and 1 or 0, skip, last}
