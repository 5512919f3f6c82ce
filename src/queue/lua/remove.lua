local LISTS, SETS = {'wait', 'paused', 'active'}, {'completed', 'failed', 'delayed', 'prioritized', 'waiting-children'}
-- How many times a list was searched.
local searches = 0

-- Takes a job out of the place where it is. Returns that.
--
-- A list has to be searched, so the sets in which the job's fields and children place it come first.
local function take_out(q, id, has_children)
    local function from_sets()
        for _, set in ipairs(SETS) do
            if redis.call('ZREM', q .. set, id) > 0 then
                return set
            end
        end
    end
    local found = redis.call('HMGET', q .. id, 'finishedOn', 'delay', 'priority')
    local is_in_set = found[1] or has_children or (tonumber(found[2]) or 0) > 0 or (tonumber(found[3]) or 0) > 0
    local set = is_in_set and from_sets()
    if set then
        return set
    end
    for _, list in ipairs(LISTS) do
        searches = searches + 1
        if redis.call('LREM', q .. list, 1, id) > 0 then
            return list
        end
    end
    return not is_in_set and from_sets() or 'unknown'
end

-- Removes a job and its unfinished children, wherever they are; a job that a worker has stays, and so does the next one of a
-- scheduler. Returns how many were removed.
local function remove(q, id)
    local job = q .. id
    if redis.call('EXISTS', job .. ':lock') == 1 or is_next_of_scheduler(q, id) then
        return 0
    end
    local count = redis.call('EXISTS', job)
    local children = redis.call('SMEMBERS', job .. ':dependencies')
    if count == 0 and #children == 0 then
        -- Its hash was evicted, and its id may still be in line.
        take_out(q, id, false)
        delete_jobs(q, {id})
        return 0
    end
    local state = take_out(q, id, #children > 0)
    for _, child in ipairs(children) do
        local prefix, child_id = split_key(child)
        if prefix then
            count = count + remove(prefix, child_id)
        end
    end
    discard(q, {id})
    if count > 0 then
        event(read_meta(q), 'removed', 'jobId', id, 'prev', state)
    end
    return count
end
