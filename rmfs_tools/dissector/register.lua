-- USER0 has our frames, USER1 what is no frame. These are WTAP numbers, which differ
-- from the link types in the file.

function fmp.init()
  lines = {}
  told = {}
  read_keys()
end

function fmp.prefs_changed() read_keys() end

local encapsulations = DissectorTable.get("wtap_encap")
encapsulations:add(wtap.USER0, fmp)
encapsulations:add(wtap.USER1, fmp_line)
