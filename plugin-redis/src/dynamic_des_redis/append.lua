-- Appends records to streams: all of them or those up to the first that fails, and keeps in the same step how far
-- that is. So a call that is repeated, because its answer was lost, adds nothing twice. A record whose stream takes
-- none for good, because its key holds something else or its ids have come to their end, is left out.
--
-- KEYS: the mark, then the streams.
-- ARGV: run, owner, whether the run goes on from another ('1'), its start (ms), MAXLEN or '', how long to keep the
--       mark (s), the numbers of the records, the stream of each ('' when there is one), then the records.
-- Returns the number and the reason of each record that was left out, or the first error.
local mark, run, owner = KEYS[1], ARGV[1], ARGV[2]
local base, last = ARGV[4], 0
local known = redis.call('HMGET', mark, 'run', 'owner', 'base', 'seq')
if known[4] then
  local mine = known[1] == run and known[2] == owner
  if mine or ARGV[3] == '1' then
    base, last = known[3], tonumber(known[4])
  elseif known[1] == run then
    return redis.error_reply('TWOSINKS another egress of this run')
  end -- else: another run of the same start, which is over; this one begins anew
end

if not known[4] then
  redis.call('HSET', mark, 'run', run, 'owner', owner, 'base', base, 'seq', '0') -- or nothing, where that is not allowed
end

local function above(stream)
  local info = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
      return string.format('%.0f', tonumber(string.match(info[i + 1], '^%d+')) + 1)
    end
  end
end

local function add(stream, seq, record)
  if ARGV[5] == '' then
    return redis.pcall('XADD', stream, base .. '-' .. seq, 'data', record)
  end
  return redis.pcall('XADD', stream, 'MAXLEN', '~', ARGV[5], base .. '-' .. seq, 'data', record)
end

local function hopeless(reason)
  for _, said in ipairs({'^WRONGTYPE', 'nvalid stream ID', 'last possible ID', 'equal or smaller'}) do
    if string.find(reason, said) then
      return true
    end
  end
end

local failed, out = nil, {}
local place = string.gmatch(ARGV[8], '%d+')
local i, reached = 8, last
for seq in string.gmatch(ARGV[7], '%d+') do
  i = i + 1
  local stream = KEYS[tonumber(place() or 2)]
  if tonumber(seq) > last then
    local reply = add(stream, seq, ARGV[i])
    if type(reply) == 'table' and reply.err and string.find(reply.err, 'equal or smaller') then
      local before = base
      base = above(stream) -- somebody else's ids are higher: go on above them
      reply = add(stream, seq, ARGV[i])
      if type(reply) == 'table' and reply.err then
        base = before
      end
    end
    if type(reply) == 'table' and reply.err then
      if not hopeless(reply.err) then
        failed = reply.err
        break
      end
      out[#out + 1] = seq
      out[#out + 1] = reply.err
    end
    reached = tonumber(seq)
  end
end
if reached > last or not known[4] then
  redis.call('HSET', mark, 'run', run, 'owner', owner, 'base', base, 'seq', string.format('%.0f', reached))
  redis.pcall('EXPIRE', mark, ARGV[6])
end
if failed then
  return redis.error_reply(failed)
end
return out
