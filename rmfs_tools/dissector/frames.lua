-- Frames: address, control, information.

local direction_field = Field.new("frame.packet_flags_direction")
local interface_field = Field.new("frame.interface_id")
local INBOUND, OUTBOUND = 1, 2

local function sender(octets)
  local direction = direction_field()
  local value = direction and direction.value
  if value == OUTBOUND then return "machine" end
  if value == INBOUND then return "server" end
  -- An I frame is always a command, and a command carries the address of the other end.
  if bit.band(octets:byte(2), 1) == 0 then
    return octets:byte(1) == T.link.address_b and "machine" or "server"
  end
  return nil
end

-- Read a frame's control field: a table, or nil and what is wrong.
local function read_frame(octets, from, modulus)
  local address, first, second = octets:byte(1, 3)
  if address ~= T.link.address_a and address ~= T.link.address_b then
    return nil, "foreign"
  end
  local frame = { from = from, control = 1 }
  frame.command = (address == T.link.address_b) == (from == "machine")
  if bit.band(first, 3) == 3 then
    frame.kind = T.link.unnumbered[bit.band(first, 0xef)]
    frame.poll_final = bit.band(first, 0x10) ~= 0
  elseif modulus == T.link.modulo_8 then
    frame.poll_final = bit.band(first, 0x10) ~= 0
    frame.receive_number = bit.rshift(first, 5)
    if bit.band(first, 1) == 0 then
      frame.kind = T.link.information
      frame.send_number = bit.band(bit.rshift(first, 1), 7)
    else
      frame.kind = T.link.supervisory[bit.band(first, 0x0f)]
    end
  elseif second then
    frame.control = 2
    frame.poll_final = bit.band(second, 1) ~= 0
    frame.receive_number = bit.rshift(second, 1)
    if bit.band(first, 1) == 0 then
      frame.kind = T.link.information
      frame.send_number = bit.rshift(first, 1)
    else
      frame.kind = T.link.supervisory[first]
    end
  end
  if not frame.kind then return nil, "control field is unknown [LINK-14.2]" end
  local wrong = frame.command and T.link.responses_only or T.link.commands_only
  if wrong[frame.kind] then return nil, "foreign" end
  frame.information = octets:sub(2 + frame.control)
  local may_report = frame.kind == T.link.reporting and frame.control == 2
  if #frame.information > 0 and not T.link.with_information[frame.kind]
    and not may_report then
    return nil, "information where none is allowed [LINK-14.2]"
  end
  return frame
end

local function show_words(frame)
  local words = frame.kind == T.link.information and "I" or frame.kind
  if frame.send_number then
    words = words .. " " .. frame.send_number .. "/" .. frame.receive_number
  elseif frame.receive_number then
    words = words .. " " .. frame.receive_number
  end
  if frame.poll_final then words = words .. (frame.command and " P" or " F") end
  return words
end

local function show_xid(tree, range)
  local at = 1
  while at + 3 <= range:len() do
    local group = range(at, 1):uint()
    local stop = at + 3 + range(at + 1, 2):uint()
    at = at + 3
    if stop > range:len() then return malformed(tree, "XID: a group too long") end
    while at + 2 <= stop do
      local parameter = range(at, 1):uint()
      local octets = range(at + 1, 1):uint()
      if at + 2 + octets > stop then
        return malformed(tree, "XID: a parameter too long")
      end
      tree:add(F["xid.parameter"], range(at, 1), group * 256 + parameter)
      if octets > 0 then tree:add(F["xid.value"], range(at + 2, octets)) end
      at = at + 2 + octets
    end
    at = stop
  end
end

local function show_refusal(tree, range, modulus)
  local octets = modulus == T.link.modulo_8 and 3 or 5
  if range:len() ~= octets then
    return malformed(tree, "FRMR has " .. octets .. " octets of information [LINK-14.2]")
  end
  tree:add(F["frmr.control"], range(0, octets == 3 and 1 or 2))
  tree:add(F["frmr.reason"], range(octets - 1, 1))
end

