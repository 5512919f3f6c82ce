-- Takes jobs. Behind the time: the token, how long it locks, how many jobs at most, how many may begin in how long, the name of
-- the worker, 1 if the same request was sent before, how often it looks for jobs whose worker is gone (0 never), and how often
-- that may happen to a job.
local take_args = take_at(3)
return pull(read_meta(P), take_args)
