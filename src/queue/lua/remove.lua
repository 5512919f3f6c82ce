-- Where a job is, which it is not any more.
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

-- Jobs and their children, wherever they are; one that a worker has stays. Gives how many were removed.
local function remove(q, id)
    local job = q .. id
    if redis.call('EXISTS', job .. ':lock') == 1 then
        return 0
    end
    local found = redis.call('HMGET', job, 'timestamp', 'parent', 'deid')
    if not found[1] then
        return 0
    end
    local count = 1
    for _, child in ipairs(redis.call('SMEMBERS', job .. ':dependencies')) do
        local prefix, child_id = string.match(child, '^(.-:[^:]*:)(.*)$')
        if prefix then
            count = count + remove(prefix, child_id)
        end
    end
    local state = take_out(q, id)
    free_deduplication(q, id, found[3])
    delete_jobs(q, {id})
    if found[2] then
        local parent_q, parent_id = parent_of(found[2])
        if parent_q and redis.call('SREM', parent_q .. parent_id .. ':dependencies', job) == 1
            and redis.call('SCARD', parent_q .. parent_id .. ':dependencies') == 0 then
            release_parent(parent_q, parent_id)
        end
    end
    event(read_meta(q), 'removed', 'jobId', id, 'prev', state)
    return count
end
