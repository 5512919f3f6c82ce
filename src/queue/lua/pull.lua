-- Takes jobs. Behind the time: the token, for how long it locks, how many at most, how many may begin in how long, the name of who
-- takes them, 1 if the same was asked before, how often it is looked for those whose worker is gone (0 never), and how often
-- that may be.
return pull(read_meta(P), take_at(3))
