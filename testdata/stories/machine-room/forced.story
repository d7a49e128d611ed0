# 第6条第1項: 扉のこじ開けは、直ちに事故として知らせる / 6-1: a forced door is an incident at once
door machine-room
at 2026-11-24T09:00:00+09:00

> door force
< event door_forced severity=A
< show entry alarm
! event access_taken within 2s
! event exit_unidentified within 2s
> door close
< event door_restored
< show entry idle
! lock released within 2s
