-- What wrk sends for the workload with a body.
wrk.method = "POST"
wrk.body = string.rep("x", tonumber(os.getenv("BENCH_SENT_BYTES")))