-- An arrival report: what came last, and a bit for each number beyond N(R) (LINK-17.2).
local function show_report(tree, range, frame)
  local modulus = T.link.modulo_128
  local latest = range(0, 1):uint()
  if range:len() > 1 + modulus / 16 or latest >= modulus then
    return malformed(tree, "a report of another form [LINK-17.9]")
  end
  tree:add(F["report.latest"], range(0, 1))
  local held = {}
  for place = 0, 8 * (range:len() - 1) - 1 do
    local octet = range(1 + math.floor(place / 8), 1):uint()
    if bit.band(bit.rshift(octet, place % 8), 1) == 1 then
      held[#held + 1] = (frame.receive_number + 1 + place) % modulus
    end
  end
  tree:add(F["report.held"], range(), table.concat(held, " "))
end

local function show_information(tree, range, frame, found)
  if frame.kind == "XID" then return show_xid(tree, range) end
  if frame.kind == T.link.reporting then return show_report(tree, range, frame) end
  if frame.kind == "FRMR" then return show_refusal(tree, range, found.modulus) end
  local segment = tree:add(F["segment"], range(0, 1))
  local bits = range(0, 1):uint()
  segment:add(F["segment.first"], range(0, 1), bit.band(bits, T.link.first) ~= 0)
  segment:add(F["segment.last"], range(0, 1), bit.band(bits, T.link.last) ~= 0)
  if range:len() > 1 then tree:add(F["segment.data"], range(1)) end
end

-- A packet of this frame alone is shown in its octets; any other gets a view of its own.
local function packet_range(packet, frame, range)
  if packet.from == frame.from and packet.octets == frame.information:sub(2) then
    return range(2 + frame.control)
  end
  return ByteArray.new(packet.octets, true):tvb("Packet of several frames"):range()
end

local function show_control(tree, buffer, frame, found)
  tree:add(F["address"], buffer(0, 1))
  local control = tree:add(F["control"], buffer(1, frame.control))
  control:add(F["frame"], buffer(1, frame.control), frame.kind)
  control:add(F["command"], buffer(0, 1), frame.command)
  control:add(F["poll_final"], buffer(frame.control, 1), frame.poll_final)
  if frame.send_number then
    control:add(F["send_number"], buffer(1, 1), frame.send_number)
  end
  if frame.receive_number then
    control:add(F["receive_number"], buffer(frame.control, 1), frame.receive_number)
    control:add(F["modulus"], buffer(1, frame.control), found.modulus):set_generated()
  end
end

local function show_frame(buffer, pinfo, tree, frame, found)
  show_control(tree, buffer, frame, found)
  local words = { show_words(frame) }
  for _, wrong in ipairs(found.wrong) do
    malformed(tree, wrong)
    words[#words + 1] = "malformed"
  end
  if found.missed > 0 then
    tree:add_proto_expert_info(X.missing, found.missed .. " I frames were not seen")
  end
  if frame.kind == T.link.information then
    tree:add(F["repeated"], buffer(1, 1), found.repeated or false):set_generated()
  end
  if found.repeated then
    tree:add_proto_expert_info(X.repeated)
    words[#words + 1] = "again"
  end
  if #frame.information > 0 then
    show_information(tree, buffer(1 + frame.control), frame, found)
  end
  for _, packet in ipairs(found.packets) do
    words[#words + 1] = show_packet(tree, packet_range(packet, frame, buffer), packet)
  end
  pinfo.cols.info = table.concat(words, "  ")
end

local function found_for(pinfo, octets, from)
  local number = pinfo.number
  if told[number] then return told[number] end
  local interface = interface_field()
  local line = line_of(interface and interface.value or 0)
  local frame, wrong = read_frame(octets, from, line.modulus)
  told[number] = { frame = frame, wrong = wrong, found = frame and follow(line, frame) }
  return told[number]
end

function fmp.dissector(buffer, pinfo, root)
  pinfo.cols.protocol = "FMP"
  local tree = root:add(fmp, buffer())
  if buffer:len() < 2 then
    pinfo.cols.info = malformed(tree, "a frame of fewer than 2 octets")
    return
  end
  local octets = buffer():raw()
  local from = sender(octets)
  if not from then
    pinfo.cols.info = malformed(tree, "nothing says who sent this frame")
    return
  end
  tree:add(F["from"], buffer(0, 1), from):set_generated()
  pinfo.cols.src = from
  pinfo.cols.dst = from == "machine" and "server" or "machine"
  local all_of_it = found_for(pinfo, octets, from)
  if all_of_it.frame then
    show_frame(buffer, pinfo, tree, all_of_it.frame, all_of_it.found)
    return
  end
  tree:add(F["address"], buffer(0, 1))
  tree:add(F["control"], buffer(1, 1))
  if all_of_it.wrong == "foreign" then
    tree:add_proto_expert_info(X.foreign)
    pinfo.cols.info = "not for this end"
  else
    pinfo.cols.info = malformed(tree, all_of_it.wrong)
  end
end

function fmp_line.dissector(buffer, pinfo, root)
  pinfo.cols.protocol = "FMP line"
  if buffer:len() == 0 then return end
  local tree = root:add(fmp_line, buffer())
  local code = buffer(0, 1):uint()
  if T.no_frame[code] then
    tree:add(L.why, buffer(0, 1))
    if buffer:len() > 1 then tree:add(L.octets, buffer(1)) end
    tree:add_proto_expert_info(XL.damaged, T.no_frame[code])
    pinfo.cols.info = T.no_frame[code]
    return
  end
  tree:add(L.event, buffer(0, 1))
  local words = T.events[code] or "an event of a later version"
  if buffer:len() > 1 then
    tree:add(L.words, buffer(1))
    words = words .. ": " .. buffer(1):string(ENC_UTF_8)
  end
  pinfo.cols.info = words
end
