-- Ends all sessions of a user but one, if that is there. Gives how many.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  the field that stays
local page = redis.call('HSCAN', KEYS[1], 0, 'COUNT', PART)
if page[1] ~= '0' then
    -- Too many to delete one by one: the one that stays moves to a new hash.
    local record = redis.call('HGET', KEYS[1], ARGV[1])
    if not record then
        return -1
    end
    local ended = redis.call('HLEN', KEYS[1]) - 1
    local marked = string.match(record, '^%S+ %S+ %d+ %S+ %[(%a+)') == 'true'
    local time
    if marked then
        time = redis.call('PTTL', KEYS[1])
    else
        time = redis.call('HPTTL', KEYS[1], 'FIELDS', 1, ARGV[1])[1]
    end
    redis.call('UNLINK', KEYS[1])
    if time == -1 or marked then
        redis.call('HSET', KEYS[1], ARGV[1], record)
        if time > 0 then
            redis.call('PEXPIRE', KEYS[1], time)
        end
    elseif time > 0 then
        redis.call('HSETEX', KEYS[1], 'PX', time, 'FIELDS', 1, ARGV[1], record)
    end
    return ended
end
local others, found = {}, false
for index = 1, #page[2], 2 do
    local field = page[2][index]
    if field == ARGV[1] then
        found = true
    else
        others[#others + 1] = field
    end
end
if not found then
    return -1
end
remove(KEYS[1], others)
return #others
