-- Changes the data of a job. ARGV[3] its id, ARGV[4] the data. Gives 1, or 0 if there is no such job.
if redis.call('EXISTS', P .. ARGV[3]) == 0 then
    return 0
end
redis.call('HSET', P .. ARGV[3], 'data', ARGV[4])
return 1
