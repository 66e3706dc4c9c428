-- The key log: keys of channels by G_X. It is read again when it has grown.

local keys = {}
local keys_read = { name = "", octets = -1 }

local function hex(octets)
  return (octets:gsub(".", function(one) return string.format("%02x", one:byte()) end))
end

local function unhex(digits)
  return (digits:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end))
end

local function read_line(line)
  local g_x, key_m, iv_m, key_s, iv_s =
    line:match("^FMP1_RECORDS (%x+) (%x+) (%x+) (%x+) (%x+)%s*$")
  if g_x then
    keys[g_x:lower()] = {
      machine = { key = unhex(key_m), iv = unhex(iv_m) },
      server = { key = unhex(key_s), iv = unhex(iv_s) },
    }
  end
end

local function read_keys()
  local name = fmp.prefs.keylog
  if name ~= keys_read.name then
    keys = {}
    keys_read = { name = name, octets = -1 }
  end
  if name == "" then return end
  local file = io.open(name, "r")
  if not file then return end
  local octets = file:seek("end")
  if octets ~= keys_read.octets then
    keys_read.octets = octets
    file:seek("set")
    for line in file:lines() do read_line(line) end
  end
  file:close()
end

-- Find the keys of a channel and sender, or nil.
local function find_keys(g_x, from)
  local found = keys[hex(g_x)]
  if not found then
    read_keys()
    found = keys[hex(g_x)]
  end
  return found and found[from]
end
