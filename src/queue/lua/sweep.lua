-- Puts back the jobs whose worker is gone. ARGV[3] how often that is done at most, ARGV[4] how often it may happen to a job.
return sweep(read_meta(P), int(number_of(ARGV[3], 'the stalled interval', 1)), number_of(ARGV[4], 'the number of stalls')) or {}
