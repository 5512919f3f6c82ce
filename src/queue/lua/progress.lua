-- Says how far a job is. ARGV[3] its id, ARGV[4] the progress. Gives 0, or -1 if there is no such job.
local meta, id = read_meta(P), ARGV[3]
if redis.call('EXISTS', P .. id) == 0 then
    return -1
end
redis.call('HSET', P .. id, 'progress', ARGV[4])
event(meta, 'progress', 'jobId', id, 'data', ARGV[4])
return 0
