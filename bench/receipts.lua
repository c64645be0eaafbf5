-- Signed arrays of receipts for wrk: each request the next line of a file that bench/receipts.py wrote.
-- Environment: BODIES (file: `timestamp<TAB>signature<TAB>body` a line), TO (path), START (the first line to use), FORGE.
local bodies = {}
for line in io.lines(os.getenv("BODIES")) do
  bodies[#bodies + 1] = line
end
local at = tonumber(os.getenv("START"))
local to = os.getenv("TO")

function request()
  local stamp, signature, body = bodies[at % #bodies + 1]:match("^(.-)\t(.-)\t(.*)$")
  at = at + 1
  return wrk.format("POST", to, {
    ["Content-Type"] = "application/json",
    ["X-Twilio-Email-Event-Webhook-Timestamp"] = stamp,
    ["X-Twilio-Email-Event-Webhook-Signature"] = signature,
  }, body)
end

function done(summary, latency)
  io.write(string.format('{"requests":%d,"seconds":%.6f,"errors":%d,"refused":%d,"p50_ms":%.3f,"p99_ms":%.3f}\n',
    summary.requests, summary.duration / 1e6,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout,
    summary.errors.status,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
