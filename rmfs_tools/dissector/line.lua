-- One line, followed from its first frame on, as an observer: which I frames are new,
-- which messages become whole. What is found for a frame is kept by its number, because
-- Wireshark dissects frames again and in any order.

local lines = {}
local told = {}

local function new_way() return { next = 0, held = {}, partial = nil } end

local function begin_link(line, modulus)
  line.modulus = modulus
  line.machine = new_way()
  line.server = new_way()
  line.g_x = nil
end

local function line_of(interface)
  if not lines[interface] then
    lines[interface] = {}
    begin_link(lines[interface], T.link.modulo_8)
  end
  return lines[interface]
end

local function segment_fits(way, information)
  local segment = information:byte(1) or 0
  local begins = bit.band(segment, T.link.first) ~= 0
  local unknown = bit.band(segment, bit.bnot(T.link.first + T.link.last)) ~= 0
  return not unknown and #information > 1 and begins == (way.partial == nil)
end

-- Deliver what is next; whole packets go to `found`.
local function deliver(line, from, found)
  local way = line[from]
  while way.held[way.next] do
    local information = way.held[way.next]
    way.held[way.next] = nil
    way.next = (way.next + 1) % line.modulus
    if not segment_fits(way, information) then
      way.partial = nil
      found.wrong[#found.wrong + 1] = "segment octet is wrong [LINK-9]"
    else
      local segment = information:byte(1)
      local whole = (way.partial or "") .. information:sub(2)
      if #whole > T.link.message_octets_max then
        way.partial = nil
        found.wrong[#found.wrong + 1] = "message is too long [LINK-9.2]"
      elseif bit.band(segment, T.link.last) == 0 then
        way.partial = whole
      else
        way.partial = nil
        local kind = T.packets[whole:byte(1)]
        if kind and kind.name == "GREETING_1" then
          line.g_x = whole:sub(T.g_x.at + 2, T.g_x.at + T.g_x.octets + 1)
        end
        found.packets[#found.packets + 1] = { octets = whole, from = from, g_x = line.g_x }
      end
    end
  end
end

-- Go on behind frames that were acknowledged and never seen (LINK-6.5).
local function acknowledged(line, from, number, found)
  local way = line[from]
  local function ahead() return (number - way.next) % line.modulus end
  local missed = 0
  while ahead() > 0 and ahead() < line.modulus / 2 do
    if way.held[way.next] then
      deliver(line, from, found)
    else
      missed = missed + 1
      way.next = (way.next + 1) % line.modulus
      way.partial = nil
    end
  end
  found.missed = missed
  deliver(line, from, found)
end

local ACKNOWLEDGES = { INFORMATION = true, RR = true, RNR = true, REJ = true }
-- N(R) of a SREJ that only asks acknowledges nothing (LINK-6.5).
local function acknowledges(frame)
  if frame.kind == T.link.reporting then return frame.poll_final or #frame.information > 0 end
  return ACKNOWLEDGES[frame.kind]
end

local ENDS_LINK = { DISC = true, DM = true, FRMR = true }

-- Follow one frame, once, in the order of the capture.
local function follow(line, frame)
  local found = { modulus = line.modulus, packets = {}, wrong = {}, missed = 0 }
  if frame.kind == "SABM" then begin_link(line, T.link.modulo_8) end
  if frame.kind == "SABME" then begin_link(line, T.link.modulo_128) end
  if acknowledges(frame) then
    local other = frame.from == "machine" and "server" or "machine"
    acknowledged(line, other, frame.receive_number, found)
  end
  if frame.kind == T.link.information then
    local way = line[frame.from]
    local ahead = (frame.send_number - way.next) % line.modulus
    if ahead >= line.modulus / 2 or way.held[frame.send_number] then
      found.repeated = true
    else
      way.held[frame.send_number] = frame.information
      deliver(line, frame.from, found)
    end
  elseif ENDS_LINK[frame.kind] then
    begin_link(line, T.link.modulo_8)
  end
  return found
end
