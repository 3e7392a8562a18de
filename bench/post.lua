-- wrk: POST the review in the file REVIEW; @NAME@ in it becomes another name each time. Prints one line at the end.
local body = io.open(os.getenv("REVIEW")):read("*a")
local vary = body:find("@NAME@", 1, true) ~= nil
local count, thread = 0, 0

function setup(one)
  one:set("thread", thread)
  thread = thread + 1
end

wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.body = body

function request()
  if not vary then return wrk.format() end
  count = count + 1
  local name = os.getenv("ROUND") .. "-" .. count
  return wrk.format(nil, nil, nil, (body:gsub("@NAME@", name)))
end

function done(summary, latency)
  local e = summary.errors
  print(string.format("RESULT %d %d %d %d %d", summary.requests, summary.duration,
    e.connect + e.read + e.write + e.timeout, e.status, latency:percentile(50)))
end
