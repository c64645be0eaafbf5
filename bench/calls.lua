-- Bodies for wrk: single `track` calls, or batches of them, put together from fragments that bench/intake.py wrote.
-- Environment: FRAGMENTS (file: one `head<TAB>tail` a line), AUTH, BATCH (calls in a body), PEOPLE (known user ids), RUN.
local fragments = {}
for line in io.lines(os.getenv("FRAGMENTS")) do
  local head, tail = line:match("^(.-)\t(.*)$")
  fragments[#fragments + 1] = { head, tail }
end
local batch = tonumber(os.getenv("BATCH"))
local people = tonumber(os.getenv("PEOPLE"))
local run = os.getenv("RUN")
local count, fresh = 0, 0
local headers = { ["Authorization"] = os.getenv("AUTH"), ["Content-Type"] = "application/json" }
local random, concat = math.random, table.concat
math.randomseed(tonumber(run:match("%d+")) or 1)

local function person()
  if random(20) == 1 then
    fresh = fresh + 1
    return "new-" .. run .. "-" .. fresh
  end
  return "user-" .. random(people)
end

function request()
  local parts, n = {}, 0
  if batch > 1 then
    n = 1
    parts[1] = '{"batch":['
  end
  for i = 1, batch do
    local f = fragments[random(#fragments)]
    count = count + 1
    parts[n + 1] = i > 1 and "," .. f[1] or f[1]
    parts[n + 2] = person()
    parts[n + 3] = '","messageId":"' .. run .. "-" .. count
    parts[n + 4] = f[2]
    n = n + 4
  end
  if batch > 1 then
    parts[n + 1] = "]}"
  end
  return wrk.format("POST", os.getenv("TO"), headers, concat(parts))
end

function done(summary, latency)
  io.write(string.format('{"requests":%d,"seconds":%.6f,"errors":%d,"p50_ms":%.3f,"p99_ms":%.3f}\n',
    summary.requests, summary.duration / 1e6,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
