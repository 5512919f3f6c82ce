-- Whether a job is the next one of a scheduler that is there: without it the scheduler would stop for good.
local function is_scheduled(id)
    local scheduler, due = string.match(id, '^repeat:(.*):(%d+)$')
    return scheduler and tonumber(redis.call('ZSCORE', P .. 'repeat', scheduler)) == tonumber(due)
end

