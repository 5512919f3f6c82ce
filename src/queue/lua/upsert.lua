-- Sets a scheduler, in place of one with its name.
--
-- ARGV[3…]  its id, when its next job is due, the job's name, data, options and priority, then the fields of the scheduler
--
-- Gives the id of the job.
local meta, scheduler = read_meta(P), ARGV[3]
unschedule(meta, scheduler)
local key = P .. 'repeat:' .. scheduler
redis.call('DEL', key)
redis.call('HSET', key, unpack(ARGV, 9))
return schedule(meta, scheduler, ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8])
