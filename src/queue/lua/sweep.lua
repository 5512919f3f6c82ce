-- Puts back those whose worker is gone. ARGV[3] how often that is done at most, ARGV[4] how often it may happen to a job.
return sweep(read_meta(P), ARGV[3], tonumber(ARGV[4]))
