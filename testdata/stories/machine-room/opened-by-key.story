# 第6条第1項: 鍵で開けたことは、こじ開けと区別して記録する / 6-1: an opening by the mechanical key is told apart from force
door machine-room
at 2026-11-24T09:00:00+09:00

> key
> door open
< event door_opened_by_key severity=A
! event door_forced within 2s
! event access_granted within 2s
> door close
< event door_restored
