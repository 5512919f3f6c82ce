-- Takes a job out of the place where it is. Returns that.
local function take_out(q, id)
    for _, list in ipairs({'wait', 'paused', 'active'}) do
        if redis.call('LREM', q .. list, 0, id) > 0 then
            return list
        end
    end
    for _, set in ipairs({'prioritized', 'delayed', 'completed', 'failed', 'waiting-children'}) do
        if redis.call('ZREM', q .. set, id) > 0 then
            return set
        end
    end
    return 'unknown'
end

-- Removes a job and its unfinished children, wherever they are; a job that a worker has stays. Returns how many were removed.
local function remove(q, id)
    local job = q .. id
    if redis.call('EXISTS', job .. ':lock') == 1 then
        return 0
    end
    local count = redis.call('EXISTS', job)
    local children = redis.call('SMEMBERS', job .. ':dependencies')
    if count == 0 and #children == 0 then
        -- Its hash was evicted, and its id may still be in line.
        take_out(q, id)
        delete_jobs(q, {id})
        return 0
    end
    local state = take_out(q, id)
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
