-- Adds a line to the log of a job. ARGV[3] its id, ARGV[4] the line, ARGV[5] how many lines are kept (empty for all). Returns how
-- many lines there are, or -1 if there is no such job.
local job = P .. ARGV[3]
if redis.call('EXISTS', job) == 0 then
    return -1
end
local count = redis.call('RPUSH', job .. ':logs', ARGV[4])
local keep = tonumber(ARGV[5])
if keep and count > keep then
    redis.call('LTRIM', job .. ':logs', int(count - keep), -1)
    return keep
end
return count
